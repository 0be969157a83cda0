"""Files that could not be staged or catalogued: why, how often tried, when next; each until it is resolved."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.sql.elements import ColumnElement

from rs_assets.state.database import StateDatabase, upsert
from rs_assets.state.schema import failures

_LONGEST_PAUSE = timedelta(days=1)
_ACCEPTED = "accepted: "
"""How the resolution of a failure begins that was accepted by hand."""


@dataclass(frozen=True, slots=True)
class FileFailure:
    """One file that could not be staged or catalogued. Times are aware UTC."""

    station: str
    collection: str
    item_id: str
    asset: str
    """Its asset key, the file's name."""
    source_id: str
    """The station's key of the publication."""
    partition: str
    status: str
    """``failed``, ``evicted``, ``clash`` or ``uncatalogued``."""
    reason: str
    attempts: int
    """Requests in all runs together."""
    failed_first: datetime
    failed_last: datetime
    next_try: datetime | None
    """When it is due again; None where trying again cannot help."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """A file that is all right now, which resolves every failure of it that has one of these statuses."""

    collection: str
    item_id: str
    asset: str
    how: str
    """E.g. ``staged``, ``superseded``."""
    statuses: frozenset[str]
    """The statuses of the failures that it resolves."""


class Outcomes:
    """The failures of all stations."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def record(
        self,
        *,
        failed: Sequence[FileFailure],
        resolved: Iterable[Resolution],
        at: datetime,
        pause: timedelta,
    ) -> None:
        """Record what a run did, in one transaction.

        A file that fails again keeps the time of its first failure and adds up its attempts. Its next try is
        `pause` away, twice that with every further run, a day at most; a failure that came without a `next_try`
        has none.
        """
        with self._database.transaction() as connection:
            for done in resolved:
                statement = (
                    update(failures)
                    .where(*_asset(done.collection, done.item_id, done.asset))
                    .where(failures.c.resolved_at.is_(None), failures.c.status.in_(done.statuses))
                )
                connection.execute(statement.values(resolved_at=at, resolution=done.how))
            rows = []
            for failure in failed:
                old = connection.execute(select(failures).where(*_file(failure))).mappings().first()
                again = failure
                if old is not None and old["resolved_at"] is None:
                    again = replace(
                        failure,
                        attempts=old["attempts"] + failure.attempts,
                        failed_first=old["failed_first"],
                    )
                if failure.next_try is not None:
                    again = replace(again, next_try=at + _pause_after(pause, again.failed_first, at))
                rows.append(asdict(again) | {"resolved_at": None, "resolution": None})
            upsert(connection, failures, rows, keep=frozenset())

    def outstanding(self, station: str, partitions: Iterable[str] | None = None) -> list[FileFailure]:
        """Every failure of a station that is not resolved, the oldest first; of these partitions only, if given."""
        columns = [column for column in failures.c if column.name not in {"resolved_at", "resolution"}]
        statement = select(*columns).where(failures.c.station == station, failures.c.resolved_at.is_(None))
        if partitions is not None:
            statement = statement.where(failures.c.partition.in_(list(partitions)))
        statement = statement.order_by(failures.c.failed_first, failures.c.partition, failures.c.asset)
        with self._database.transaction() as connection:
            return [FileFailure(**row) for row in connection.execute(statement).mappings()]

    def accepted(self, station: str, source_ids: Collection[str], status: str) -> set[str]:
        """Which of these files of a station had a failure of that status that was accepted by hand."""
        statement = select(failures.c.source_id).where(
            failures.c.station == station,
            failures.c.status == status,
            failures.c.resolution.startswith(_ACCEPTED, autoescape=True),
        )
        with self._database.transaction() as connection:
            return set(connection.scalars(statement)) & set(source_ids)

    def due(self, station: str, now: datetime) -> dict[str, datetime]:
        """The partitions that have a failure whose next try has come, with the time of that try."""
        due: dict[str, datetime] = {}
        for failure in self.outstanding(station):
            if failure.next_try is not None and failure.next_try <= now:
                due[failure.partition] = max(due.get(failure.partition, failure.next_try), failure.next_try)
        return due

    def accept(self, station: str, name: str, *, why: str, at: datetime) -> int:
        """Resolve by hand the failures of an item id or file name that nobody can mend; how many there were."""
        statement = (
            update(failures)
            .where(failures.c.station == station, failures.c.resolved_at.is_(None))
            .where((failures.c.item_id == name) | (failures.c.asset == name))
            .values(resolved_at=at, resolution=f"{_ACCEPTED}{why}")
        )
        with self._database.transaction() as connection:
            return int(connection.execute(statement).rowcount)


def _asset(collection: str, item_id: str, asset: str) -> list[ColumnElement[bool]]:
    """The failures of a file, of whichever station: once it is right, it is right for all."""
    return [failures.c.collection == collection, failures.c.item_id == item_id, failures.c.asset == asset]


def _file(failure: FileFailure) -> list[ColumnElement[bool]]:
    place = _asset(failure.collection, failure.item_id, failure.asset)
    return [*place, failures.c.station == failure.station, failures.c.source_id == failure.source_id]


def _pause_after(pause: timedelta, first: datetime, at: datetime) -> timedelta:
    """`pause` longer than it has failed already, so the pauses double; a day at most."""
    return min(pause + (at - first), _LONGEST_PAUSE)
