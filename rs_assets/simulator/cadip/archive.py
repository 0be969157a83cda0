"""A CADIP station's archive: the sessions and files that can be had at this moment, generated or made by hand."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from rs_assets.simulator.cadip.entities import Row, file_row, quality_rows, session_row
from rs_assets.simulator.cadip.passes import Passes
from rs_assets.simulator.cadip.sessions import Chunk, Session
from rs_assets.simulator.clock import Clock
from rs_assets.simulator.odata.hints import Hints, Span
from rs_assets.simulator.options import SimulatorOptions

_DELAY = 1
"""Days after its acquisition until which a generated session is published."""


@dataclass(frozen=True)
class Moment:
    """What can be had at one point in time."""

    now: datetime
    kept: timedelta | None
    """How long after its publication a file is evicted; None keeps it for ever."""

    def has(self, published: datetime) -> bool:
        """Whether what was published at a time can be had."""
        return published <= self.now and (self.kept is None or published > self.now - self.kept)


class SessionArchive:
    """Sessions, files and quality by id and by query, as they are shown at this moment."""

    def __init__(self, station: str, options: SimulatorOptions, clock: Clock) -> None:
        rolling = options.evict_after_days
        self.kept = timedelta(days=options.eviction_days if rolling is None else rolling)
        """From a file's publication to its EvictionDate."""
        self.station = station
        self._rolling = None if rolling is None else self.kept
        self._passes = Passes(
            options.seed, station, options.chunk_size, most=options.max_sessions, odd=options.odd_sessions
        )
        self._has_retransfers = options.odd_sessions
        self._clock = clock
        self._first_day = options.first_day
        self._made: dict[str, Session] = {}
        self._sessions_of: dict[str, str] = {}
        self._removed: set[str] = set()

    def session(self, session_id: str) -> Row | None:
        """The session with this Id."""
        moment, session = self._moment(), self._known(session_id)
        return session_row(session, moment.now) if session and self._listed(session, moment) else None

    def file(self, file_id: str) -> Row | None:
        """The file with this Id."""
        moment, wanted = self._moment(), _lower(file_id)
        session = self._owner(wanted)
        chunk = session.chunk(wanted) if session is not None else None
        if session is None or chunk is None or not self._available(chunk, session, moment):
            return None
        return file_row(chunk, session, moment.now, self.kept)

    def files_of(self, session: Session, now: datetime) -> list[Row]:
        """The files of a session that can be had at a time, the first published first."""
        moment = Moment(now, self._rolling)
        chunks = [chunk for chunk in session.chunks if self._available(chunk, session, moment)]
        chunks.sort(key=lambda chunk: (chunk.published, chunk.channel))
        return [file_row(chunk, session, moment.now, self.kept) for chunk in chunks]

    def session_days(self, hints: Hints, latest_first: bool) -> Iterator[list[Row]]:
        """Sessions that the hints leave, by day."""
        moment = self._moment()
        if (ids := hints.values.get("Id")) is not None:
            yield from _by_day([row for wanted in ids if (row := self.session(wanted))], latest_first)
            return
        published = hints.span("PublicationDate")
        yield from self._days(hints, published, latest_first, moment, lambda s: [session_row(s, moment.now)])

    def file_days(self, hints: Hints, latest_first: bool) -> Iterator[list[Row]]:
        """Files that the hints leave, by day."""
        moment = self._moment()
        if (ids := hints.values.get("Id")) is not None:
            yield from _by_day([row for wanted in ids if (row := self.file(wanted))], latest_first)
            return
        published = hints.span("PublicationDate")
        yield from self._days(hints, published, latest_first, moment, lambda s: self.files_of(s, moment.now))

    def quality_days(self, hints: Hints, latest_first: bool) -> Iterator[list[Row]]:
        """Quality that the hints leave, by day."""
        moment = self._moment()
        published = hints.span("DeliveryStart")
        yield from self._days(hints, published, latest_first, moment, lambda s: quality_rows(s, moment.now))

    def named(self, session: str) -> Session | None:
        """The session with an Id or a SessionId, listed or not; of several transfers the latest begun."""
        if (known := self._known(session)) is not None:
            return known
        day = _day_of(session)
        generated = self._generated([] if day is None else [day])
        found = [s for s in (*generated, *self._made.values()) if s.session_id == session]
        found = [s for s in found if s.id not in self._removed]
        return max(reversed(found), key=lambda s: s.begun, default=None)

    def put(self, session: Session) -> None:
        """Add a session, or change the one with its id."""
        self._made[session.id] = session
        self._sessions_of.update(dict.fromkeys((chunk.id for chunk in session.chunks), session.id))
        self._removed.discard(session.id)

    def made(self) -> list[Session]:
        """The sessions that were put here."""
        return [session for session in self._made.values() if session.id not in self._removed]

    def remove(self, gone_id: str) -> None:
        """Evict a session or a file for good."""
        self._removed.add(gone_id)

    def _moment(self) -> Moment:
        return Moment(self._clock.now(), self._rolling)

    def _listed(self, session: Session, moment: Moment) -> bool:
        # A session stays for as long as one of its files does.
        if session.id in self._removed or session.published > moment.now:
            return False
        return moment.has(session.published) or moment.has(min(session.delivered, moment.now))

    def _available(self, chunk: Chunk, session: Session, moment: Moment) -> bool:
        return self._removed.isdisjoint((session.id, chunk.id)) and moment.has(chunk.published)

    def _known(self, session_id: str) -> Session | None:
        wanted = _lower(session_id)
        if wanted in self._removed:
            return None
        if wanted in self._made:
            return self._made[wanted]
        located = self._located(wanted)
        return located if located is not None and located.id == wanted else None

    def _located(self, uuid: str) -> Session | None:
        """The generated session that an id is of, or that has a file with the id."""
        try:
            found = self._passes.locate(str(UUID(uuid)))
        except ValueError:
            return None
        return found[0] if found is not None and found[0].start.date() >= self._first_day else None

    def _owner(self, file_id: str) -> Session | None:
        """The session that has a file."""
        made = self._sessions_of.get(file_id)
        return self._located(file_id) if made is None else self._made[made]

    def _generated(self, days: Iterable[int]) -> Iterator[Session]:
        for ordinal in days:
            if self._first_day.toordinal() <= ordinal <= date.max.toordinal():
                for session in self._passes.acquired(date.fromordinal(ordinal)):
                    if session.id not in self._made:
                        yield session

    def _days(
        self,
        hints: Hints,
        published: Span,
        latest_first: bool,
        moment: Moment,
        rows: Callable[[Session], list[Row]],
    ) -> Iterator[list[Row]]:
        def listed(sessions: Iterable[Session]) -> Iterator[Row]:
            for session in sessions:
                if self._listed(session, moment):
                    yield from rows(session)

        made: dict[int, list[Row]] = {}
        for row in listed(self._made.values()):
            made.setdefault(row.dated.toordinal(), []).append(row)
        days = set(made)
        days.update(self._span(hints, published, moment))
        for day in sorted(days, reverse=latest_first):
            acquired = (s for s in self._generated(range(day - _DELAY, day + 1)) if _published_on(day, s))
            generated = (row for row in listed(acquired) if row.dated.toordinal() == day)
            yield [*generated, *made.get(day, ())]

    def _span(self, hints: Hints, published: Span, moment: Moment) -> Iterable[int]:
        """The days on which the passes can have what is asked for (proleptic ordinals)."""
        if hints.values.get("Retransfer") == frozenset([True]) and not self._has_retransfers:
            return ()
        first = max(published.low.date(), self._first_day).toordinal()
        if moment.kept is not None:
            first = max(first, (moment.now - moment.kept).toordinal() - _DELAY)
        last = min(published.high, moment.now).toordinal()
        span = range(first, last + 1)
        acquired = _acquisition_days(hints)
        if acquired is None:
            return span
        near = {day + later for day in acquired for later in range(_DELAY + 1)}
        return near.intersection(span)


_ACQUIRED = re.compile(r"_(\d{4})(\d\d)(\d\d)\d{6}", re.ASCII)


def _day_of(text: str) -> int | None:
    """The day of acquisition that a SessionId or the name of a file tells."""
    match = _ACQUIRED.search(text)
    try:
        return date(int(match[1]), int(match[2]), int(match[3])).toordinal() if match else None
    except ValueError:
        return None


def _acquisition_days(hints: Hints) -> set[int] | None:
    """The days of acquisition of the sessions or files that are named; None for any."""
    sessions, patterns = hints.values.get("SessionId"), hints.patterns.get("Name")
    if sessions is not None:
        days = {_day_of(name) for name in sessions}
    elif patterns is not None and all(pattern.begins for pattern in patterns):
        days = {_day_of(pattern.text) for pattern in patterns}
        if any(_day_of(pattern.text) is None and not pattern.ends for pattern in patterns):
            return None
    else:
        return None
    # What is named in full without a date is none of the archive's.
    return {day for day in days if day is not None}


def _published_on(day: int, session: Session) -> bool:
    """Whether the session or a file of it can be published on a day."""
    return session.published.toordinal() <= day <= session.delivered.toordinal()


def _by_day(rows: list[Row], latest_first: bool) -> Iterator[list[Row]]:
    days: dict[int, list[Row]] = {}
    for row in rows:
        days.setdefault(row.dated.toordinal(), []).append(row)
    yield from (days[day] for day in sorted(days, reverse=latest_first))


def _lower(uuid: str) -> str:
    return uuid.lower() if len(uuid) == 36 else uuid
