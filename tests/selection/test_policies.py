import random
from datetime import UTC, datetime, timedelta, timezone

import pytest
from pystac import Item

from rs_assets.items.times import OPEN_END
from rs_assets.selection import FilterError, LatestBy, Policy, candidates, choose, select

from .samples import DAY, HOUR, clock, file, names

START, END = clock("10:00"), clock("11:00")
HALF = timedelta(minutes=30)


def on_day(number: int) -> datetime:
    return DAY + timedelta(days=number)


FILES = [
    file("A", clock("9:00"), clock("12:00"), on_day(1)),
    file("B", clock("10:00"), clock("11:00"), on_day(3)),
    file("C", clock("8:00"), clock("10:00"), on_day(4)),
    file("D", clock("10:30"), clock("13:00"), on_day(5)),
    file("E", clock("9:30"), clock("11:30"), on_day(2)),
    file("F", clock("10:00"), clock("11:00"), on_day(2)),
]


def chosen(policy: Policy, *, items: list[Item] = FILES, margin: timedelta = timedelta(0)) -> list[str]:
    return names(select(items, policy, START, END, dt0=margin, dt1=margin).items)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (Policy.VAL_COVER, "AEFB"),
        (Policy.LATEST_VAL_COVER, "B"),
        (Policy.LATEST_VAL_COVER_CLOSEST, "B"),
        (Policy.LATEST_VAL_COVER_NEWEST_VALIDITY, "B"),
        (Policy.BEST_CENTRED_COVER, "A"),
        (Policy.VAL_INTERSECT, "AEFBD"),
        (Policy.LATEST_VAL_INTERSECT, "D"),
        (Policy.VAL_INTERSECT_WITHOUT_DUPLICATES, "AEBD"),
        (Policy.LATEST_VALIDITY, "D"),
        (Policy.LATEST_STOP_VALIDITY, "D"),
        (Policy.LATEST_VALIDITY_CLOSEST, "D"),
        (Policy.CLOSEST_START_VALIDITY, "B"),
        (Policy.CLOSEST_STOP_VALIDITY, "B"),
        (Policy.LARGEST_OVERLAP, "B"),
        (Policy.LARGEST_OVERLAP_85, "B"),
        (Policy.LAST_CREATED, "D"),
        (Policy.FULL_COVERAGE, "AEFBD"),
    ],
)
def test_the_worked_example_gives_what_was_worked_out_by_hand(policy: Policy, expected: str) -> None:
    assert chosen(policy) == list(expected)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (Policy.VAL_COVER, "AE"),
        (Policy.LATEST_VAL_COVER, "E"),
        (Policy.LATEST_VAL_COVER_CLOSEST, "E"),
        (Policy.BEST_CENTRED_COVER, "A"),
        (Policy.LARGEST_OVERLAP, "E"),
        (Policy.VAL_INTERSECT, "CAEFBD"),
    ],
)
def test_margins_of_half_an_hour_widen_the_worked_example(policy: Policy, expected: str) -> None:
    assert chosen(policy, margin=HALF) == list(expected)


def test_each_margin_widens_its_own_side() -> None:
    early = select(FILES, Policy.VAL_COVER, START, END, dt0=HALF)
    late = select(FILES, Policy.VAL_COVER, START, END, dt1=HOUR)

    assert (early.interval.s0, early.interval.s1) == (clock("9:30"), END)
    assert (late.interval.s0, late.interval.s1) == (START, clock("12:00"))
    assert names(early.items) == ["A", "E"]
    assert names(late.items) == ["A"]


@pytest.mark.parametrize("policy", Policy)
def test_nothing_is_chosen_from_nothing(policy: Policy) -> None:
    selection = select([], policy, START, END)

    assert selection.items == ()
    assert selection.candidates == ()


@pytest.mark.parametrize("policy", Policy)
def test_the_order_of_the_items_has_no_influence(policy: Policy) -> None:
    shuffled = list(FILES)
    random.Random(1).shuffle(shuffled)

    one, other = select(FILES, policy, START, END), select(shuffled, policy, START, END)

    assert one == other


def test_a_tie_in_everything_goes_to_the_greater_id_and_then_to_the_greater_source_id() -> None:
    files = [file(name, START, END, on_day(1), source) for name, source in [("P", "2"), ("Q", "1"), ("Q", "3")]]

    for policy in Policy:
        for arrangement in (files, files[::-1]):
            last = select(arrangement, policy, START, END).items[-1]
            assert (last.id, last.properties["auxip:id"]) == ("Q", "3"), policy


def test_the_selection_shows_what_was_chosen_from() -> None:
    selection = select(FILES, Policy.LATEST_VAL_COVER, START, END)

    assert names(candidate.item for candidate in selection.candidates) == ["A", "E", "F", "B"]
    assert selection.policy is Policy.LATEST_VAL_COVER


def test_the_newest_validity_is_taken_where_nothing_covers() -> None:
    files = [item for item in FILES if item.id in "CD"]
    selection = select(files, Policy.LATEST_VAL_COVER_NEWEST_VALIDITY, START, END)

    assert names(selection.items) == ["D"]
    assert len(selection.candidates) == 2


@pytest.mark.parametrize(("end", "expected"), [("10:51", ["X"]), ("10:50", [])])
def test_an_overlap_counts_from_85_percent_on(end: str, expected: list[str]) -> None:
    files = [file("X", START, clock(end), on_day(1))]

    assert chosen(Policy.LARGEST_OVERLAP_85, items=files) == expected


def test_files_cover_in_full_where_each_begins_at_the_end_of_another() -> None:
    parts = [file("X", START, clock("10:30"), on_day(1)), file("Y", clock("10:30"), END, on_day(1))]
    gap = [parts[0], file("Y", clock("10:31"), END, on_day(1))]

    assert chosen(Policy.FULL_COVERAGE, items=parts) == ["X", "Y"]
    assert chosen(Policy.FULL_COVERAGE, items=gap) == []


def test_full_coverage_is_of_the_interval_without_its_margins() -> None:
    files = [file("X", START, END, on_day(1))]

    assert chosen(Policy.FULL_COVERAGE, items=files, margin=HOUR) == ["X"]


@pytest.mark.parametrize("policy", [Policy.VAL_INTERSECT, Policy.VAL_INTERSECT_WITHOUT_DUPLICATES])
def test_a_point_in_time_is_met_by_what_begins_or_ends_at_it(policy: Policy) -> None:
    files = [
        file("before", clock("9:00"), START, on_day(1)),
        file("after", START, END, on_day(1)),
        file("around", clock("9:00"), END, on_day(1)),
        file("past", clock("8:00"), clock("9:59"), on_day(1)),
    ]

    assert names(select(files, policy, START, START).items) == ["before", "around", "after"]


def test_the_latest_at_a_point_in_time_may_only_touch_it() -> None:
    files = [file("around", clock("9:00"), END, on_day(1)), file("after", START, END, on_day(2))]

    assert names(select(files, Policy.LATEST_VAL_INTERSECT, START, START).items) == ["after"]


@pytest.mark.parametrize(
    "end", ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999999Z", "99999999T999999", "9999-01-01"]
)
def test_a_validity_without_end_is_infinite_however_it_is_written(end: str) -> None:
    open_file = file("open", clock("9:50"), OPEN_END, on_day(1))
    open_file.properties["end_datetime"] = end
    files = [open_file, file("wide", clock("9:45"), clock("20:00"), on_day(2)), file("B", START, END, on_day(3))]

    assert chosen(Policy.BEST_CENTRED_COVER, items=files) == ["wide"]
    assert chosen(Policy.LATEST_STOP_VALIDITY, items=files) == ["open"]
    assert chosen(Policy.CLOSEST_STOP_VALIDITY, items=files) == ["B"]
    assert "open" in chosen(Policy.VAL_COVER, items=files, margin=timedelta(minutes=10))


@pytest.mark.parametrize("policy", Policy)
def test_an_interval_without_end_and_margins_beyond_the_calendar_overflow_nowhere(policy: Policy) -> None:
    files = [*FILES, file("open", clock("9:00"), OPEN_END, on_day(1))]

    selection = select(files, policy, START, OPEN_END, dt0=timedelta.max / 2, dt1=timedelta.max / 2)

    assert selection.interval.s1 == OPEN_END
    assert selection.interval.s0 == datetime.min.replace(tzinfo=UTC)


def test_an_interval_without_end_is_covered_by_a_validity_without_end() -> None:
    files = [*FILES, file("open", clock("9:00"), OPEN_END, on_day(1))]

    assert names(select(files, Policy.VAL_COVER, START, OPEN_END.replace(microsecond=5)).items) == ["open"]


def test_bounds_that_differ_by_a_microsecond_differ() -> None:
    later = START + timedelta(microseconds=1)
    files = [file("X", later, clock("12:00"), on_day(1)), file("Y", START, END, on_day(1))]

    assert chosen(Policy.VAL_COVER, items=files) == ["Y"]
    assert chosen(Policy.LATEST_VALIDITY, items=files) == ["X"]
    assert chosen(Policy.CLOSEST_START_VALIDITY, items=files) == ["Y"]


def test_the_interval_may_be_in_any_zone() -> None:
    there = timezone(timedelta(hours=5))

    selection = select(FILES, Policy.VAL_COVER, START.astimezone(there), END.astimezone(there))

    assert names(selection.items) == list("AEFB")


@pytest.mark.parametrize(
    ("start", "end", "margin", "complaint"),
    [
        (START.replace(tzinfo=None), END, timedelta(0), "no time zone"),
        (START, END.replace(tzinfo=None), timedelta(0), "no time zone"),
        (END, START, timedelta(0), "before its start"),
        (START, END, timedelta(seconds=-1), "not a margin"),
    ],
)
def test_an_interval_that_makes_no_sense_is_refused(
    start: datetime, end: datetime, margin: timedelta, complaint: str
) -> None:
    with pytest.raises(FilterError, match=complaint):
        select(FILES, Policy.VAL_COVER, start, end, dt0=margin)


@pytest.mark.parametrize(
    ("latest_by", "expected"),
    [(LatestBy.GENERATION, "old"), (LatestBy.CREATED, "middle"), (LatestBy.PUBLISHED, "again")],
)
def test_latest_means_the_time_that_is_asked_for(latest_by: LatestBy, expected: str) -> None:
    files = [
        file("old", START, END, on_day(9)),
        file("middle", START, END, on_day(2)),
        file("again", START, END, on_day(1)),
    ]
    files[0].properties |= {"created": "2026-01-01T00:00:00Z", "published": "2026-01-01T00:00:00Z"}
    files[1].properties |= {"created": "2026-01-09T00:00:00Z", "published": "2026-01-01T00:00:00Z"}
    files[2].properties |= {"created": "2026-01-01T00:00:00Z", "published": "2026-01-09T00:00:00Z"}

    selection = select(files, Policy.LAST_CREATED, START, END, latest_by=latest_by)

    assert names(selection.items) == [expected]


def test_candidates_serve_several_selections() -> None:
    found = candidates(FILES)

    assert names(choose(found, Policy.LATEST_VAL_COVER, START, END).items) == ["B"]
    assert names(choose(found, Policy.BEST_CENTRED_COVER, START, END).items) == ["A"]


@pytest.mark.parametrize("policy", Policy)
def test_a_policy_has_its_name(policy: Policy) -> None:
    assert Policy.named(policy.value) is policy
    assert Policy.named(f"{policy.value}   ") is policy


@pytest.mark.parametrize(
    ("name", "policy"),
    [
        ("LatestValCoverLatestValidity", Policy.LATEST_VAL_COVER_NEWEST_VALIDITY),
        ("BestCenteredCover", Policy.BEST_CENTRED_COVER),
        ("LatestStartValidity", Policy.LATEST_VALIDITY),
        ("1", Policy.VAL_INTERSECT_WITHOUT_DUPLICATES),
        ("2", Policy.LATEST_VAL_INTERSECT),
        ("3", Policy.VAL_COVER),
        ("4 ", Policy.LATEST_VAL_COVER),
        ("5", Policy.LATEST_VALIDITY),
        ("6", Policy.LATEST_VAL_COVER_NEWEST_VALIDITY),
        ("7", Policy.LATEST_VALIDITY_CLOSEST),
        ("8", Policy.BEST_CENTRED_COVER),
        ("9", Policy.LATEST_VAL_COVER_CLOSEST),
    ],
)
def test_a_policy_has_other_names_and_a_rule_number(name: str, policy: Policy) -> None:
    assert Policy.named(name) is policy


@pytest.mark.parametrize("name", ["", "10", "ValCoverage"])
def test_an_unknown_policy_is_refused_with_those_that_there_are(name: str) -> None:
    with pytest.raises(FilterError, match=r"ValCover, LatestValCover.*BestCenteredCover"):
        Policy.named(name)
