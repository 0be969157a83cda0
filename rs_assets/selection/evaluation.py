"""Whether an item is what a filter wants.

The logic has three values, as CQL2 defines it: a condition on a property that is missing or null, or on values that
cannot be compared, is unknown (None); so is its negation, and an item whose filter is unknown does not match.

A tree is compiled once into closures, a closure for each node, and then applied to any number of items.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache, singledispatch

from pystac import Item

from rs_assets.selection.expression import (
    And,
    Between,
    Boolean,
    Comparison,
    Date,
    Expression,
    Geometry,
    In,
    Intersects,
    Interval,
    IsNull,
    Like,
    Not,
    Or,
    Property,
    Temporal,
    Text,
    Timestamp,
    pattern_parts,
)
from rs_assets.selection.geometry import geometry_text, intersection_test, is_geometry
from rs_assets.selection.instants import is_open, looks_like_time, value_moment
from rs_assets.selection.operators import DEFINITIONS, ComparisonOperator, Side
from rs_assets.selection.values import RELATIONS, Relation, Value, comparable, text_of, value_of

Truth = bool | None
"""True, False, or None for unknown."""

Predicate = Callable[[Item], Truth]


def matches(expression: Expression, item: Item) -> bool:
    """Whether the item satisfies the filter; unknown is no."""
    return compile_filter(expression)(item) is True


@lru_cache(maxsize=256)
def compile_filter(expression: Expression) -> Predicate:
    """The filter as a function of an item, which gives True, False, or None where the answer is unknown."""
    return _compiled(expression)


@singledispatch
def _compiled(node: Expression) -> Predicate:
    raise TypeError(f"{node!r} is not a condition")


@_compiled.register
def _(node: Boolean) -> Predicate:
    value = node.value
    return lambda _item: value


@_compiled.register
def _(node: Not) -> Predicate:
    operand = _compiled(node.operand)
    return lambda item: None if (truth := operand(item)) is None else not truth


@_compiled.register
def _(node: And) -> Predicate:
    return _chain([_compiled(operand) for operand in node.operands], decisive=False)


@_compiled.register
def _(node: Or) -> Predicate:
    return _chain([_compiled(operand) for operand in node.operands], decisive=True)


@_compiled.register
def _(node: Comparison) -> Predicate:
    relation, left, right = node.operator, node.left, node.right
    if isinstance(right, Property) and not isinstance(left, Property):
        relation, left, right = relation.mirrored, right, left
    holds = RELATIONS[relation]
    get = value_of(left)
    if isinstance(right, Timestamp | Date):
        return _compared_with_moment(holds, get, right.moment)
    if isinstance(right, Text) and not looks_like_time(right.value):
        return _compared_with_text(holds, get, right.value)
    other = value_of(right)

    def evaluate(item: Item) -> Truth:
        pair = comparable(get(item), other(item))
        return None if pair is None else holds(*pair)

    return evaluate


@_compiled.register
def _(node: Between) -> Predicate:
    least = Comparison(ComparisonOperator.GREATER_OR_EQUAL, node.value, node.low)
    most = Comparison(ComparisonOperator.LESS_OR_EQUAL, node.value, node.high)
    return _chain([_compiled(least), _compiled(most)], decisive=False)


@_compiled.register
def _(node: In) -> Predicate:
    texts = node.plain_texts
    if texts is None:
        equals = [Comparison(ComparisonOperator.EQUAL, node.value, choice) for choice in node.choices]
        return _chain([_compiled(comparison) for comparison in equals], decisive=True)
    get, choices = value_of(node.value), frozenset(texts)
    return lambda item: value in choices if isinstance(value := get(item), str) else None


@_compiled.register
def _(node: Like) -> Predicate:
    pattern = node.pattern.value.casefold() if node.ignores_case else node.pattern.value
    wildcards = {"%": ".*", "_": "."}
    parts = [wildcards.get(part) or re.escape(part[1:] or part) for part in pattern_parts(pattern)]
    form = re.compile("".join(parts), re.DOTALL)
    get = value_of(node.value)
    return lambda item: None if (text := text_of(get(item))) is None else form.fullmatch(text) is not None


@_compiled.register
def _(node: IsNull) -> Predicate:
    get = value_of(node.value)
    return lambda item: get(item) is None


@_compiled.register
def _(node: Temporal) -> Predicate:
    left, right = _bounds(node.left), _bounds(node.right)
    sides = list(Side)
    getters = [*(left[side] for side in sides), *(right[side] for side in sides)]
    definition = [
        [(RELATIONS[relation], sides.index(one), len(sides) + sides.index(two)) for one, relation, two in conditions]
        for conditions in DEFINITIONS[node.operator]
    ]

    def evaluate(item: Item) -> Truth:
        moments = [get(item) for get in getters]
        if None in moments:
            return None
        return any(all(holds(moments[one], moments[two]) for holds, one, two in all_of) for all_of in definition)

    return evaluate


@_compiled.register
def _(node: Intersects) -> Predicate:
    get = value_of(node.value)
    if isinstance(node.other, Geometry):
        meets = intersection_test(node.other.text)
        return lambda item: meets(geometry) if is_geometry(geometry := get(item)) else None
    other = value_of(node.other)

    def evaluate(item: Item) -> Truth:
        one, two = get(item), other(item)
        if not is_geometry(one) or not is_geometry(two):
            return None
        return intersection_test(geometry_text(two))(one)

    return evaluate


def _chain(operands: list[Predicate], *, decisive: bool) -> Predicate:
    """An ``or`` (decided by one True) or an ``and`` (decided by one False)."""

    def evaluate(item: Item) -> Truth:
        result: Truth = not decisive
        for operand in operands:
            truth = operand(item)
            if truth is decisive:
                return decisive
            if truth is None:
                result = None
        return result

    return evaluate


def _compared_with_moment(holds: Relation, get: Value, moment: datetime) -> Predicate:
    return lambda item: None if (value := value_moment(get(item))) is None else holds(value, moment)


def _compared_with_text(holds: Relation, get: Value, text: str) -> Predicate:
    return lambda item: holds(value, text) if isinstance(value := get(item), str) else None


_Moment = Callable[[Item], datetime | None]

_PAST = datetime.min.replace(tzinfo=UTC)
_FUTURE = datetime.max.replace(tzinfo=UTC)


def _bounds(node: Property | Timestamp | Date | Interval) -> dict[Side, _Moment]:
    if isinstance(node, Interval):
        return {Side.START: _bound(node.start, _PAST), Side.END: _bound(node.end, _FUTURE)}
    return dict.fromkeys(Side, _bound(node, _FUTURE))


def _bound(node: Property | Timestamp | Date | None, unbounded: datetime) -> _Moment:
    """The instant of a bound. The many ways of writing "no end" are all one, and the same as ``..``."""
    if node is None:
        return lambda _item: unbounded
    get = value_of(node)

    def moment(item: Item) -> datetime | None:
        value = value_moment(get(item))
        return _FUTURE if value is not None and is_open(value) else value

    return moment
