"""The operators of CQL2 that compare: values, and intervals, whose relations are defined once by their bounds."""

from enum import StrEnum
from typing import NamedTuple


class ComparisonOperator(StrEnum):
    """How two values compare."""

    EQUAL = "="
    UNEQUAL = "<>"
    LESS = "<"
    LESS_OR_EQUAL = "<="
    GREATER = ">"
    GREATER_OR_EQUAL = ">="

    @property
    def opposite(self) -> "ComparisonOperator":
        """What holds of two values where this does not."""
        return _OPPOSITES[self]

    @property
    def mirrored(self) -> "ComparisonOperator":
        """What holds of the right and the left value where this holds of the left and the right one."""
        return _MIRRORED.get(self, self)


class TemporalOperator(StrEnum):
    """How two intervals lie to each other; the value is the name that the standard publishes."""

    AFTER = "t_after"
    BEFORE = "t_before"
    CONTAINS = "t_contains"
    DISJOINT = "t_disjoint"
    DURING = "t_during"
    EQUALS = "t_equals"
    FINISHED_BY = "t_finishedBy"
    FINISHES = "t_finishes"
    INTERSECTS = "t_intersects"
    MEETS = "t_meets"
    MET_BY = "t_metBy"
    OVERLAPPED_BY = "t_overlappedBy"
    OVERLAPS = "t_overlaps"
    STARTED_BY = "t_startedBy"
    STARTS = "t_starts"


class Side(StrEnum):
    """A bound of an interval."""

    START = "start"
    END = "end"


class Condition(NamedTuple):
    """A comparison of a bound of the left interval with a bound of the right one."""

    left: Side
    relation: ComparisonOperator
    right: Side


Definition = tuple[tuple[Condition, ...], ...]
"""Alternatives, of each of which every condition holds."""


def _condition(text: str) -> Condition:
    left, relation, right = text.split()
    return Condition(Side(left), ComparisonOperator(relation), Side(right))


def _all(*conditions: str) -> tuple[Condition, ...]:
    return tuple(_condition(condition) for condition in conditions)


DEFINITIONS: dict[TemporalOperator, Definition] = {
    TemporalOperator.AFTER: (_all("start > end"),),
    TemporalOperator.BEFORE: (_all("end < start"),),
    TemporalOperator.CONTAINS: (_all("start < start", "end > end"),),
    TemporalOperator.DISJOINT: (_all("end < start"), _all("start > end")),
    TemporalOperator.DURING: (_all("start > start", "end < end"),),
    TemporalOperator.EQUALS: (_all("start = start", "end = end"),),
    TemporalOperator.FINISHED_BY: (_all("start < start", "end = end"),),
    TemporalOperator.FINISHES: (_all("start > start", "end = end"),),
    TemporalOperator.INTERSECTS: (_all("start <= end", "end >= start"),),
    TemporalOperator.MEETS: (_all("end = start"),),
    TemporalOperator.MET_BY: (_all("start = end"),),
    TemporalOperator.OVERLAPPED_BY: (_all("start > start", "start < end", "end > end"),),
    TemporalOperator.OVERLAPS: (_all("start < start", "end > start", "end < end"),),
    TemporalOperator.STARTED_BY: (_all("start = start", "end > end"),),
    TemporalOperator.STARTS: (_all("start = start", "end < end"),),
}
"""The relations of OGC 21-065r2 (after OWL-Time), on intervals that hold both of their bounds.

``left side, relation, right side``: ``end < start`` says that the left interval ends before the right one starts.
An instant is the interval that starts and ends at it, for every operator.
"""

_OPPOSITES = {
    ComparisonOperator.EQUAL: ComparisonOperator.UNEQUAL,
    ComparisonOperator.UNEQUAL: ComparisonOperator.EQUAL,
    ComparisonOperator.LESS: ComparisonOperator.GREATER_OR_EQUAL,
    ComparisonOperator.LESS_OR_EQUAL: ComparisonOperator.GREATER,
    ComparisonOperator.GREATER: ComparisonOperator.LESS_OR_EQUAL,
    ComparisonOperator.GREATER_OR_EQUAL: ComparisonOperator.LESS,
}

_MIRRORED = {
    ComparisonOperator.LESS: ComparisonOperator.GREATER,
    ComparisonOperator.LESS_OR_EQUAL: ComparisonOperator.GREATER_OR_EQUAL,
    ComparisonOperator.GREATER: ComparisonOperator.LESS,
    ComparisonOperator.GREATER_OR_EQUAL: ComparisonOperator.LESS_OR_EQUAL,
}
