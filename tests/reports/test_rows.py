from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from rs_assets.items.times import OPEN_END
from rs_assets.reports import TimelineRow
from rs_assets.reports.rows import rows_to_show, short_names
from tests.reports.samples import END, START, row

ORBIT = "S1A_OPER_AUX_RESORB_OPOD_20261101T123456_V20261101T083412_20261101T115142.EOF"


def test_times_are_brought_to_utc_and_every_way_of_saying_no_end_is_one() -> None:
    east = timezone(timedelta(hours=-2))

    brought = TimelineRow(
        "name", "AUX_CAL", datetime(2026, 11, 1, 8, tzinfo=east), datetime.max.replace(tzinfo=east), True
    )

    assert (brought.begin, brought.begin.tzinfo, brought.end) == (START, UTC, OPEN_END)


def test_when_there_is_no_room_the_chosen_files_stay_and_then_the_nearest() -> None:
    chosen_far = row(-600, -500)
    touching_more = row(10, 300, chosen=False)
    touching_less = row(50, 300, chosen=False)
    near = row(61, 100, chosen=False)
    far = row(300, 400, chosen=False)
    rows = [far, near, touching_less, touching_more, chosen_far]

    assert rows_to_show(rows, START, END, 1) == [chosen_far]
    assert rows_to_show(rows, START, END, 2) == [chosen_far, touching_more]
    assert rows_to_show(rows, START, END, 3) == [chosen_far, touching_more, touching_less]
    assert rows_to_show(rows, START, END, 4) == [chosen_far, touching_more, touching_less, near]
    assert rows_to_show(rows, START, END, 0) == []


def test_of_the_files_that_cover_the_interval_those_that_begin_last_are_shown() -> None:
    years_old, last_week, yesterday = (row(-minutes, None, chosen=False) for minutes in (2_000_000, 10_000, 1_440))

    assert rows_to_show([years_old, yesterday, last_week], START, END, 2) == [last_week, yesterday]


def test_rows_stand_by_product_type_the_chosen_first_then_by_time() -> None:
    rows = [row(20, 30, chosen=False), row(0, 10, chosen=False), row(40, 50), row(5, None, group="AUX_CAL")]

    assert rows_to_show(reversed(rows), START, END, 40) == [rows[3], rows[2], rows[1], rows[0]]


def test_names_lose_the_fields_that_they_share() -> None:
    other = ORBIT.replace("083412", "100000")

    assert short_names([ORBIT, other, "short.EOF"], 58) == {
        ORBIT: "S1A_…_20261101T123456_V20261101T083412_20261101T115142.EOF",
        other: "S1A_…_20261101T123456_V20261101T100000_20261101T115142.EOF",
        "short.EOF": "short.EOF",
    }


def test_names_that_differ_in_the_middle_only_are_still_told_apart() -> None:
    names = {f"{'a' * 60}{letter}{'b' * 60}" for letter in "xyz"}

    assert len(set(short_names(names, 40).values())) == len(names)


@given(st.sets(st.text(st.sampled_from("ab_\n"), max_size=40), max_size=12), st.integers(12, 30))
def test_no_two_names_look_alike(names: set[str], width: int) -> None:
    shown = short_names(names, width)

    assert shown.keys() == names
    assert len(set(shown.values())) == len(names)
    assert all(len(text) <= width + len(" (12)") for text in shown.values())
