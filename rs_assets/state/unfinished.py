"""Partitions that are wanted or were begun: each until a run that began later has done what was wanted.

So nothing that was asked for is forgotten with the run that was to do it, whether that was cancelled, lost or failed.
"""

from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, select

from rs_assets.state.database import StateDatabase, upsert
from rs_assets.state.schema import unfinished

_KEYS_A_QUERY = 500


@dataclass(frozen=True, slots=True)
class UnfinishedWork:
    """What is still to be done for a partition."""

    partition: str
    steps: frozenset[str]
    since: datetime
    """When it was wanted, or last begun (aware UTC)."""
    worker: str | None
    """The mutex that whoever began it holds while he is at it; None if nobody has begun."""
    tries: int
    """How often it was begun."""


class Unfinished:
    """The unfinished partitions of all stations."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def want(
        self,
        station: str,
        partitions: Collection[str],
        steps: Collection[str],
        *,
        at: datetime,
        worker: str | None = None,
    ) -> None:
        """Note that steps of partitions are to be done, or begin, if a worker is named.

        What was wanted before is wanted still.
        """
        if not partitions:
            return
        keys = list(dict.fromkeys(partitions))
        with self._database.transaction() as connection:
            before = {work.partition: work for work in _read(connection, station, keys)}
            rows = []
            for key in keys:
                old = before.get(key) or UnfinishedWork(key, frozenset(), at, None, 0)
                tries = old.tries + (worker is not None)
                rows.append(_row(station, UnfinishedWork(key, old.steps | set(steps), at, worker, tries)))
            upsert(connection, unfinished, rows, keep=frozenset())

    def done(self, station: str, partition: str, steps: Collection[str], *, begun_at: datetime) -> None:
        """Note what a run has done that began at a time; what was wanted later, or beyond it, stays."""
        is_it = (unfinished.c.station == station, unfinished.c.partition == partition)
        with self._database.transaction() as connection:
            for work in _read(connection, station, [partition]):
                if work.since > begun_at:
                    continue
                connection.execute(delete(unfinished).where(*is_it))
                if left := work.steps - set(steps):
                    upsert(connection, unfinished, [_row(station, replace(work, steps=left))], keep=frozenset())

    def of(self, station: str) -> list[UnfinishedWork]:
        """What is unfinished, the oldest first."""
        with self._database.reading() as connection:
            return _read(connection, station)


def _read(connection: Connection, station: str, keys: list[str] | None = None) -> list[UnfinishedWork]:
    columns = [column for column in unfinished.c if column.name != "station"]
    statement = select(*columns).where(unfinished.c.station == station)
    statement = statement.order_by(unfinished.c.since, unfinished.c.partition)
    parts = [keys[first : first + _KEYS_A_QUERY] for first in range(0, len(keys), _KEYS_A_QUERY)] if keys else [None]
    rows: list[RowMapping] = []
    for part in parts:
        wanted = statement if part is None else statement.where(unfinished.c.partition.in_(part))
        rows += connection.execute(wanted).mappings().all()
    return [UnfinishedWork(**{**row, "steps": frozenset(row["steps"].split())}) for row in rows]


def _row(station: str, work: UnfinishedWork) -> dict[str, Any]:
    return {"station": station, **asdict(work), "steps": " ".join(sorted(work.steps))}
