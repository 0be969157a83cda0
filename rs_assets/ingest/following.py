"""Following a downlink station in near-real time: which partitions have changed since it was last asked.

A cursor on PublicationDate moves with what the station shows, never past it, and every look reaches back a while,
because publication lags its own stamp. What was seen is known by its Id. A partition that has changed while a run of it
was at work waits in the cursor until that has ended, so no change is forgotten.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from rs_assets.items.times import format_time, parse_time
from rs_assets.settings import Mission, Retries, Station
from rs_assets.stations.cadip import CadipSearch, Publications
from rs_assets.stations.cadip.session import Session, SessionFile
from rs_assets.stations.http import StationConnection
from rs_assets.stations.window import Partition

CURSOR_VERSION = 1
"""Version of the cursor's stored form."""

OVERLAP = timedelta(minutes=5)
"""How far every look reaches back behind the cursor."""


@dataclass(frozen=True)
class FollowCursor:
    """How far a station has been followed."""

    at: datetime
    """The newest PublicationDate that was seen (aware UTC)."""
    seen: frozenset[str] = frozenset()
    """What was seen within the overlap before `at`, by Id."""
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

    @property
    def run_key(self) -> str:
        """Equal for equal news, so that no tick asks twice."""
        return f"{self.partition} downlink {self.mark}"


@dataclass(frozen=True)
class Followed:
    """What one look has found."""

    changes: tuple[Change, ...]
    """The partitions to be run now."""
    cursor: FollowCursor
    """The cursor to go on from, once the changes were asked for."""
    new_sessions: int = 0
    new_files: int = 0


async def follow(
    station: Station,
    missions: Mapping[str, Mission],
    cursor: FollowCursor,
    *,
    now: datetime,
    is_running: Callable[[str], bool],
    connect: Callable[[Station], StationConnection] = StationConnection,
) -> Followed:
    """Ask a downlink station what it has published since the cursor, and tell which partitions have changed.

    Args:
        station: a station that has sessions.
        missions: those of the settings.
        cursor: how far it has been followed.
        now: the time (aware UTC), past which the cursor never moves.
        is_running: whether a run of a partition is queued or at work.
        connect: opens the connection.

    Raises:
        StationError: the station could not be asked; the cursor stays where it is.
    """
    # The next look comes soon enough.
    impatient = station.retries.model_dump() | {"attempts": 1, "busy_timeout": 0}
    once = station.model_copy(update={"retries": Retries(**impatient)})
    async with connect(once) as connection:
        search = CadipSearch(connection, missions)
        found = await search.published_since(cursor.at - OVERLAP)
    news = _News(station, search, found, cursor)
    waiting = dict(cursor.waiting)
    for partition, ids in news.by_partition().items():
        waiting[partition] = _mark(waiting.get(partition, ""), ids)
    ready = {partition: mark for partition, mark in waiting.items() if not is_running(partition)}
    return Followed(
        changes=tuple(Change(partition, mark) for partition, mark in sorted(ready.items())),
        cursor=FollowCursor(
            at=news.reached(now),
            seen=news.known(news.reached(now)),
            waiting={partition: mark for partition, mark in waiting.items() if partition not in ready},
        ),
        new_sessions=len(news.sessions),
        new_files=len(news.files),
    )


class _News:
    """What a look has found that was not seen before."""

    def __init__(self, station: Station, search: CadipSearch, found: Publications, cursor: FollowCursor) -> None:
        self._station = station
        self._search = search
        self._found = found
        self._cursor = cursor
        self.sessions = [session for session in found.sessions if session.id not in cursor.seen]
        self.files = [file for file in found.files if file.id not in cursor.seen]

    def by_partition(self) -> dict[str, list[str]]:
        """The Ids of what is new, by the partition that it belongs to."""
        changed: dict[str, list[str]] = {}
        for session in self.sessions:
            for partition in self._partition(session):
                changed.setdefault(partition, []).append(session.id)
        for file in self.files:
            owner = self._found.owners.get(file.session_id)
            for partition in self._partition(owner) if owner else ():
                changed.setdefault(partition, []).append(file.id)
        return changed

    def reached(self, now: datetime) -> datetime:
        """How far the cursor may move: to the newest that was seen, but neither past now nor past what is missing."""
        if not self._found.is_whole:
            return self._cursor.at
        moments = [published for _, published in self._published() if published <= now]
        return max([self._cursor.at, *moments])

    def known(self, at: datetime) -> frozenset[str]:
        """What the next look will show again."""
        if not self._found.is_whole:
            return self._cursor.seen | {key for key, _ in self._published()}
        return frozenset(key for key, published in self._published() if published >= at - OVERLAP)

    def _published(self) -> Iterator[tuple[str, datetime]]:
        entities: Iterable[Session | SessionFile] = (*self._found.sessions, *self._found.files)
        for entity in entities:
            if entity.publication_date is not None and self._has_session(entity):
                yield entity.id, entity.publication_date

    def _has_session(self, entity: Session | SessionFile) -> bool:
        """A file whose session is not shown yet is looked for again, as long as the overlap reaches it."""
        return isinstance(entity, Session) or entity.session_id in self._found.owners

    def _partition(self, session: Session) -> Iterator[str]:
        """The key of the session's partition, if the station's assets have it."""
        mission, time = self._search.mission_of(session), self._search.window_time(session)
        first = datetime.combine(self._station.start, datetime.min.time(), UTC)
        if time is None or time < first or mission not in self._station.missions:
            return
        length = self._station.window
        start = first + (time - first) // length.duration * length.duration
        yield Partition.at(start, length, mission).key


def _mark(before: str, ids: Collection[str]) -> str:
    return hashlib.blake2b("\n".join([before, *sorted(ids)]).encode(), digest_size=12).hexdigest()
