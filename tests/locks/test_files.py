"""Locks as files: what remains of them, across boots, and where the directory is of no use."""

from pathlib import Path

import pytest

from rs_assets.errors import LockError
from rs_assets.locks import FileLocks, files


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "state.locks"


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
