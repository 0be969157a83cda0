"""What is due follows from the state: what was searched, found, staged and ordered, and when.

No run is believed to have done its work: what is due stays so until the state says that it was done.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from rs_assets.ingest.platform import Platform
from rs_assets.ingest.steps import Step
from rs_assets.ingest.work import workers
from rs_assets.items.times import format_time
from rs_assets.settings import CatchUp, Order, Since, Station
from rs_assets.stations.window import Partition

_DAY = timedelta(days=1)
_MOST_DOUBLED = 20
_EVERY = frozenset(Step)
_STAGING = frozenset({Step.STAGE, Step.PUBLISH})

_LOOKED_AT = 500
"""Windows of which it is asked at once whether they were searched."""


@dataclass(frozen=True, slots=True)
class Due:
    """A partition that is due."""

    partition: str
    why: str
    since: datetime
    """What made it due (aware UTC)."""
    steps: frozenset[Step]
    is_live: bool = True
    """Whether somebody waits for it; otherwise it is caught up with when there is time."""

    @property
    def reason(self) -> str:
        """Equal for the same reason at the same moment."""
        return f"{self.why} {format_time(self.since)}"


def due_partitions(platform: Platform, station: Station, now: datetime) -> Iterator[Due]:
    """The partitions that are due at `now` (aware UTC), each once; what is caught up with comes last."""
    seen: set[str] = set()
    for due in _reasons(platform, station, now):
        if due.partition not in seen:
            seen.add(due.partition)
            yield due


def _reasons(platform: Platform, station: Station, now: datetime) -> Iterator[Due]:
    """Every reason for which a partition is due; one that asks for a search stands before those that do not."""
    pause = timedelta(seconds=station.retries.next_run_after)
    for record in platform.searches.to_repeat(station.name, now=now, lag=station.lag, pause=pause):
        yield Due(record.partition, "window closed", record.attempted_at, _EVERY)
    for partition, moment in _incomplete(platform, station, now, pause):
        yield Due(partition, "incomplete", moment, _EVERY)
    yield from _unfinished(platform, station, now, pause)
    for partition, moment in platform.outcomes.due(station.name, now).items():
        yield Due(partition, "next try", moment, _STAGING)
    for partition, moment in platform.orders.due(station.name, now, pause=pause).items():
        yield Due(partition, "order", moment, _STAGING)
    if station.poll_every is not None:
        for partition, moment in _to_poll(platform, station, now, station.poll_every):
            yield Due(partition, "poll", moment, _EVERY)
    yield from islice(_unseen(platform, station, now, station.catch_up), station.catch_up.per_tick)


def _incomplete(
    platform: Platform, station: Station, now: datetime, pause: timedelta
) -> Iterator[tuple[str, datetime]]:
    """The partitions of which something incomplete is to be looked for; again after a pause where a search failed."""
    due = platform.incomplete.due(station.name, now)
    tried = platform.searches.of(station.name, list(due)) if due else {}
    for partition, moment in due.items():
        attempted = tried[partition].attempted_at if partition in tried else moment
        if attempted <= moment:
            yield partition, moment
        elif attempted <= now - pause:
            yield partition, attempted


def _unfinished(platform: Platform, station: Station, now: datetime, pause: timedelta) -> Iterator[Due]:
    """What a run was to do and has not done, though nobody is at it any more.

    The pause doubles with every try, up to a day.
    """
    left = platform.unfinished.of(station.name)
    busy = workers(platform) if left else ()
    left = [work for work in left if work.worker not in busy and work.since + _after(pause, work.tries) <= now]
    searched = platform.searches.of(station.name, [work.partition for work in left]) if left else {}
    for work in left:
        steps = frozenset(map(Step, work.steps)) if work.partition in searched else _EVERY
        yield Due(work.partition, "unfinished", work.since, steps)


def _after(pause: timedelta, tries: int) -> timedelta:
    doubled: timedelta = pause * 2 ** max(0, min(tries, _MOST_DOUBLED) - 1)
    return min(doubled, _DAY)


def _to_poll(platform: Platform, station: Station, now: datetime, every: timedelta) -> Iterator[tuple[str, datetime]]:
    """The partitions of open windows that were not tried for `every`."""
    length, first = station.window.duration, _start(station)
    start = _aligned(station, now)
    open_keys: list[str] = []
    while start >= first and now < start + length + station.lag:
        open_keys += _keys(station, start)
        start -= length
    records = platform.searches.of(station.name, open_keys)
    for key in open_keys:
        attempted = records[key].attempted_at if key in records else first
        if attempted <= now - every:
            yield key, attempted


def _unseen(platform: Platform, station: Station, now: datetime, catch_up: CatchUp) -> Iterator[Due]:
    """The windows that have closed and that nobody has ever searched."""
    length, first = station.window.duration, _start(station)
    if catch_up.since is Since.FIRST_SEARCH:
        searched = platform.searches.first(station.name)
        if searched is None:
            return
        # The first one that was still open, or could still change, when it was searched.
        first = max(first, _aligned(station, searched - station.lag))
    last = _aligned(station, now - station.lag) - length
    while first <= last:
        span = min(_LOOKED_AT * length, last - first)
        low, high = (first, first + span) if catch_up.order is Order.OLDEST else (last - span, last)
        starts = [low + number * length for number in range((high - low) // length + 1)]
        keys = [(start, _keys(station, start)) for start in starts]
        every = [key for _, some in keys for key in some]
        known = platform.searches.searched(station.name, min(every), max(every))
        for start, some in keys if catch_up.order is Order.OLDEST else reversed(keys):
            for key in some:
                if key not in known:
                    yield Due(key, "never searched", start + length, _EVERY, is_live=False)
        first, last = (high + length, last) if catch_up.order is Order.OLDEST else (first, low - length)


def _start(station: Station) -> datetime:
    return datetime.combine(station.start, datetime.min.time(), UTC)


def _aligned(station: Station, moment: datetime) -> datetime:
    """The start of the station's window in which a moment lies."""
    length, first = station.window.duration, _start(station)
    return first + (moment - first) // length * length


def _keys(station: Station, start: datetime) -> list[str]:
    return [Partition.at(start, station.window, mission).key for mission in station.missions]
