"""Locks as files: between processes, across deaths and boots, and where the directory is of no use."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rs_assets.errors import LockError
from rs_assets.locks import FileLocks, files


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "state.locks"


@contextmanager
def holding(directory: Path, name: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.locks.holding", str(directory), name]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_another_process_is_excluded_and_says_who_it_is(directory: Path) -> None:
    locks = FileLocks(directory)
    with holding(directory, "adgs/slot/1") as process:
        assert locks.try_lock("adgs/slot/1") is None
        holder = locks.locked("adgs/slot")["1"]
        assert holder is not None
        assert holder.pid == process.pid
        assert str(holder).startswith(f"process {process.pid} on {os.uname().nodename} since 20")


def test_what_a_killed_process_held_is_free_at_once(directory: Path) -> None:
    locks = FileLocks(directory)
    with holding(directory, "adgs/slot/1") as process:
        process.kill()
        process.wait()

        assert locks.try_lock("adgs/slot/1") is not None


def test_of_a_transient_name_nothing_remains(directory: Path) -> None:
    locks = FileLocks(directory)
    for number in range(3):
        held = locks.try_lock(f"objects/{number}", transient=True)
        assert held is not None
        held.release()

    assert list((directory / "objects").iterdir()) == []


def test_a_value_of_an_earlier_boot_is_not_believed(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    locks = FileLocks(directory)
    locks.update("adgs/load", lambda _: {"paused_until": 1e9})
    monkeypatch.setattr(files, "_boot", lambda: "another boot")

    assert locks.read("adgs/load") is None
    assert locks.update("adgs/load", lambda value: {"was": value is not None}) == {"was": False}


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"boot": 1}', b"\xff\x00", b'{"boot": "x", "value": 3}'])
def test_a_value_that_was_written_by_half_is_none(directory: Path, content: bytes) -> None:
    locks = FileLocks(directory)
    locks.update("adgs/load", lambda _: {"a": 1})
    (directory / "adgs/load.lock").write_bytes(content)

    assert locks.read("adgs/load") is None
    assert locks.locked("adgs") == {}
    assert locks.update("adgs/load", lambda _: {"a": 2}) == {"a": 2}


def test_a_directory_that_cannot_be_used_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    locks = FileLocks(tmp_path / "file" / "locks")

    with pytest.raises(LockError, match=rf"{tmp_path}/file/locks.*the locks are kept beside the state"):
        locks.try_lock("adgs/line")
