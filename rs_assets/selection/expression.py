"""The tree of a CQL2 filter: frozen, typed nodes, each of which can write itself as CQL2-JSON (OGC 21-065r2).

A tree says what is wanted and nothing about how it is found out: evaluation and translation are the back ends'.
"""

import json
import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeAlias

from rs_assets.items.times import format_time
from rs_assets.selection.errors import FilterError
from rs_assets.selection.instants import aware, literal_moment, looks_like_time, midnight
from rs_assets.selection.operators import ComparisonOperator, TemporalOperator

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


@dataclass(frozen=True, slots=True)
class Property:
    """The value that an item has: ``id``, ``collection``, ``geometry``, ``datetime``, else one of its properties."""

    name: str

    def to_json(self) -> dict[str, Json]:
        """As CQL2-JSON."""
        return {"property": self.name}


@dataclass(frozen=True, slots=True)
class Text:
    """A literal text; one that reads as an RFC 3339 date is compared with dates as time.

    Raises:
        FilterError: it reads as a date with a time of day, but has no zone or is not a date.
    """

    value: str

    def __post_init__(self) -> None:
        literal_moment(self.value)

    def to_json(self) -> str:
        """As CQL2-JSON."""
        return self.value


@dataclass(frozen=True, slots=True)
class Number:
    """A literal number."""

    value: float

    def to_json(self) -> float:
        """As CQL2-JSON."""
        return self.value


@dataclass(frozen=True, slots=True)
class Boolean:
    """A literal truth value, and as such also a whole filter."""

    value: bool

    def to_json(self) -> bool:
        """As CQL2-JSON."""
        return self.value


@dataclass(frozen=True, slots=True)
class Timestamp:
    """A literal instant; its moment is brought to UTC.

    Raises:
        FilterError: the moment is naive.
    """

    moment: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "moment", aware(self.moment))

    def to_json(self) -> dict[str, Json]:
        """As CQL2-JSON, in UTC with the microseconds."""
        return {"timestamp": format_time(self.moment)}


@dataclass(frozen=True, slots=True)
class Date:
    """A literal day; compared with an instant it is its midnight in UTC."""

    day: date

    @property
    def moment(self) -> datetime:
        """The day's midnight, aware UTC."""
        return midnight(self.day)

    def to_json(self) -> dict[str, Json]:
        """As CQL2-JSON."""
        return {"date": self.day.isoformat()}


@dataclass(frozen=True, slots=True)
class Casei:
    """A text without regard to upper and lower case."""

    operand: "Property | Text"

    def to_json(self) -> dict[str, Json]:
        """As CQL2-JSON."""
        return {"op": "casei", "args": [self.operand.to_json()]}


@dataclass(frozen=True, slots=True)
class Interval:
    """The time from one instant to another, both included; None: without that bound (``..``).

    Raises:
        FilterError: it ends before it starts.
    """

    start: "Property | Timestamp | Date | None"
    end: "Property | Timestamp | Date | None"

    def __post_init__(self) -> None:
        start, end = self.start, self.end
        if isinstance(start, Timestamp | Date) and isinstance(end, Timestamp | Date) and start.moment > end.moment:
            raise FilterError(f"the interval ends at {format_time(end.moment)}, before its start")

    def to_json(self) -> dict[str, Json]:
        """As CQL2-JSON."""
        return {"interval": [_bound_json(self.start), _bound_json(self.end)]}


@dataclass(frozen=True, slots=True)
class Geometry:
    """A literal geometry or bounding box; the field is its JSON, which makes the node hashable."""

    text: str

    def to_json(self) -> Json:
        """As CQL2-JSON: a GeoJSON geometry, or an object with ``bbox``."""
        geometry: Json = json.loads(self.text)
        return geometry


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two values compared."""

    operator: ComparisonOperator
    left: "Scalar"
    right: "Scalar"

    def to_json(self) -> dict[str, Json]:
        """As CQL2-JSON."""
        return _operation(self.operator, self.left, self.right)


@dataclass(frozen=True, slots=True)
class Between:
    """A value within two others, both included."""

    value: "Scalar"
    low: "Scalar"
    high: "Scalar"

    def to_json(self) -> dict[str, Json]:
        """As CQL2-JSON."""
        return _operation("between", self.value, self.low, self.high)


@dataclass(frozen=True, slots=True)
class In:
    """A value that equals one of several."""

    value: "Scalar"
    choices: "tuple[Scalar, ...]"

    @property
    def plain_texts(self) -> tuple[str, ...] | None:
        """The choices, if all of them are texts that are no dates; else None."""
        texts = [choice.value for choice in self.choices if isinstance(choice, Text)]
        is_plain = len(texts) == len(self.choices) and not any(map(looks_like_time, texts))
        return tuple(texts) if is_plain else None

    def to_json(self) -> dict[str, Json]:
        """As CQL2-JSON."""
        return {"op": "in", "args": [self.value.to_json(), [choice.to_json() for choice in self.choices]]}


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern of ``like``: ``%`` for any text, ``_`` for one character, a backslash before a literal one."""

    value: str

    def to_json(self) -> str:
        """As CQL2-JSON."""
        return self.value


@dataclass(frozen=True, slots=True)
class Like:
    """A text of the pattern's form."""

    value: "Property | Casei"
    pattern: Pattern
    ignores_case: bool = False
    """Whether the pattern stands in ``casei``."""

    def to_json(self) -> dict[str, Json]:
        """As CQL2-JSON."""
        pattern: Json = self.pattern.to_json()
        if self.ignores_case:
            pattern = {"op": "casei", "args": [pattern]}
        return {"op": "like", "args": [self.value.to_json(), pattern]}


@dataclass(frozen=True, slots=True)
class IsNull:
    """A property that is missing or null."""

    value: Property

    def to_json(self) -> dict[str, Json]:
        """As CQL2-JSON."""
        return _operation("isNull", self.value)


@dataclass(frozen=True, slots=True)
class Temporal:
    """Two intervals or instants that lie to each other in a certain way."""

    operator: TemporalOperator
    left: "Property | Timestamp | Date | Interval"
    right: "Property | Timestamp | Date | Interval"

    def to_json(self) -> dict[str, Json]:
        """As CQL2-JSON."""
        return _operation(self.operator, self.left, self.right)


@dataclass(frozen=True, slots=True)
class Intersects:
    """A geometry that has at least a point in common with another."""

    value: Property
    other: "Property | Geometry"

    def to_json(self) -> dict[str, Json]:
        """As CQL2-JSON."""
        return _operation("s_intersects", self.value, self.other)


@dataclass(frozen=True, slots=True)
class Not:
    """What the operand is not."""

    operand: "Expression"

    def to_json(self) -> dict[str, Json]:
        """As CQL2-JSON."""
        return _operation("not", self.operand)


@dataclass(frozen=True, slots=True)
class And:
    """Every operand."""

    operands: "tuple[Expression, ...]"

    def to_json(self) -> dict[str, Json]:
        """As CQL2-JSON."""
        return _operation("and", *self.operands)


@dataclass(frozen=True, slots=True)
class Or:
    """At least one operand."""

    operands: "tuple[Expression, ...]"

    def to_json(self) -> dict[str, Json]:
        """As CQL2-JSON."""
        return _operation("or", *self.operands)


Scalar: TypeAlias = Property | Text | Number | Boolean | Timestamp | Date | Casei
Expression: TypeAlias = And | Or | Not | Comparison | Between | In | Like | IsNull | Temporal | Intersects | Boolean


def pattern_parts(pattern: str) -> list[str]:
    """A pattern's characters, each with the backslash that takes its meaning, if there is one."""
    return _PATTERN_PART.findall(pattern)


_PATTERN_PART = re.compile(r"\\?.", re.DOTALL)


def _operation(operator: str, *arguments: "Scalar | Expression | Interval | Geometry") -> dict[str, Json]:
    return {"op": str(operator), "args": [argument.to_json() for argument in arguments]}


def _bound_json(bound: Property | Timestamp | Date | None) -> Json:
    match bound:
        case None:
            return ".."
        case Property():
            return bound.to_json()
        case Timestamp():
            return format_time(bound.moment)
        case Date():
            return bound.day.isoformat()
