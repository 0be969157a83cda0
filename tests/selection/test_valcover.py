from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from pystac import Item

from rs_assets.selection import FilterError, Policy, create_valcover_filter, matches, parse, select

from .samples import DAY, clock, file, files, minutes

START, END = clock("10:00"), clock("11:00")
MICROSECOND = timedelta(microseconds=1)


def of_type(item: Item, product_type: str = "AUX_X") -> Item:
    item.properties["product:type"] = product_type
    return item


def is_found(item: Item) -> bool:
    return matches(parse(create_valcover_filter(START, END, "AUX_X")), item)


def test_a_file_that_is_valid_for_exactly_the_interval_is_found() -> None:
    assert is_found(of_type(file("X", START, END, DAY)))


@pytest.mark.parametrize(("begin", "end"), [(START + MICROSECOND, END), (START, END - MICROSECOND)])
def test_a_file_that_lacks_a_microsecond_is_not_found(begin: datetime, end: datetime) -> None:
    assert not is_found(of_type(file("X", begin, end, DAY)))


def test_a_file_of_another_type_is_not_found() -> None:
    assert not is_found(of_type(file("X", START, END, DAY), "AUX_Y"))


def test_the_filter_is_cql2_json_with_comparisons() -> None:
    there = timezone(timedelta(hours=2))
    start, end = (START + MICROSECOND).astimezone(there), "2026-11-01T13:00:00.123456+02:00"

    assert create_valcover_filter(start, end, "AUX_X") == {
        "op": "and",
        "args": [
            {"op": "=", "args": [{"property": "product:type"}, "AUX_X"]},
            {"op": "<=", "args": [{"property": "start_datetime"}, {"timestamp": "2026-11-01T10:00:00.000001Z"}]},
            {"op": ">=", "args": [{"property": "end_datetime"}, {"timestamp": "2026-11-01T11:00:00.123456Z"}]},
        ],
    }


@given(files(), minutes, minutes)
def test_the_filter_finds_what_the_policy_would_choose(found: list[Item], one: datetime, other: datetime) -> None:
    start, end = sorted((one, other))
    tree = parse(create_valcover_filter(start, end, "AUX_X"))

    chosen = select(found, Policy.VAL_COVER, start, end).items

    assert {id(item) for item in found if matches(tree, of_type(item))} == {id(item) for item in chosen}


@pytest.mark.parametrize("end", ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999Z", "9999-01-01T00:00:00Z"])
def test_an_interval_without_end_finds_every_validity_without_end(end: str) -> None:
    tree = parse(create_valcover_filter(START, "9999-12-31T23:59:59.999999Z", "AUX_X"))
    item = of_type(file("X", START, END, DAY))

    assert not matches(tree, item)
    item.properties["end_datetime"] = end
    assert matches(tree, item)


@pytest.mark.parametrize(
    ("start", "end", "complaint"),
    [
        (START.replace(tzinfo=None), END, "no time zone"),
        (START, END.replace(tzinfo=None), "no time zone"),
        ("2026-11-01T10:00:00", END, "no time zone"),
        ("2026-11-01", END, "not a date with time and zone"),
        ("soon", END, "not a date with time and zone"),
        (END, START, "before its start"),
    ],
)
def test_an_interval_that_is_not_clear_is_refused(start: datetime | str, end: datetime | str, complaint: str) -> None:
    with pytest.raises(FilterError, match=complaint):
        create_valcover_filter(start, end, "AUX_X")
