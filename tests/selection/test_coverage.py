from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_assets.items.times import OPEN_END
from rs_assets.selection import FilterError, Gap, coverage

from .samples import DAY, HOUR, clock

START, END = clock("10:00"), clock("12:00")


def gaps(*intervals: tuple[str, str]) -> list[Gap]:
    return list(coverage([(clock(begin), clock(end)) for begin, end in intervals], START, END).gaps)


@pytest.mark.parametrize(
    "intervals",
    [
        [("10:00", "12:00")],
        [("9:00", "13:00")],
        [("11:00", "12:00"), ("10:00", "11:00")],
        [("9:00", "11:30"), ("9:30", "10:00"), ("11:00", "20:00")],
    ],
)
def test_what_is_covered_has_no_gap(intervals: list[tuple[str, str]]) -> None:
    assert gaps(*intervals) == []


@pytest.mark.parametrize(
    ("intervals", "expected"),
    [
        ([], [("10:00", "12:00")]),
        ([("8:00", "10:00"), ("12:00", "13:00")], [("10:00", "12:00")]),
        ([("9:00", "11:00")], [("11:00", "12:00")]),
        ([("11:00", "13:00")], [("10:00", "11:00")]),
        ([("10:30", "11:00"), ("11:30", "11:45")], [("10:00", "10:30"), ("11:00", "11:30"), ("11:45", "12:00")]),
        ([("11:00", "11:00")], [("10:00", "12:00")]),
        ([("12:00", "10:00")], [("10:00", "12:00")]),
    ],
)
def test_a_gap_is_given_with_its_bounds(intervals: list[tuple[str, str]], expected: list[tuple[str, str]]) -> None:
    assert gaps(*intervals) == [Gap(clock(start), clock(end)) for start, end in expected]


@pytest.mark.parametrize(("begin", "end", "is_covered"), [("9:00", "10:00", True), ("10:00", "10:00", True),
                                                          ("9:00", "9:59", False)])  # fmt: skip
def test_a_point_in_time_is_covered_by_what_holds_it(begin: str, end: str, is_covered: bool) -> None:
    found = coverage([(clock(begin), clock(end))], START, START)

    assert found.is_covered is is_covered
    assert found.gaps == (() if is_covered else (Gap(START, START),))


def test_a_validity_without_end_covers_all_that_follows() -> None:
    assert coverage([(START, OPEN_END)], START, OPEN_END).is_covered


hours = st.integers(0, 8).map(lambda hour: DAY + hour * HOUR)


@given(st.lists(st.tuples(hours, hours), max_size=6), hours, hours)
def test_a_minute_is_in_a_gap_exactly_if_no_interval_has_it(
    intervals: list[tuple[datetime, datetime]], one: datetime, other: datetime
) -> None:
    start, end = sorted((one, other))
    found = coverage(intervals, start, end)
    half_hours = [DAY + timedelta(minutes=30 + 60 * hour) for hour in range(9)]

    for probe in (probe for probe in half_hours if start < probe < end):
        in_gap = any(gap.start < probe < gap.end for gap in found.gaps)
        assert in_gap is not any(begin <= probe <= finish for begin, finish in intervals)
    assert list(found.gaps) == sorted(found.gaps, key=lambda gap: gap.start)


@pytest.mark.parametrize(
    ("start", "end", "complaint"), [(END, START, "before its start"), (START.replace(tzinfo=None), END, "time zone")]
)
def test_a_stretch_that_makes_no_sense_is_refused(start: datetime, end: datetime, complaint: str) -> None:
    with pytest.raises(FilterError, match=complaint):
        coverage([], start, end)
