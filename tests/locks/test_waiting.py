"""Short work that two processes must not do at once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rs_assets.errors import LockError
from rs_assets.locks import FileLocks, exclusive


def test_of_all_who_want_it_one_works_at_a_time(tmp_path: Path) -> None:
    at_work: list[int] = []
    most = 0

    def work(number: int) -> None:
        nonlocal most
        with exclusive(FileLocks(tmp_path), "partitions/adgs 2026-11-01|S1"):
            at_work.append(number)
            most = max(most, len(at_work))
            threading.Event().wait(0.002)
            at_work.remove(number)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(24)))

    assert most == 1
    assert list((tmp_path / "partitions").iterdir()) == []


def test_the_wait_has_an_end_that_says_who_holds_it(tmp_path: Path) -> None:
    locks = FileLocks(tmp_path)
    with (
        exclusive(locks, "partitions/adgs"),
        pytest.raises(LockError, match=r"waiting for the lock partitions/adgs for 0 s; it is held by process \d+ on "),
        exclusive(locks, "partitions/adgs", timeout=0),
    ):
        pass


def test_work_that_fails_lets_others_have_it(tmp_path: Path) -> None:
    locks = FileLocks(tmp_path)
    with pytest.raises(ZeroDivisionError), exclusive(locks, "a"):
        raise ZeroDivisionError

    with exclusive(locks, "a", timeout=0):
        pass
