from collections.abc import Callable
from datetime import datetime
from itertools import product
from typing import NamedTuple

import cql2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_assets.items.times import OPEN_END, format_time
from rs_assets.selection import compile_filter, matches, parse
from rs_assets.selection.expression import Interval, Property, Temporal, Timestamp
from rs_assets.selection.operators import TemporalOperator

from .samples import DAY, HOUR, clock, file, item_with


class Pair(NamedTuple):
    """An interval of hours."""

    low: int
    high: int


DEFINITIONS: dict[TemporalOperator, Callable[[Pair, Pair], bool]] = {
    TemporalOperator.BEFORE: lambda x, y: x.high < y.low,
    TemporalOperator.AFTER: lambda x, y: x.low > y.high,
    TemporalOperator.MEETS: lambda x, y: x.high == y.low,
    TemporalOperator.MET_BY: lambda x, y: x.low == y.high,
    TemporalOperator.OVERLAPS: lambda x, y: x.low < y.low < x.high < y.high,
    TemporalOperator.OVERLAPPED_BY: lambda x, y: y.low < x.low < y.high < x.high,
    TemporalOperator.STARTS: lambda x, y: x.low == y.low and x.high < y.high,
    TemporalOperator.STARTED_BY: lambda x, y: x.low == y.low and x.high > y.high,
    TemporalOperator.DURING: lambda x, y: x.low > y.low and x.high < y.high,
    TemporalOperator.CONTAINS: lambda x, y: x.low < y.low and x.high > y.high,
    TemporalOperator.FINISHES: lambda x, y: x.low > y.low and x.high == y.high,
    TemporalOperator.FINISHED_BY: lambda x, y: x.low < y.low and x.high == y.high,
    TemporalOperator.EQUALS: lambda x, y: x == y,
    TemporalOperator.DISJOINT: lambda x, y: not (x.low <= y.high and x.high >= y.low),
    TemporalOperator.INTERSECTS: lambda x, y: x.low <= y.high and x.high >= y.low,
}
"""The published definitions."""

VALIDITY = Interval(Property("start_datetime"), Property("end_datetime"))

hours = st.integers(0, 4)
pairs = st.tuples(hours, hours).map(lambda bounds: Pair(min(bounds), max(bounds)))


def moment(hour: int) -> datetime:
    return DAY + hour * HOUR


@pytest.mark.parametrize("operator", TemporalOperator)
@given(left=pairs, right=pairs)
def test_an_operator_holds_where_its_definition_does(operator: TemporalOperator, left: Pair, right: Pair) -> None:
    item = file("X", moment(left.low), moment(left.high), DAY)
    literal = Interval(Timestamp(moment(right.low)), Timestamp(moment(right.high)))

    assert compile_filter(Temporal(operator, VALIDITY, literal))(item) is DEFINITIONS[operator](left, right)
    assert compile_filter(Temporal(operator, literal, VALIDITY))(item) is DEFINITIONS[operator](right, left)


proper_pairs = pairs.filter(lambda pair: pair.low < pair.high)


@pytest.mark.parametrize("operator", TemporalOperator)
@given(left=proper_pairs, right=proper_pairs)
def test_an_operator_agrees_with_another_implementation(operator: TemporalOperator, left: Pair, right: Pair) -> None:
    item = file("X", moment(left.low), moment(left.high), DAY)
    tree = Temporal(operator, VALIDITY, Interval(Timestamp(moment(right.low)), Timestamp(moment(right.high))))

    assert matches(tree, item) is cql2.Expr(tree.to_json()).matches(item.to_dict())


@pytest.mark.parametrize("operator", TemporalOperator)
@given(hour=hours, right=pairs)
def test_an_instant_is_the_interval_that_starts_and_ends_at_it(
    operator: TemporalOperator, hour: int, right: Pair
) -> None:
    item = item_with(moment=moment(hour))
    literal = Interval(Timestamp(moment(right.low)), Timestamp(moment(right.high)))

    expected = DEFINITIONS[operator](Pair(hour, hour), right)

    assert compile_filter(Temporal(operator, Property("datetime"), literal))(item) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("T_INTERSECTS(INTERVAL(start_datetime, end_datetime), INTERVAL('..', '2026-11-01T09:00:00Z'))", True),
        ("T_INTERSECTS(INTERVAL(start_datetime, end_datetime), INTERVAL('..', '2026-11-01T08:59:59.999999Z'))", False),
        ("T_INTERSECTS(INTERVAL(start_datetime, end_datetime), INTERVAL('2026-11-01T12:00:00Z', '..'))", True),
        ("T_DURING(INTERVAL(start_datetime, end_datetime), INTERVAL('..', '..'))", True),
        ("T_BEFORE(INTERVAL(start_datetime, end_datetime), INTERVAL('..', '2030-01-01T00:00:00Z'))", False),
        ("T_CONTAINS(INTERVAL('..', '..'), INTERVAL(start_datetime, end_datetime))", True),
        ("T_STARTS(INTERVAL(start_datetime, end_datetime), INTERVAL('2026-11-01T09:00:00Z', '..'))", True),
    ],
)
def test_a_bound_that_is_left_open_lies_beyond_every_time(text: str, expected: bool) -> None:
    item = file("X", clock("9:00"), clock("12:00"), DAY)

    assert matches(parse(text), item) is expected


ENDS = [OPEN_END, OPEN_END.replace(microsecond=999999), OPEN_END.replace(month=1)]


@pytest.mark.parametrize(("one", "other"), [*product(ENDS, [None, *ENDS])])
def test_a_validity_without_end_ends_where_an_open_interval_does(one: datetime, other: datetime | None) -> None:
    item = file("X", clock("9:00"), one, DAY)
    open_interval = Interval(Timestamp(clock("9:00")), Timestamp(other) if other else None)

    assert matches(Temporal(TemporalOperator.EQUALS, VALIDITY, open_interval), item)
    assert format_time(one) == item.properties["end_datetime"]
