from datetime import UTC, datetime, timedelta

import pytest

from rs_assets.items.times import OPEN_END
from rs_assets.reports import TimelineRow
from rs_assets.reports.axis import Requested, View, position, ticks_of, view_of
from rs_assets.reports.wording import length_text, span_text
from tests.reports.samples import END, START, minutes, row

NONE = timedelta(0)
FIRST_DAY = datetime.min.replace(tzinfo=UTC)


def hours_around(rows: list[TimelineRow], start: datetime = START, end: datetime = END) -> tuple[float, float]:
    view = view_of(Requested.of(start, end, (NONE, NONE)), rows)
    return (position(start) - view.left) * 24, (view.right - position(end)) * 24


def test_near_bounds_of_the_chosen_files_are_shown() -> None:
    before, after = hours_around([row(-120, 150), row(-500, 500, chosen=False)])

    assert 2 < before < 2.5
    assert 1.5 < after < 2


def test_bounds_far_away_do_not_make_the_interval_small() -> None:
    before, after = hours_around([row(-1e6, None)])

    assert before < 1.5
    assert after < 1.5


def test_an_instant_is_shown_with_what_is_near() -> None:
    before, after = hours_around([row(-20, 60)], START, START)

    assert 1 / 3 < before < 1
    assert 1 < after < 1.5


@pytest.mark.parametrize(
    ("start", "end", "rows"),
    [
        (START, OPEN_END, [row(-10, None)]),
        (START, OPEN_END, []),
        (FIRST_DAY, FIRST_DAY, []),
        (FIRST_DAY, OPEN_END, [row(0, 10)]),
        (OPEN_END, OPEN_END, [row(0, None)]),
        (OPEN_END - timedelta(days=800), OPEN_END - timedelta(days=370), [row(0, None)]),
        (START, START + timedelta(microseconds=1), [row(0, 1)]),
    ],
)
def test_no_interval_leaves_the_calendar_or_the_axis_without_ticks(
    start: datetime, end: datetime, rows: list[TimelineRow]
) -> None:
    view = view_of(Requested.of(start, end, (timedelta(days=1), timedelta(days=1))), rows)

    ticks, labels = ticks_of(view)

    assert 1 <= len(ticks) == len(labels) <= 9
    assert all(view.left <= tick <= view.right for tick in ticks)


def test_margins_beyond_the_calendar_end_with_it() -> None:
    requested = Requested.of(FIRST_DAY, OPEN_END - timedelta(days=366), (timedelta(days=1), timedelta(days=999)))

    assert (requested.first, requested.last) == (FIRST_DAY, OPEN_END)


def test_ticks_stand_at_full_hours_and_name_each_day_once() -> None:
    view = View(position(START + minutes(12 * 60)), position(START + minutes(17 * 60)))

    assert ticks_of(view)[1] == ["22:00\n2026-11-01", "23:00", "00:00\n2026-11-02", "01:00", "02:00", "03:00"]


def test_lengths_and_spans_are_written_short_and_exact() -> None:
    assert length_text(timedelta(minutes=25, seconds=30)) == "25 min 30 s"
    assert length_text(timedelta(days=2, hours=1, seconds=5, microseconds=3)) == "2 d 1 h 5 s"
    assert length_text(timedelta(microseconds=1)) == "1 µs"
    assert length_text(NONE) == "0 s"
    assert span_text(START, END) == "2026-11-01 10:00:00 – 11:00:00"
    assert span_text(START, START + timedelta(days=1, milliseconds=250)) == (
        "2026-11-01 10:00:00 – 2026-11-02 10:00:00.25"
    )
