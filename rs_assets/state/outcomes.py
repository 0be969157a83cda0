"""Files that could not be staged or catalogued: why, how often tried, when next; each until it is resolved."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select, update
from sqlalchemy.sql.elements import ColumnElement

from rs_assets.items.files import FileRecord, FileState
from rs_assets.state.database import StateDatabase, upsert
from rs_assets.state.schema import failures

_MAX_PAUSE = timedelta(days=1)
_ACCEPTED = "accepted: "
"""How the resolution of a failure begins that was accepted by hand."""


@dataclass(frozen=True, slots=True)
class FileFailure:
    """One file that could not be staged or catalogued. Times are aware UTC."""

    file: FileRecord
    """In a state that is a failure; `attempts` are the requests of all runs together."""
    owner: str
    """The station, or another group of assets, that looks after it."""
    partition: str
    failed_first: datetime
    failed_last: datetime
    next_try: datetime | None
    """When it is due again; None where trying again cannot help."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """A file that is all right now, which resolves every failure of it that has one of these states."""

    collection: str
    item_id: str
    asset: str
    how: str
    """E.g. ``staged``, ``superseded``."""
    states: frozenset[FileState]
    """The states of the failures that it resolves."""


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
            _resolve(connection, resolved, at)
            rows = []
            for failure in failed:
                old = connection.execute(select(failures).where(*_is_of(failure))).mappings().first()
                row = _row(failure)
                if old is not None and old["resolved_at"] is None:
                    row["attempts"] += old["attempts"]
                    row["failed_first"] = old["failed_first"]
                if failure.next_try is not None:
                    row["next_try"] = at + _pause_after(pause, row["failed_first"], at)
                rows.append(row)
            upsert(connection, failures, rows, keep=frozenset())

    def outstanding(self, station: str, partitions: Iterable[str] | None = None) -> list[FileFailure]:
        """Every failure of a station that is not resolved, the oldest first; of these partitions only, if given."""
        statement = select(failures).where(failures.c.station == station, failures.c.resolved_at.is_(None))
        if partitions is not None:
            statement = statement.where(failures.c.partition.in_(list(partitions)))
        statement = statement.order_by(failures.c.failed_first, failures.c.partition, failures.c.asset)
        with self._database.reading() as connection:
            return [_failure(row) for row in connection.execute(statement).mappings()]

    def accepted(self, station: str, source_ids: Collection[str], state: FileState) -> set[str]:
        """Which of these files of a station had a failure of that state that was accepted by hand."""
        statement = select(failures.c.source_id).where(
            failures.c.station == station,
            failures.c.status == state,
            failures.c.resolution.startswith(_ACCEPTED, autoescape=True),
        )
        with self._database.reading() as connection:
            return set(connection.scalars(statement)) & set(source_ids)

    def due(self, station: str, now: datetime) -> dict[str, datetime]:
        """The partitions that have a failure whose next try has come, with the time of that try."""
        latest, first = func.max(failures.c.next_try), func.min(failures.c.failed_first)
        is_due = (failures.c.station == station, failures.c.resolved_at.is_(None), failures.c.next_try <= now)
        statement = select(failures.c.partition, latest.label("moment")).where(*is_due).group_by(failures.c.partition)
        with self._database.reading() as connection:
            rows = connection.execute(statement.order_by(first, failures.c.partition)).all()
        return {row.partition: row.moment for row in rows}

    def accept(self, station: str, name: str, *, why: str, at: datetime) -> int:
        """Resolve by hand the failures of an item id or file name that cannot be recovered; how many there were."""
        statement = (
            update(failures)
            .where(failures.c.station == station, failures.c.resolved_at.is_(None))
            .where((failures.c.item_id == name) | (failures.c.asset == name))
            .values(resolved_at=at, resolution=f"{_ACCEPTED}{why}")
        )
        with self._database.transaction() as connection:
            return int(connection.execute(statement).rowcount)


def _resolve(connection: Connection, resolved: Iterable[Resolution], at: datetime) -> None:
    """Resolve the failures of these files, of whichever station: once a file is right, it is right for all."""
    is_open = failures.c.resolved_at.is_(None)
    columns = (failures.c.collection, failures.c.item_id, failures.c.asset)
    failing = {tuple(row) for row in connection.execute(select(*columns).where(is_open))}
    for done in resolved:
        if (done.collection, done.item_id, done.asset) in failing:
            statement = update(failures).where(*_asset(done.collection, done.item_id, done.asset))
            statement = statement.where(is_open, failures.c.status.in_(done.states))
            connection.execute(statement.values(resolved_at=at, resolution=done.how))


def _asset(collection: str, item_id: str, asset: str) -> list[ColumnElement[bool]]:
    return [failures.c.collection == collection, failures.c.item_id == item_id, failures.c.asset == asset]


def _is_of(failure: FileFailure) -> list[ColumnElement[bool]]:
    file = failure.file
    place = _asset(file.collection, file.item_id, file.asset)
    return [*place, failures.c.station == failure.owner, failures.c.source_id == file.source_id]


def _row(failure: FileFailure) -> dict[str, Any]:
    file = failure.file
    return {
        "station": failure.owner,
        "collection": file.collection,
        "item_id": file.item_id,
        "asset": file.asset,
        "source_id": file.source_id,
        "partition": failure.partition,
        "status": file.state.value,
        "reason": file.reason or "no reason is known",
        "attempts": file.attempts,
        "failed_first": failure.failed_first,
        "failed_last": failure.failed_last,
        "next_try": failure.next_try,
        "resolved_at": None,
        "resolution": None,
    }


def _failure(row: Mapping[Any, Any]) -> FileFailure:
    file = FileRecord(
        collection=row["collection"],
        item_id=row["item_id"],
        asset=row["asset"],
        source_id=row["source_id"],
        state=FileState(row["status"]),
        reason=row["reason"],
        attempts=row["attempts"],
    )
    return FileFailure(file, row["station"], row["partition"], row["failed_first"], row["failed_last"], row["next_try"])


def _pause_after(pause: timedelta, first: datetime, at: datetime) -> timedelta:
    """`pause` longer than it has failed already, so the pauses double; a day at most."""
    return min(pause + (at - first), _MAX_PAUSE)
