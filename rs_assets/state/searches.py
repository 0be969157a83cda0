"""When each partition was searched, and which of them are to be searched again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from rs_assets.state.database import StateDatabase, insert_into, upsert
from rs_assets.state.schema import first_searches, searches


@dataclass(frozen=True, slots=True)
class SearchRecord:
    """The last search of a partition. Times are aware UTC."""

    station: str
    partition: str
    window_end: datetime
    attempted_at: datetime
    searched_at: datetime | None
    """The last search that succeeded; None if none has."""
    was_closed: bool
    """Whether the window was closed at `searched_at`."""
    error: str | None
    """Why the last attempt failed; None if it succeeded."""


class Searches:
    """The record of all searches."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def succeeded(self, station: str, partition: str, *, window_end: datetime, at: datetime, closed: bool) -> None:
        """Record a search that succeeded."""
        row = {"searched_at": at, "was_closed": closed, "error": None}
        self._record(station, partition, window_end, at, row, keep=frozenset())

    def failed(self, station: str, partition: str, *, window_end: datetime, at: datetime, error: str) -> None:
        """Record a search that failed; what an earlier one found stays true."""
        row = {"searched_at": None, "was_closed": False, "error": error}
        self._record(station, partition, window_end, at, row, keep=frozenset({"searched_at", "was_closed"}))

    def of(self, station: str, partitions: Sequence[str] | None = None) -> dict[str, SearchRecord]:
        """The last search of each partition of a station, by partition; of these partitions only, if given."""
        statement = select(searches).where(searches.c.station == station)
        if partitions is not None:
            statement = statement.where(searches.c.partition.in_(partitions))
        with self._database.reading() as connection:
            rows = connection.execute(statement).mappings().all()
        return {row["partition"]: SearchRecord(**row) for row in rows}

    def to_repeat(self, station: str, *, now: datetime, lag: timedelta, pause: timedelta) -> list[SearchRecord]:
        """Partitions whose windows have closed (their end is `lag` ago) without a search since, the oldest first.

        One that was tried less than `pause` ago is left alone.
        """
        statement = (
            select(searches)
            .where(searches.c.station == station, searches.c.was_closed.is_(False))
            .where(searches.c.window_end <= now - lag, searches.c.attempted_at <= now - pause)
            .order_by(searches.c.window_end, searches.c.partition)
        )
        with self._database.reading() as connection:
            return [SearchRecord(**row) for row in connection.execute(statement).mappings()]

    def first(self, station: str) -> datetime | None:
        """When a partition of the station was searched, or tried, for the first time; None if none was."""
        noted = select(first_searches.c.at).where(first_searches.c.station == station)
        # A state of an earlier version has no note of it.
        oldest = select(func.min(searches.c.attempted_at)).where(searches.c.station == station)
        with self._database.reading() as connection:
            found: datetime | None = connection.scalar(noted) or connection.scalar(oldest)
        return found

    def searched(self, station: str, first: str, last: str) -> set[str]:
        """Those of the partitions from one key to another (inclusive, sorted as text) that were searched, or tried."""
        key = searches.c.partition
        statement = select(key).where(searches.c.station == station, key >= first, key <= last)
        with self._database.reading() as connection:
            return set(connection.scalars(statement))

    def _record(
        self,
        station: str,
        partition: str,
        window_end: datetime,
        at: datetime,
        row: Mapping[str, object],
        *,
        keep: frozenset[str],
    ) -> None:
        whole = {"station": station, "partition": partition, "window_end": window_end, "attempted_at": at, **row}
        with self._database.transaction() as connection:
            upsert(connection, searches, [whole], keep=keep)
            noted = insert_into(connection, first_searches).on_conflict_do_nothing()
            connection.execute(noted, {"station": station, "at": at})
