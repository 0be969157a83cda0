"""What can be said of one field or attribute in the OData that every station knows.

Each function gives a test for a place, or None where the place cannot be tested for it. A test passes at least what
is asked for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import MINYEAR, datetime, timedelta

from rs_assets.selection.expression import Date, Number, Scalar, Text, Timestamp, pattern_parts
from rs_assets.selection.instants import is_open, literal_moment
from rs_assets.selection.operators import ComparisonOperator
from rs_assets.selection.vocabulary import Field, Kind, Place, Test, quoted

PAD = timedelta(seconds=1)
"""Added to both sides of a time: stations cut fractions of seconds, and only ``gt`` and ``lt`` work on all."""

_NAMES = {
    ComparisonOperator.EQUAL: ("eq",),
    ComparisonOperator.UNEQUAL: ("ne",),
    ComparisonOperator.LESS: ("lt",),
    ComparisonOperator.LESS_OR_EQUAL: ("lt", "eq"),
    ComparisonOperator.GREATER: ("gt",),
    ComparisonOperator.GREATER_OR_EQUAL: ("gt", "eq"),
}
"""How OData writes a comparison without ``le`` and ``ge``, which fail on some stations."""

_MAX_INTEGER = 2**63


def compared(relation: ComparisonOperator, literal: Scalar, place: Place) -> Test | None:
    """That the place's value compares with a literal in this way."""
    match place.kind, literal:
        case Kind.TIME, Timestamp() | Date():
            return _time_test(relation, literal.moment)
        case Kind.TIME, Text(value):
            moment = literal_moment(value)
            return None if moment is None else _time_test(relation, moment)
        case Kind.TEXT, Text(value):
            return _text_test(relation, value, place) if literal_moment(value) is None else None
        case ((Kind.INTEGER | Kind.DOUBLE), Number()):
            return _number_test(relation, _number(literal.value, place.kind))
    return None


def listed(values: Sequence[str], place: Place) -> Test | None:
    """That the place's value is one of these texts."""
    if place.kind is not Kind.TEXT or (place.starts_with and "" in values):
        return None
    if place.starts_with:
        return lambda path: "(" + " or ".join(f"startswith({path},{quoted(value)})" for value in values) + ")"
    return lambda path: f"{path} in ({','.join(map(quoted, values))})"


def like(pattern: str, place: Place) -> Test | None:
    """That the place's value has the form of a pattern of CQL2."""
    if place.kind is not Kind.TEXT:
        return None
    pieces = _Pieces.of(pattern)
    if pieces.is_plain:
        return _text_test(ComparisonOperator.EQUAL, "".join(pieces.texts), place)
    functions = list(pieces.functions(place))
    if not functions:
        return None

    def test(path: str) -> str:
        clauses = " and ".join(f"{name}({path},{quoted(text)})" for name, text in functions)
        return f"({clauses})" if len(functions) > 1 else clauses

    return test


def unlike(pattern: str, place: Place) -> Test | None:
    """That the place's value has not the form of a pattern of CQL2."""
    if place.kind is not Kind.TEXT or not isinstance(place, Field) or place.starts_with:
        return None
    pieces = _Pieces.of(pattern)
    if pieces.is_plain:
        return _text_test(ComparisonOperator.UNEQUAL, "".join(pieces.texts), place)
    functions = list(pieces.functions(place))
    if len(functions) != 1 or not pieces.is_exact:
        return None  # two functions can both hold of a text that is too short for the pattern
    name, text = functions[0]
    return lambda path: f"not ({name}({path},{quoted(text)}))"


@dataclass(frozen=True, slots=True)
class _Pieces:
    """A pattern taken apart at its wildcards."""

    texts: tuple[str, ...]
    """What stands before, between and after the wildcards."""
    is_exact: bool
    """Whether every wildcard stands for any text."""

    @classmethod
    def of(cls, pattern: str) -> "_Pieces":
        texts = [""]
        for part in pattern_parts(pattern):
            if part in {"%", "_"}:
                texts.append("")
            else:
                texts[-1] += part[1:] or part
        return cls(tuple(texts), "_" not in pattern_parts(pattern))

    @property
    def is_plain(self) -> bool:
        """Whether there is no wildcard."""
        return len(self.texts) == 1

    def functions(self, place: Place) -> Iterator[tuple[str, str]]:
        """The OData functions that hold of a text of the pattern's form, each with its second argument."""
        first, *middle, last = self.texts
        if first:
            yield "startswith", first
        for text in filter(None, middle):
            yield "contains", text
        if last:
            yield "contains" if place.starts_with else "endswith", last


def _time_test(relation: ComparisonOperator, moment: datetime) -> Test | None:
    if is_open(moment) or moment.year == MINYEAR:
        return None  # cannot be widened
    after, before = f"gt {_literal(moment - PAD)}", f"lt {_literal(moment + PAD)}"
    match relation:
        case ComparisonOperator.EQUAL:
            return lambda path: f"({path} {after} and {path} {before})"
        case ComparisonOperator.GREATER | ComparisonOperator.GREATER_OR_EQUAL:
            return lambda path: f"{path} {after}"
        case ComparisonOperator.LESS | ComparisonOperator.LESS_OR_EQUAL:
            return lambda path: f"{path} {before}"
    return None


def _literal(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _text_test(relation: ComparisonOperator, text: str, place: Place) -> Test | None:
    """Greater and less are left out: stations put texts in orders of their own."""
    if place.starts_with:
        is_sayable = relation is ComparisonOperator.EQUAL and text
        return (lambda path: f"startswith({path},{quoted(text)})") if is_sayable else None
    match relation:
        case ComparisonOperator.EQUAL:
            return lambda path: f"{path} eq {quoted(text)}"
        case ComparisonOperator.UNEQUAL:
            return lambda path: f"{path} ne {quoted(text)}"
    return None


def _number_test(relation: ComparisonOperator, number: str | None) -> Test | None:
    if number is None:
        return None
    names = _NAMES[relation]
    clauses = " or ".join(f"{{0}} {name} {number}" for name in names)
    return (f"({clauses})" if len(names) > 1 else clauses).format


def _number(value: float, kind: Kind) -> str | None:
    """The number as a literal of OData without an exponent; None if it has no such form or no place of its kind."""
    if value == int(value):
        return str(int(value)) if abs(value) < _MAX_INTEGER else None
    text = repr(value)
    return text if kind is Kind.DOUBLE and "e" not in text else None
