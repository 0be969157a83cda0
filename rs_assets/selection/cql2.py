"""Reading a CQL2 filter, in its JSON or its text encoding, into the one tree that every back end works on.

Accepted are the comparison, logical, ``in``, ``between``, ``like``, ``isNull`` and ``casei`` operators, all
temporal ones and ``s_intersects`` (OGC 21-065r2). Anything else is refused by its name. Names of operators count
without regard to case.
"""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime

import cql2

from rs_assets.selection.errors import FilterError
from rs_assets.selection.expression import (
    And,
    Between,
    Boolean,
    Casei,
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
    Number,
    Or,
    Pattern,
    Property,
    Scalar,
    Temporal,
    Text,
    Timestamp,
)
from rs_assets.selection.geometry import geometry_text
from rs_assets.selection.instants import zoned_moment
from rs_assets.selection.operators import ComparisonOperator, TemporalOperator

_MAX_DEPTH = 100
"""How deep operators may be nested; recursion ends long after."""

_MAX_TEXT_OPERATORS = 200
"""How many operators, signs and opening brackets a filter in text may have.

The parser of text recurses on the machine's stack: thousands of them, nested, end the process.
"""

_DATE_LENGTH = len("2026-11-01")

_MAX_QUOTE = 100
"""Characters of a part of the filter that a message shows."""

_QUOTED = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"")
_NUMBER = re.compile(r"\b\d[\d.]*(?:[eE][+-]?\d+)?")
_TEXT_OPERATOR = re.compile(r"[(+\-*/%^=<>]|\b(?:and|or|not|between|like|in|is|div)\b", re.IGNORECASE)

_TEMPORAL_LITERAL = re.compile(r"\b(?:timestamp|interval)\s*\([^()]*\)", re.IGNORECASE)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")

Arguments = Sequence[object]


def parse(source: str | bool | Mapping[str, object]) -> Expression:
    """The tree of a filter: CQL2-JSON (a dictionary, or text that begins with a brace) or CQL2 text.

    In a dictionary, literals may also be Python's `datetime` (aware) and `date`.

    Raises:
        FilterError: it is not CQL2, has an operator that is not accepted, or a time without a zone.
    """
    return _expression(_read(source) if isinstance(source, str) else source, 0)


def _read(source: str) -> object:
    if source.lstrip().startswith("{"):
        try:
            return json.loads(source)
        except (ValueError, RecursionError) as error:
            raise FilterError(f"the filter is not JSON: {error}") from error
    bare = _NUMBER.sub("0", _QUOTED.sub("''", source))
    if len(_TEXT_OPERATOR.findall(bare)) > _MAX_TEXT_OPERATORS:
        raise FilterError(f"the filter has more than {_MAX_TEXT_OPERATORS} operators and brackets; write it as JSON")
    for call in _TEMPORAL_LITERAL.finditer(source):
        for quoted in _QUOTED.findall(call[0]):
            if quoted.startswith("'") and quoted != "'..'" and not _DAY.fullmatch(quoted[1:-1]):
                zoned_moment(quoted[1:-1])  # the parser takes a time without a zone as UTC
    try:
        return cql2.parse_text(source).to_json()
    except cql2.ParseError as error:
        raise FilterError(f"the filter is not CQL2 text:\n{error}") from error


def _expression(node: object, depth: int) -> Expression:
    if isinstance(node, bool):
        return Boolean(node)
    if depth > _MAX_DEPTH:
        raise FilterError(f"the filter is nested more than {_MAX_DEPTH} deep")
    if not isinstance(node, Mapping) or "op" not in node:
        raise FilterError(f"{_quote(node)} is not a condition; one is an object with op and args")
    name, arguments = node["op"], node.get("args")
    if not isinstance(arguments, Sequence) or isinstance(arguments, str):
        raise FilterError(f"{name} has no list of args")
    key = str(name).lower()
    if key in _LOGICAL:
        return _logical(key, arguments, depth + 1)
    if key not in _PREDICATES:
        raise FilterError(f"the operator {name!r} is not accepted here; accepted are {', '.join(_ACCEPTED)}")
    count, build = _PREDICATES[key]
    return build(_counted(key, arguments, count))


def _logical(key: str, arguments: Arguments, depth: int) -> Expression:
    if key == "not":
        return Not(_expression(_counted(key, arguments, 1)[0], depth))
    if not arguments:
        raise FilterError(f"{key} has no args")
    operands = tuple(_expression(argument, depth) for argument in arguments)
    return And(operands) if key == "and" else Or(operands)


def _comparison(operator: ComparisonOperator) -> Callable[[Arguments], Expression]:
    return lambda arguments: Comparison(operator, _scalar(arguments[0]), _scalar(arguments[1]))


def _temporal(operator: TemporalOperator) -> Callable[[Arguments], Expression]:
    return lambda arguments: Temporal(operator, _period(arguments[0]), _period(arguments[1]))


def _between(arguments: Arguments) -> Expression:
    return Between(*map(_scalar, arguments))


def _in(arguments: Arguments) -> Expression:
    value, choices = arguments
    if not isinstance(choices, Sequence) or isinstance(choices, str) or not choices:
        raise FilterError("in wants a list of at least one value")
    return In(_scalar(value), tuple(_scalar(choice) for choice in choices))


def _like(arguments: Arguments) -> Expression:
    value, pattern = _scalar(arguments[0]), arguments[1]
    inner = _casei_operand(pattern)
    text = pattern if inner is None else inner
    if not isinstance(value, Property | Casei) or not isinstance(text, str):
        raise FilterError("like wants a property and a text, each bare or in casei")
    return Like(value, Pattern(text), ignores_case=inner is not None)


def _is_null(arguments: Arguments) -> Expression:
    value = _scalar(arguments[0])
    if not isinstance(value, Property):
        raise FilterError("isNull wants a property")
    return IsNull(value)


def _intersects(arguments: Arguments) -> Expression:
    one, other = _spatial(arguments[0]), _spatial(arguments[1])
    if isinstance(one, Property):
        return Intersects(one, other)
    if isinstance(other, Property):
        return Intersects(other, one)
    raise FilterError("s_intersects wants at least one property, e.g. geometry")


def _spatial(node: object) -> Property | Geometry:
    if isinstance(node, Mapping) and "property" in node:
        return _property(node["property"])
    return Geometry(geometry_text(node))


def _scalar(node: object) -> Scalar:
    match node:
        case bool():
            return Boolean(node)
        case int() | float():
            return _number(node)
        case str():
            return Text(node)
        case None:
            raise FilterError("null is not a value to compare with; use isNull")
    return _casei(node) or _instant(node)


def _casei(node: object) -> Casei | None:
    if isinstance(node, Mapping) and str(node.get("op", "casei")).lower() != "casei":
        raise FilterError(f"{node['op']!r} is not accepted as a value; casei is the only function of values")
    operand = _casei_operand(node)
    if operand is None:
        return None
    inner = _scalar(operand)
    if not isinstance(inner, Property | Text):
        raise FilterError("casei wants a property or a text")
    return Casei(inner)


def _number(value: float) -> Number:
    if not -math.inf < value < math.inf:
        raise FilterError(f"{value} is not a number to compare with")
    return Number(value)


def _casei_operand(node: object) -> object:
    """What stands in ``casei``, in both of the ways in which JSON writes it; None if the node is something else."""
    match node:
        case {"op": str(name), "args": [operand]} if name.lower() == "casei":
            return operand
        case {"casei": operand}:
            return operand
    return None


def _property(name: object) -> Property:
    bare = name.removeprefix("properties.") if isinstance(name, str) else ""
    if not bare:
        raise FilterError(f"{_quote(name)} is not a name of a property")
    return Property(bare)


def _period(node: object) -> Property | Timestamp | Date | Interval:
    if not isinstance(node, Mapping) or "interval" not in node:
        return _instant(node)
    bounds = node["interval"]
    if not isinstance(bounds, Sequence) or isinstance(bounds, str):
        raise FilterError(f"{_quote(bounds)} is not a list of a start and an end")
    start, end = (None if bound == ".." else _instant(bound) for bound in _counted("interval", bounds, 2))
    return Interval(start, end)


def _instant(node: object) -> Property | Timestamp | Date:
    match node:
        case {"property": name}:
            return _property(name)
        case datetime() | {"timestamp": datetime() | str()}:
            return _timestamp(node["timestamp"] if isinstance(node, Mapping) else node)
        case date() | {"date": date() | str()}:
            return _day(node["date"] if isinstance(node, Mapping) else node)
        case str():
            return _day(node) if len(node) == _DATE_LENGTH else _timestamp(node)
    raise FilterError(
        f"{_quote(node)} is not a value; accepted are timestamps, dates and properties, and as the case may "
        "be texts, numbers, truth values and intervals"
    )


def _timestamp(value: object) -> Timestamp:
    return Timestamp(value if isinstance(value, datetime) else zoned_moment(str(value)))


def _day(value: object) -> Date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return Date(value)
    try:
        return Date(date.fromisoformat(str(value)))
    except ValueError as error:
        raise FilterError(f"{value!r} is not a date, as in 2026-11-01") from error


def _counted(name: str, arguments: Arguments, count: int) -> Arguments:
    if len(arguments) != count:
        raise FilterError(f"{name} wants {count} args, not {len(arguments)}")
    return arguments


def _quote(node: object) -> str:
    text = repr(node)
    return text if len(text) <= _MAX_QUOTE else f"{text[:_MAX_QUOTE]}…"


_LOGICAL = ("and", "or", "not")

_PREDICATES: dict[str, tuple[int, Callable[[Arguments], Expression]]] = {
    **{operator.value: (2, _comparison(operator)) for operator in ComparisonOperator},
    "between": (3, _between),
    "in": (2, _in),
    "like": (2, _like),
    "isnull": (1, _is_null),
    **{operator.value.lower(): (2, _temporal(operator)) for operator in TemporalOperator},
    "s_intersects": (2, _intersects),
}
"""How many arguments an operator has, and what makes its node of them."""

_ACCEPTED = (
    *_LOGICAL,
    *ComparisonOperator,
    *("between", "in", "like", "isNull", "casei"),
    *TemporalOperator,
    "s_intersects",
)
