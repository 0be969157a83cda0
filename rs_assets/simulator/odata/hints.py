"""What a filter says about where its entities can be: bounds that spare a walk through the whole archive."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial, reduce
from typing import Any, Self

from odata_query import ast

from rs_assets.simulator.odata.expressions import Node, literal, operands, path

_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Span:
    """A closed interval of time."""

    low: datetime = _FIRST
    high: datetime = _LAST

    def __contains__(self, moment: datetime) -> bool:
        return self.low <= moment <= self.high

    def __and__(self, other: Self) -> "Span":
        return Span(max(self.low, other.low), min(self.high, other.high))

    def __or__(self, other: Self) -> "Span":
        return Span(min(self.low, other.low), max(self.high, other.high))


@dataclass(frozen=True)
class Pattern:
    """A text that a string has in it, or begins or ends with; or is, if both."""

    text: str
    begins: bool = False
    ends: bool = False


@dataclass(frozen=True)
class Hints:
    """A superset of what a filter lets pass, by the path of a property, e.g. ``ContentDate/Start``.

    The attributes of a product have paths as if they were properties, e.g. ``Attributes/productType``.
    """

    spans: Mapping[str, Span] = field(default_factory=dict)
    values: Mapping[str, frozenset[Any]] = field(default_factory=dict)
    """All that a property can be: strings, and whether it is true; UUIDs in lower case."""
    patterns: Mapping[str, frozenset[Pattern]] = field(default_factory=dict)
    """One of which a string fits."""

    @classmethod
    def equal(cls, path: str, *values: Any) -> "Hints":
        """A property is one of some values."""
        is_text = all(isinstance(value, str) for value in values)
        whole = frozenset(Pattern(value, begins=True, ends=True) for value in values if is_text)
        return cls(values={path: frozenset(values)}, patterns={path: whole} if is_text else {})

    def span(self, path: str) -> Span:
        """Between which times a property can be."""
        return self.spans.get(path, Span())

    def __and__(self, other: Self) -> "Hints":
        return Hints(
            _either(self.spans, other.spans, Span.__and__),
            _either(self.values, other.values, frozenset.__and__),
            # That two patterns fit has no pattern of its own; the one is a superset, too.
            _either(self.patterns, other.patterns, lambda one, _: one),
        )

    def __or__(self, other: Self) -> "Hints":
        return Hints(
            _both(self.spans, other.spans, Span.__or__),
            _both(self.values, other.values, frozenset.__or__),
            _both(self.patterns, other.patterns, frozenset.__or__),
        )


ANYTHING = Hints()


def hints(tree: Node) -> Hints:
    """The bounds that a filter sets; it must have been compiled, so that its literals are known to be good."""
    match tree:
        case ast.BoolOp(op=ast.And()):
            return reduce(Hints.__and__, map(hints, operands(tree)))
        case ast.BoolOp():
            return reduce(Hints.__or__, map(hints, operands(tree)))
        case ast.Compare():
            return _compared(tree)
        case ast.Call(func=ast.Identifier(name=function), args=[subject, ast.String(val=text)]):
            pattern, name = _PATTERNS.get(function.lower()), path(subject)
            return Hints(patterns={name: frozenset([pattern(text)])}) if pattern and name else ANYTHING
        case ast.CollectionLambda(owner, ast.Any(), ast.Lambda(expression=expression)):
            return _attribute((path(owner) or "").partition("/")[0], expression)
        case _:
            return ANYTHING


_PATTERNS: dict[str, Callable[[str], Pattern]] = {
    "contains": Pattern,
    "startswith": partial(Pattern, begins=True),
    "endswith": partial(Pattern, ends=True),
}
_EXACT = (ast.String, ast.GUID, ast.Boolean)
"""Literals that are compared for equality alone."""
_MIRRORED: dict[type[Node], ast._Comparator] = {
    ast.Lt: ast.Gt(),
    ast.LtE: ast.GtE(),
    ast.Gt: ast.Lt(),
    ast.GtE: ast.LtE(),
}


def _compared(node: ast.Compare) -> Hints:
    if isinstance(node.left, ast._Literal):
        mirrored = _MIRRORED.get(type(node.comparator), node.comparator)
        node = ast.Compare(mirrored, node.right, node.left)
    name, values = path(node.left), _values(node)
    if name is None:
        return ANYTHING
    return Hints(spans={name: _span(node)}) if values is None else Hints.equal(name, *values)


def _span(node: ast.Compare) -> Span:
    if not isinstance(node.right, ast.Date | ast.DateTime):
        return Span()
    moment = literal(node.right)
    match node.comparator:
        case ast.Eq():
            return Span(moment, moment)
        case ast.Gt() | ast.GtE():
            return Span(low=moment)
        case ast.Lt():
            return Span(high=moment - timedelta.resolution)
        case ast.LtE():
            return Span(high=moment)
        case _:
            return Span()


def _values(node: ast.Compare) -> list[Any] | None:
    """The values of ``x eq 'a'`` and ``x in ('a', 'b')``."""
    match node:
        case ast.Compare(ast.Eq(), _, only) if isinstance(only, _EXACT):
            return [literal(only)]
        case ast.Compare(ast.In(), _, ast.List(val=items)) if all(isinstance(item, _EXACT) for item in items):
            return [literal(item) for item in items]
        case _:
            return None


def _attribute(collection: str, expression: Node) -> Hints:
    """The value that ``any`` test of an attribute asks for, if that is what it does."""
    match expression:
        case ast.BoolOp(op=ast.And()):
            stated = {
                (path(part.left) or "").rpartition("/")[2]: values
                for part in operands(expression)
                if isinstance(part, ast.Compare) and (values := _values(part)) is not None
            }
            match stated:
                case {"Name": [str(name)], "Value": values}:
                    return Hints.equal(f"{collection}/{name}", *values)
    return ANYTHING


def _either(one: Mapping[str, Any], other: Mapping[str, Any], meet: Callable[[Any, Any], Any]) -> dict[str, Any]:
    return {**one, **other} | _both(one, other, meet)


def _both(one: Mapping[str, Any], other: Mapping[str, Any], merge: Callable[[Any, Any], Any]) -> dict[str, Any]:
    return {name: merge(one[name], other[name]) for name in one.keys() & other.keys()}
