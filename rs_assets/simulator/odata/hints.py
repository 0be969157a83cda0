"""What a filter says about where its entities can be: bounds that spare a walk through the whole archive."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial, reduce
from typing import Self, TypeVar

from odata_query import ast

from rs_assets.simulator.odata.expressions import Node, literal, operands, path

_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)

_T = TypeVar("_T")


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
class NamePattern:
    """A text that a file name has in it, or begins or ends with."""

    text: str
    begins: bool = False
    ends: bool = False

    def fits(self, specimen: str) -> bool:
        """Whether a name that looks like the specimen, whatever its digits, can have the text."""
        text, name = _blind(self.text), _blind(specimen)
        if self.begins and self.ends:
            return text == name
        if self.begins:
            return name.startswith(text)
        return name.endswith(text) if self.ends else text in name


@dataclass(frozen=True)
class Hints:
    """A superset of what a filter lets pass; None stands for anything."""

    published: Span = Span()
    start: Span = Span()
    end: Span = Span()
    types: frozenset[str] | None = None
    names: frozenset[NamePattern] | None = None
    ids: frozenset[str] | None = None
    sessions: frozenset[str] | None = None
    """SessionIds."""
    retransfer: frozenset[bool] | None = None

    def __and__(self, other: Self) -> "Hints":
        return Hints(
            self.published & other.published,
            self.start & other.start,
            self.end & other.end,
            _both(self.types, other.types),
            other.names if self.names is None else self.names,
            _both(self.ids, other.ids),
            _both(self.sessions, other.sessions),
            _both(self.retransfer, other.retransfer),
        )

    def __or__(self, other: Self) -> "Hints":
        return Hints(
            self.published | other.published,
            self.start | other.start,
            self.end | other.end,
            _either(self.types, other.types),
            _either(self.names, other.names),
            _either(self.ids, other.ids),
            _either(self.sessions, other.sessions),
            _either(self.retransfer, other.retransfer),
        )


ANYTHING = Hints()


def named(name: str) -> Hints:
    """The bounds that a full file name sets: its look, and a start of validity that is one of its dates."""
    dates = [moment for text in _STAMP.findall(name) if (moment := _stamped(text)) is not None]
    start = Span(min(dates), max(dates)) if dates else Span()
    return Hints(names=frozenset([NamePattern(name, begins=True, ends=True)]), start=start)


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
            pattern = _PATTERNS.get(function.lower())
            return Hints(names=frozenset([pattern(text)])) if pattern and path(subject) == "Name" else ANYTHING
        case ast.CollectionLambda(operator=ast.Any(), lambda_=ast.Lambda(expression=expression)):
            types = _types(expression)
            return ANYTHING if types is None else Hints(types=types)
        case _:
            return ANYTHING


_PATTERNS: dict[str, Callable[[str], NamePattern]] = {
    "contains": NamePattern,
    "startswith": partial(NamePattern, begins=True),
    "endswith": partial(NamePattern, ends=True),
}
_TEXTS = (ast.String, ast.GUID)
_DIGITS = re.compile("[0-9]")
_STAMP = re.compile(r"[0-9]{8}T[0-9]{6}")
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
    name, values = path(node.left) or "", _values(node)
    if name in _SPANS:
        return _SPANS[name](_span(node))
    if name in _LISTED and values is not None:
        return _LISTED[name](values)
    if name == "Retransfer" and isinstance(node.comparator, ast.Eq) and isinstance(node.right, ast.Boolean):
        return Hints(retransfer=frozenset([literal(node.right)]))
    return ANYTHING


_SPANS: dict[str, Callable[[Span], Hints]] = {
    "PublicationDate": lambda span: Hints(published=span),
    "DeliveryStart": lambda span: Hints(published=span),
    "ContentDate/Start": lambda span: Hints(start=span),
    "ContentDate/End": lambda span: Hints(end=span),
}
_LISTED: dict[str, Callable[[frozenset[str]], Hints]] = {
    "SessionId": lambda values: Hints(sessions=values),
    "Id": lambda values: Hints(ids=values),
    "Name": lambda values: reduce(Hints.__or__, map(named, values)),
}


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


def _values(node: ast.Compare) -> frozenset[str] | None:
    """The strings of ``x eq 'a'`` and ``x in ('a', 'b')``."""
    match node:
        case ast.Compare(ast.Eq(), _, ast.String() | ast.GUID() as only):
            return frozenset([literal(only)])
        case ast.Compare(ast.In(), _, ast.List(val=items)) if all(isinstance(i, _TEXTS) for i in items):
            return frozenset(literal(item) for item in items)
        case _:
            return None


def _types(expression: Node) -> frozenset[str] | None:
    """The product types that ``any`` attribute test asks for, if that is what it does."""
    match expression:
        case ast.BoolOp(op=ast.And()):
            named, types = False, None
            for part in operands(expression):
                if not isinstance(part, ast.Compare):
                    continue
                last = (path(part.left) or "").rpartition("/")[2]
                values = _values(part)
                named = named or (last == "Name" and values == frozenset(["productType"]))
                types = values if last == "Value" else types
            return types if named else None
        case _:
            return None


def _both(one: frozenset[_T] | None, other: frozenset[_T] | None) -> frozenset[_T] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def _either(one: frozenset[_T] | None, other: frozenset[_T] | None) -> frozenset[_T] | None:
    return None if one is None or other is None else one | other


def _blind(name: str) -> str:
    return _DIGITS.sub("0", name)


def _stamped(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
