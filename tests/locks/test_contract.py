"""What every implementation of the locks promises."""

import gc
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from rs_assets.locks import FileLocks, Holder, Locks, MemoryLocks, open_locks
from tests.postgresql import PostgresqlServer

ODD_NAMES = ["a", "..", ".", "a b", "s3:  bucket x.EOF", "é" * 300, "a%2Fb", "\ud800", "~", "x" * 1000, "a.lock"]


@pytest.fixture(params=["files", "memory", "postgresql"])
def locks(request: pytest.FixtureRequest, tmp_path: Path) -> Locks:
    match request.param:
        case "files":
            return FileLocks(tmp_path / "state.locks")
        case "memory":
            return MemoryLocks()
        case _:
            server: PostgresqlServer = request.getfixturevalue("postgresql")
            return open_locks(server.state())


@pytest.mark.parametrize("transient", [True, False])
def test_a_mutex_has_one_holder_until_it_is_released(locks: Locks, transient: bool) -> None:
    held = locks.try_lock("adgs/line", transient=transient)
    assert held is not None
    assert locks.is_locked("adgs/line")
    assert locks.try_lock("adgs/line", transient=transient) is None

    held.release()
    held.release()

    assert not locks.is_locked("adgs/line")
    assert locks.try_lock("adgs/line", transient=transient) is not None


def test_one_that_nobody_refers_to_any_more_is_released(locks: Locks) -> None:
    held = locks.try_lock("adgs/line")
    assert held is not None
    del held
    gc.collect()

    assert not locks.is_locked("adgs/line")


@pytest.mark.parametrize("name", ODD_NAMES, ids=ascii)
def test_a_name_may_be_any_text_and_stands_for_itself_alone(locks: Locks, name: str) -> None:
    others = [locks.try_lock(f"objects/{other}") for other in ODD_NAMES if other != name]
    assert all(others)

    held = locks.try_lock(f"objects/{name}")

    assert held is not None
    assert locks.try_lock(f"objects/{name}") is None


def test_it_is_told_which_mutexes_of_a_folder_are_held_and_by_whom(locks: Locks) -> None:
    first, second = locks.try_lock("adgs/slot/1"), locks.try_lock("adgs/slot/2")
    other = locks.try_lock("adgs/line")
    assert first is not None
    assert second is not None
    assert other is not None
    first.release()

    assert list(locked := locks.locked("adgs/slot")) == ["2"]
    assert isinstance(locked["2"], Holder)
    assert locked["2"].pid == Holder().pid
    assert locks.locked("nowhere") == {}


def test_threads_take_turns_in_changing_a_value(locks: Locks) -> None:
    def add_one(_: int) -> Mapping[str, Any]:
        return locks.update("adgs/load", lambda value: {"count": (value or {}).get("count", 0) + 1})

    assert locks.read("adgs/load") is None
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(add_one, range(200)))

    assert locks.read("adgs/load") == {"count": 200}


def test_a_change_that_fails_leaves_the_value(locks: Locks) -> None:
    def fail(_: object) -> Mapping[str, Any]:
        raise ZeroDivisionError

    locks.update("adgs/load", lambda _: {"count": 1})
    with pytest.raises(ZeroDivisionError):
        locks.update("adgs/load", fail)

    assert locks.read("adgs/load") == {"count": 1}
    assert locks.update("adgs/load", lambda value: {**(value or {}), "more": "x" * 500})["count"] == 1
    assert locks.update("adgs/load", lambda _: {"count": 2}) == {"count": 2}
    assert locks.read("adgs/load") == {"count": 2}
