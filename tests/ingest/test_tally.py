"""Adding up what a run tells, with a clock that the test sets."""

import re
from dataclasses import replace

import pytest

from rs_assets.ingest import PartitionMessage, PartitionReport, Step, Tally
from rs_assets.ingest.steps import Begun, Ended, Searched
from rs_assets.ingest.tally import progress_line
from rs_assets.items.files import FileState
from rs_assets.staging.messages import Finished, Message, Moved, Paused, Placed, Retried, Started, Waiting
from tests.files import file_at
from tests.platform import day

MB = 1_000_000
A, B = (f"c/{name}/1/f" for name in "ab")


class Clock:
    """A clock that stands where it is put."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def tally_of(clock: Clock, *messages: Begun | Searched | Message, partitions: int = 1) -> Tally:
    """A tally of some partitions that has been told something of the first."""
    tally = Tally(partitions, clock=clock)
    tell(tally, *messages)
    return tally


def tell(tally: Tally, *messages: Begun | Searched | Message | Ended) -> None:
    for message in messages:
        tally(PartitionMessage(day("2026-11-01|S1"), message))


def finished(key: str, stated: int | None, size: int | None, state: FileState = FileState.STAGED) -> Finished:
    """The end of a file."""
    return Finished(replace(file_at(f"c/{key}/1/f", size=stated), state=state, size=size))


def test_bytes_that_came_in_vain_are_no_progress(clock: Clock) -> None:
    tally = tally_of(
        clock,
        Started(1, 10 * MB),
        Placed(A, 0),
        Moved(A, 9 * MB),
        Placed(A, 0),
        Moved(A, 2 * MB),
    )

    assert (tally.all.bytes, tally.moved) == (2 * MB, 11 * MB)
    assert tally.share == pytest.approx(0.2)


def test_what_an_earlier_run_has_left_is_progress_but_no_rate(clock: Clock) -> None:
    tally = tally_of(clock, Started(2, 20 * MB), Placed(A, 8 * MB), Moved(A, 2 * MB))
    tell(tally, finished("a", 10 * MB, 10 * MB), finished("b", 10 * MB, 10 * MB, FileState.PRESENT))
    clock.now += 1

    assert tally.rate == 2 * MB
    assert (tally.all.files, tally.all.bytes, tally.staged_files) == (2, 20 * MB, 1)
    assert tally.share == 1.0


def test_a_file_that_failed_is_expected_no_more(clock: Clock) -> None:
    tally = tally_of(clock, Started(2, 20 * MB), Placed(A, 0), Moved(A, 5 * MB), Retried(A, "it broke off"))
    tell(tally, finished("a", 10 * MB, None, FileState.FAILED))
    assert (tally.all.bytes, tally.all.expected_bytes) == (0, 10 * MB)

    tell(tally, finished("b", 10 * MB, 10 * MB))

    assert tally.share == 1.0
    assert progress_line(tally) == "2/2 files, 10.0/10.0 MB, 0.0 MB/s, 1 retry, 1 failed"


@pytest.mark.parametrize("stated", [None, 3 * MB, 30 * MB])
def test_a_file_counts_with_its_true_size_in_the_end(clock: Clock, stated: int | None) -> None:
    tally = tally_of(clock, Started(1, stated or 0), Placed(A, 0), Moved(A, 6 * MB))
    assert 0.0 <= tally.share <= 1.0

    tell(tally, finished("a", stated, 6 * MB))

    assert (tally.all.bytes, tally.all.expected_bytes, tally.share) == (6 * MB, 6 * MB, 1.0)


def test_the_rate_is_that_of_the_last_ten_seconds(clock: Clock) -> None:
    tally = tally_of(clock, Started(1, 1000 * MB))
    for second in range(40):
        clock.now += 1
        tell(tally, Moved(A, (1 if second < 20 else 5) * MB))
        rate = tally.rate

    assert rate == 5 * MB
    assert tally.seconds_left == (1000 - 20 - 100) / 5


def test_nothing_is_said_of_the_time_left_before_anything_has_come(clock: Clock) -> None:
    tally = tally_of(clock, Begun(Step.SEARCH))
    clock.now += 5
    assert tally.seconds_left is None

    tell(tally, Searched(3), Started(3, 3 * MB))

    assert tally.seconds_left is None


def test_of_several_partitions_each_counts_the_same(clock: Clock) -> None:
    tally = tally_of(clock, Started(1, MB), finished("a", MB, MB), partitions=4)
    tell(tally, Ended(PartitionReport(day("2026-11-01|S1"))))
    clock.now += 10
    tell(tally, Started(2, 200 * MB), Placed(B, 0), Moved(B, 100 * MB))

    assert tally.share == (1 + 0.5) / 4
    assert tally.seconds_left == pytest.approx(10 * 2.5 / 1.5)


def test_a_pause_is_told_until_it_is_over(clock: Clock) -> None:
    tally = tally_of(clock, Started(1, MB), Paused(30), Paused(5))
    assert re.fullmatch(
        r"2026-11-01\|S1: staging; the station is busy, pause of 30 s until \d\d:\d\d:\d\d UTC", tally.what
    )
    clock.now += 31

    assert tally.what == "2026-11-01|S1: staging"


def test_a_wait_is_told_until_something_goes_on(clock: Clock) -> None:
    tally = tally_of(clock, Started(1, MB), Waiting("adgs: others hold all 4 connections"))
    assert tally.what == "2026-11-01|S1: staging; adgs: others hold all 4 connections"
    tell(tally, Moved(A, 1))

    assert tally.what == "2026-11-01|S1: staging"


def test_a_large_amount_is_told_in_gigabytes(clock: Clock) -> None:
    tally = tally_of(clock, Started(100, 25_000 * MB))

    assert progress_line(tally).startswith("0/100 files, 0.0/25.0 GB, ")
