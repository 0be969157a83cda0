"""The values that the conditions of a filter compare: where they come from, and which of them can be compared."""

import operator
from collections.abc import Callable
from datetime import datetime
from functools import singledispatch
from typing import Any

from pystac import Item

from rs_assets.items.times import format_time
from rs_assets.selection.expression import Boolean, Casei, Date, Number, Property, Scalar, Text, Timestamp
from rs_assets.selection.instants import looks_like_time, value_moment
from rs_assets.selection.operators import ComparisonOperator

Value = Callable[[Item], object]
"""The value of a node for an item; None where the item has none."""

Relation = Callable[[Any, Any], bool]
"""A comparison of two values of one kind."""


@singledispatch
def value_of(node: Scalar) -> Value:
    """A function that gives the node's value for an item."""
    raise TypeError(f"{node!r} is not a value")


def comparable(left: object, right: object) -> tuple[object, object] | None:
    """The two values as values of one kind: times, texts, numbers or truth values; None if they are not.

    Two texts are times if both read as RFC 3339 dates, and a text beside a time is one if it can be read so.
    """
    if isinstance(left, datetime) or isinstance(right, datetime) or (_is_time(left) and _is_time(right)):
        moments = value_moment(left), value_moment(right)
        return None if None in moments else moments
    kind = _kind(left)
    return (left, right) if kind is not None and kind is _kind(right) else None


def text_of(value: object) -> str | None:
    """The value as text; None if it is neither a text nor a time."""
    if isinstance(value, datetime):
        return format_time(value)
    return value if isinstance(value, str) else None


RELATIONS: dict[ComparisonOperator, Relation] = {
    ComparisonOperator.EQUAL: operator.eq,
    ComparisonOperator.UNEQUAL: operator.ne,
    ComparisonOperator.LESS: operator.lt,
    ComparisonOperator.LESS_OR_EQUAL: operator.le,
    ComparisonOperator.GREATER: operator.gt,
    ComparisonOperator.GREATER_OR_EQUAL: operator.ge,
}
"""The comparisons of Python that the operators stand for."""

_ITEM_VALUES: dict[str, Value] = {
    "id": operator.attrgetter("id"),
    "collection": operator.attrgetter("collection_id"),
    "geometry": operator.attrgetter("geometry"),
    "datetime": lambda item: value_moment(item.datetime),
}

_KINDS: dict[type, type | tuple[type, ...]] = {bool: bool, float: (int, float), str: str}
"""In this order, since Python's truth values are numbers too."""


@value_of.register
def _(node: Property) -> Value:
    name = node.name
    return _ITEM_VALUES.get(name) or (lambda item: item.properties.get(name))


@value_of.register(Timestamp)
@value_of.register(Date)
def _(node: Timestamp | Date) -> Value:
    moment = node.moment
    return lambda _item: moment


@value_of.register(Text)
@value_of.register(Number)
@value_of.register(Boolean)
def _(node: Text | Number | Boolean) -> Value:
    value = node.value
    return lambda _item: value


@value_of.register
def _(node: Casei) -> Value:
    get = value_of(node.operand)
    return lambda item: None if (text := text_of(get(item))) is None else text.casefold()


def _is_time(value: object) -> bool:
    return isinstance(value, str) and looks_like_time(value)


def _kind(value: object) -> type | None:
    return next((kind for kind, types in _KINDS.items() if isinstance(value, types)), None)
