"""Whether intervals cover a stretch of time together, and where they leave gaps."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from rs_assets.items.times import format_time
from rs_assets.selection.errors import FilterError
from rs_assets.selection.instants import aware


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch that nothing covers. Its bounds, aware UTC, are covered or are those of the stretch asked for."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a stretch is covered; times are aware UTC."""

    start: datetime
    end: datetime
    gaps: tuple[Gap, ...]
    """In order of time; they do not touch each other."""

    @property
    def is_covered(self) -> bool:
        """Whether nothing is missing."""
        return not self.gaps


def coverage(intervals: Iterable[tuple[datetime, datetime]], start: datetime, end: datetime) -> Coverage:
    """What of the time from `start` to `end` the intervals leave uncovered.

    Intervals hold their bounds, so two that touch leave no gap. One that ends before it starts covers nothing, and a
    single instant covers no more than that instant, when that is all that is asked for.

    Raises:
        FilterError: `start` or `end` is naive, or `end` lies before `start`.
    """
    start, end = aware(start), aware(end)
    if start > end:
        raise FilterError(f"the stretch ends at {format_time(end)}, before its start {format_time(start)}")
    if start == end:
        is_covered = any(first <= start <= last for first, last in intervals)
        return Coverage(start, end, () if is_covered else (Gap(start, end),))
    gaps = []
    reached = start
    for first, last in sorted((first, last) for first, last in intervals if first < last and last > start):
        if first >= end:
            break
        if first > reached:
            gaps.append(Gap(reached, first))
        reached = max(reached, last)
    if reached < end:
        gaps.append(Gap(reached, end))
    return Coverage(start, end, tuple(gaps))
