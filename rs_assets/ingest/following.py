"""Following a station in near-real time: which partitions have changed since it was last asked.

A cursor on the time of publication moves with what the station shows, never past it, and every look reaches back a
while, because publication lags its own stamp. What was seen is known by its key. A partition that has changed while a
run of it was at work waits in the cursor until that has ended, so no change is forgotten.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from rs_assets.items.times import format_time, parse_time
from rs_assets.settings import Station
from rs_assets.stations.search import Listed, Publications, StationSearch
from rs_assets.stations.window import Partition

CURSOR_VERSION = 1
"""Version of the cursor's stored form."""

OVERLAP = timedelta(minutes=5)
"""How far every look reaches back behind the cursor."""


@dataclass(frozen=True)
class FollowCursor:
    """How far a station has been followed."""

    at: datetime
    """The newest time of publication that was seen (aware UTC)."""
    seen: frozenset[str] = frozenset()
    """What was seen within the overlap before `at`, by the station's key."""
    waiting: Mapping[str, str] = field(default_factory=dict)
    """Partitions that have changed and were not asked for yet, each with a mark of the change."""

    def to_text(self) -> str:
        """The cursor as text."""
        document = {
            "version": CURSOR_VERSION,
            "at": format_time(self.at),
            "seen": sorted(self.seen),
            "waiting": dict(sorted(self.waiting.items())),
        }
        return json.dumps(document, separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str | None, *, start: datetime) -> Self:
        """Read what `to_text` wrote; a cursor that begins at `start` where there is none that can be read."""
        try:
            document: Any = json.loads(text or "")
            if document["version"] != CURSOR_VERSION:
                return cls(start)
            waiting = {str(key): str(mark) for key, mark in document["waiting"].items()}
            return cls(parse_time(document["at"]), frozenset(map(str, document["seen"])), waiting)
        except (ValueError, KeyError, TypeError, AttributeError):
            return cls(start)


@dataclass(frozen=True, slots=True)
class Change:
    """A partition of which the station has shown something new."""

    partition: str
    mark: str
    """Equal for equal news."""

    def run_key(self, sensor: str) -> str:
        """Equal for equal news, so that no tick of a sensor asks twice."""
        return f"{self.partition} {sensor} {self.mark}"


@dataclass(frozen=True)
class Followed:
    """What one look has found."""

    changes: tuple[Change, ...]
    """The partitions to be run now."""
    cursor: FollowCursor
    """The cursor to go on from, once the changes were asked for."""
    new_items: int = 0
    new_files: int = 0


async def follow(
    search: StationSearch, station: Station, cursor: FollowCursor, *, now: datetime, is_running: Callable[[str], bool]
) -> Followed:
    """Ask a station what it has published since the cursor, and tell which partitions have changed.

    Args:
        search: that of the station.
        station: its settings.
        cursor: how far it has been followed.
        now: the time (aware UTC), past which the cursor never moves.
        is_running: whether a run of a partition is queued or at work.

    Raises:
        StationError: the station could not be asked; the cursor stays where it is.
    """
    found = await search.published_since(cursor.at - OVERLAP)
    news = [each for each in found.listed if each.key not in cursor.seen]
    waiting = dict(cursor.waiting)
    for partition, keys in _by_partition(station, news).items():
        waiting[partition] = _mark(waiting.get(partition, ""), keys)
    ready = {partition: mark for partition, mark in waiting.items() if not is_running(partition)}
    at = _reached(cursor, found, now)
    return Followed(
        changes=tuple(Change(partition, mark) for partition, mark in sorted(ready.items())),
        cursor=FollowCursor(
            at=at,
            seen=_known(cursor, found, at),
            waiting={partition: mark for partition, mark in waiting.items() if partition not in ready},
        ),
        new_items=sum(not each.is_file for each in news),
        new_files=sum(each.is_file for each in news),
    )


def _by_partition(station: Station, news: Iterable[Listed]) -> dict[str, list[str]]:
    """The keys of what is new, by the partition that it belongs to."""
    changed: dict[str, list[str]] = {}
    for each in news:
        partition = _partition(station, each)
        if partition is not None:
            changed.setdefault(partition, []).append(each.key)
    return changed


def _partition(station: Station, listed: Listed) -> str | None:
    """The key of the partition that it belongs to, if the station's assets have it."""
    first = datetime.combine(station.start, datetime.min.time(), UTC)
    time, mission = listed.window_time, listed.mission
    if time is None or time < first or mission is None or mission not in station.missions:
        return None
    start = first + (time - first) // station.window.duration * station.window.duration
    return Partition.at(start, station.window, mission).key


def _reached(cursor: FollowCursor, found: Publications, now: datetime) -> datetime:
    """How far the cursor may move: to the newest that was seen, but neither past now nor past what is missing."""
    if not found.is_whole:
        return cursor.at
    return max([cursor.at, *(each.published for each in _owned(found) if each.published <= now)])


def _known(cursor: FollowCursor, found: Publications, at: datetime) -> frozenset[str]:
    """What the next look will show again."""
    if not found.is_whole:
        return cursor.seen | {each.key for each in _owned(found)}
    return frozenset(each.key for each in _owned(found) if each.published >= at - OVERLAP)


def _owned(found: Publications) -> Iterator[Listed]:
    """All but the files whose item is not shown yet, which are looked for again while the overlap reaches them."""
    return (each for each in found.listed if each.mission is not None)


def _mark(before: str, keys: Collection[str]) -> str:
    return hashlib.blake2b("\n".join([before, *sorted(keys)]).encode(), digest_size=12).hexdigest()
