from datetime import UTC, datetime, timedelta

import pytest

from rs_assets.reports import TimelineRow, verdict, verdicts
from rs_assets.selection import FilterError
from tests.reports.samples import END, START, minutes, row


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        ([row(-10, 70)], "covered"),
        ([row(0, 60)], "covered"),
        ([row(-1000, None)], "covered"),
        ([row(-10, 20), row(20, 70)], "covered"),
        ([row(-10, 20), row(45.5, 70)], "NOT covered: gap 10:20:00 – 10:45:30 UTC"),
        ([row(-10, 20), row(-10, 5), row(40, 60)], "NOT covered: gap 10:20:00 – 10:40:00 UTC"),
        ([row(10, 50)], "NOT covered: gaps 10:00:00 – 10:10:00, 10:50:00 – 11:00:00 UTC"),
        ([row(10, 20), row(30, 40)], "NOT covered: 3 gaps, the first 10:00:00 – 10:10:00 UTC"),
        ([row(70, -10)], "NOT covered: gap 10:00:00 – 11:00:00 UTC"),
        ([], "NOT covered: gap 10:00:00 – 11:00:00 UTC"),
    ],
)
def test_the_sentence_says_what_the_chosen_files_leave_out(chosen: list[TimelineRow], sentence: str) -> None:
    found = verdict(chosen, START, END)

    assert found.sentence == sentence
    assert found.is_covered is (sentence == "covered")


def test_files_that_were_not_chosen_cover_nothing() -> None:
    found = verdict([row(-10, 70, chosen=False), row(0, 30)], START, END)

    assert found.sentence == "NOT covered: gap 10:30:00 – 11:00:00 UTC"
    assert (found.chosen, found.candidates) == (1, 2)


def test_a_gap_of_a_microsecond_is_one() -> None:
    microsecond = timedelta(microseconds=1)
    rows = [
        TimelineRow("first", "A", START, START + minutes(1), chosen=True),
        TimelineRow("second", "A", START + minutes(1) + microsecond, END, chosen=True),
    ]

    assert verdict(rows, START, END).sentence == "NOT covered: gap 10:01:00 – 10:01:00.000001 UTC"


def test_the_day_is_written_when_there_is_more_than_one() -> None:
    found = verdict([row(0, 60)], START, START + timedelta(days=1))

    assert found.sentence == "NOT covered: gap 2026-11-01 11:00:00 – 2026-11-02 10:00:00 UTC"


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        (row(-10, 0), "covered"),
        (row(0, 0), "covered"),
        (row(1, 10), "NOT covered: nothing at 10:00:00 UTC"),
    ],
)
def test_an_instant_is_covered_by_what_holds_it(chosen: TimelineRow, sentence: str) -> None:
    assert verdict([chosen], START, START).sentence == sentence


def test_an_interval_without_end_is_covered_by_a_validity_without_end() -> None:
    latest = datetime.max.replace(tzinfo=UTC)

    assert verdict([row(-10, None)], START, latest).is_covered
    assert verdict([row(-10, 60)], START, latest).sentence == "NOT covered: gap 2026-11-01 11:00:00 – no end UTC"


def test_each_product_type_has_its_verdict_the_bad_ones_first() -> None:
    rows = [row(-10, 70, group="AUX_CAL"), row(-10, 20, group="AUX_PP1")]

    found = verdicts(rows, START, END, groups=["AUX_CAL", "AUX_ICE"])

    assert [(one.group, one.is_covered) for one in found] == [
        ("AUX_ICE", False),
        ("AUX_PP1", False),
        ("AUX_CAL", True),
    ]


def test_an_interval_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(FilterError, match="before its start"):
        verdict([], END, START)


def test_naive_times_are_refused() -> None:
    naive = datetime(2026, 11, 1, 10)  # noqa: DTZ001

    with pytest.raises(FilterError, match="no time zone"):
        TimelineRow("name", "AUX_CAL", naive, END, chosen=True)
    with pytest.raises(FilterError, match="no time zone"):
        TimelineRow("name", "AUX_CAL", START, naive.replace(year=9999), chosen=True)
    with pytest.raises(FilterError, match="no time zone"):
        verdict([], naive, END)
