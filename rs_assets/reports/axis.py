"""The time axis of a timeline: what was asked for, how much around it is shown, and where the ticks stand.

Positions on the axis are days since 1970, as numbers: computing with them never overflows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import MINYEAR, UTC, datetime, timedelta

from rs_assets.items.times import OPEN_END
from rs_assets.reports.rows import TimelineRow, bound
from rs_assets.selection.rules import JobInterval

_DAY = timedelta(days=1)
_MIN_LENGTH = timedelta(seconds=1) / _DAY
"""An interval is drawn as if it had at least a second, the least that the axis resolves well."""

_MIN_REACH, _USUAL_REACH, _MAX_REACH = 0.4, 1.2, 3.0
"""What is shown on either side of the interval, in lengths of it."""

_BEYOND = 1.06
"""A bound of a chosen file that is shown stands this much inside the edge."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_TICKS = 7
_STEPS = (
    *(timedelta(milliseconds=count) for count in (200, 500)),
    *(timedelta(seconds=count) for count in (1, 2, 5, 10, 15, 30)),
    *(timedelta(minutes=count) for count in (1, 2, 5, 10, 15, 30)),
    *(timedelta(hours=count) for count in (1, 2, 3, 6, 12)),
    *(timedelta(days=count) for count in (1, 2, 4, 7, 14)),
)
_MONTH = timedelta(days=30.4)
_MONTHS = (1, 2, 3, 6, *(12 * years for years in (1, 2, 5, 10, 20, 50, 100, 200, 500, 2000)))
"""Distances between ticks, of which the smallest is taken that leaves room for the labels."""


@dataclass(frozen=True, slots=True)
class Requested:
    """The interval that a request asks for, and the one that its margins make of it. Times are aware UTC."""

    start: datetime
    end: datetime
    first: datetime
    last: datetime

    @classmethod
    def of(cls, start: datetime, end: datetime, margins: tuple[timedelta, timedelta]) -> "Requested":
        """The interval with margins before and after it.

        Raises:
            FilterError: a time is naive, `end` lies before `start`, or a margin is negative.
        """
        job = JobInterval.of(bound(start), bound(end), *margins)
        return cls(job.t0, job.t1, job.s0, bound(job.s1))

    @property
    def has_margins(self) -> bool:
        """Whether the margins change anything."""
        return (self.first, self.last) != (self.start, self.end)


@dataclass(frozen=True, slots=True)
class View:
    """The part of time that a picture shows, in positions of the axis."""

    left: float
    right: float

    def clip(self, position: float) -> float:
        """The nearest position that is shown."""
        return min(max(position, self.left), self.right)


def position(moment: datetime) -> float:
    """Where an instant stands on the axis."""
    return (moment - _EPOCH) / _DAY


def view_of(requested: Requested, rows: Iterable[TimelineRow]) -> View:
    """What to show: the interval with its margins, and the bounds of the chosen files as far as they are near.

    A bound further away than three lengths of the interval would make the interval itself too small to see.
    """
    rows = list(rows)
    chosen = _bounds(row for row in rows if row.chosen)
    left = position(requested.first)
    right = _end(requested.last, left, chosen or _bounds(rows))
    length = max(right - left, _MIN_LENGTH)
    if right == left:
        length = _neighbourhood(left, chosen or _bounds(rows))
    before = max((left - bound for bound in chosen), default=0.0)
    after = max((bound - right for bound in chosen), default=0.0)
    if requested.last == OPEN_END:
        after = 0.0
    return _within_calendar(left - _reach(before, length), right + _reach(after, length))


def ticks_of(view: View) -> tuple[list[float], list[str]]:
    """Where the ticks stand and what is written at them; the day stands under the first tick of each day."""
    first, last = _moment(view.left), _moment(view.right)
    length = last - first
    step = next((step for step in _STEPS if length / step < _MAX_TICKS), None)
    if step is None:
        months = next((months for months in _MONTHS if length / (_MONTH * months) < _MAX_TICKS), _MONTHS[-1])
        moments = _first_days(first, last, months)
        labels = [moment.date().isoformat() for moment in moments]
    else:
        moments = _multiples(first, last, step)
        labels = _clock_labels(moments, step)
    return [position(moment) for moment in moments], labels


def _moment(position: float) -> datetime:
    return _EPOCH + position * _DAY


def _bounds(rows: Iterable[TimelineRow]) -> list[float]:
    ends = [moment for row in rows for moment in (row.begin, row.end)]
    return [position(moment) for moment in ends if moment != OPEN_END]


def _end(last: datetime, left: float, bounds: Sequence[float]) -> float:
    if last != OPEN_END:
        return position(last)
    return max((bound for bound in bounds if bound > left), default=left + 1)


def _neighbourhood(instant: float, bounds: Iterable[float]) -> float:
    """The length by which to look around an instant: the distance to the nearest bound, else an hour."""
    distances = [abs(bound - instant) for bound in bounds]
    return max(min((distance for distance in distances if distance), default=1 / 24), _MIN_LENGTH)


def _reach(distance: float, length: float) -> float:
    if distance > length * _MAX_REACH:
        return length * _USUAL_REACH
    return max(distance * _BEYOND, length * _MIN_REACH)


def _within_calendar(left: float, right: float) -> View:
    lowest, highest = position(datetime(1, 1, 2, tzinfo=UTC)), position(datetime(9999, 12, 30, tzinfo=UTC))
    left = min(max(left, lowest), highest - 1)
    return View(left, max(min(right, highest), left + _MIN_LENGTH))


def _multiples(first: datetime, last: datetime, step: timedelta) -> list[datetime]:
    """The multiples of the step since 1970, so that ticks stand at full minutes, hours and days."""
    lowest, highest = -((_EPOCH - first) // step), (last - _EPOCH) // step
    return [_EPOCH + count * step for count in range(lowest, highest + 1) if first <= _EPOCH + count * step]


def _first_days(first: datetime, last: datetime, months: int) -> list[datetime]:
    """The first days of every so many months."""
    counts = range(first.year * 12 // months * months, last.year * 12 + last.month, months)
    days = [datetime(count // 12, count % 12 + 1, 1, tzinfo=UTC) for count in counts if count >= MINYEAR * 12]
    return [day for day in days if first <= day <= last]


def _clock_labels(moments: Sequence[datetime], step: timedelta) -> list[str]:
    if step >= timedelta(days=1):
        return [moment.date().isoformat() for moment in moments]
    form = "%H:%M" if step >= timedelta(minutes=1) else "%H:%M:%S"
    labels = []
    day = None
    for moment in moments:
        fraction = f".{moment.microsecond // 100_000}" if step < timedelta(seconds=1) else ""
        under = f"\n{moment.date().isoformat()}" if moment.date() != day else ""
        labels.append(f"{moment:{form}}{fraction}{under}")
        day = moment.date()
    return labels
