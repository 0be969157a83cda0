"""The runs that a sensor has asked for: which attempt it is, and which partitions are left alone.

A run key is spent by whatever became of its run. So it holds the attempt, and what is due still is asked for again.
"""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import select, update

from rs_assets.state.database import StateDatabase, upsert
from rs_assets.state.schema import asked_runs

_KEYS_A_QUERY = 500


@dataclass(frozen=True, slots=True)
class AskedRun:
    """The last run of a partition that was asked for. Times are aware UTC."""

    station: str
    partition: str
    reason: str
    """Why it was due, with the moment that made it so."""
    asked_at: datetime
    attempt: int = 1
    """How often it was asked for, for this reason."""
    cancelled: int = 0
    """How many runs of the partition were cancelled one after another, for whatever reason they were due."""
    not_before: datetime | None = None
    """Before this time it is not asked for again; None while nothing is known of how its run ended."""
    left_at: datetime | None = None
    """Since when it is left alone, because its runs were cancelled again and again; None if it is not."""

    @property
    def run_key(self) -> str:
        """Differs with every attempt."""
        return f"{self.partition} {self.reason}" + (f" attempt {self.attempt}" if self.attempt > 1 else "")


class AskedRuns:
    """The runs that were asked for, of all stations."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def of(self, station: str, partitions: Collection[str]) -> dict[str, AskedRun]:
        """The last run that was asked for of each of these partitions."""
        keys = list(partitions)
        found: dict[str, AskedRun] = {}
        with self._database.reading() as connection:
            for first in range(0, len(keys), _KEYS_A_QUERY):
                some = asked_runs.c.partition.in_(keys[first : first + _KEYS_A_QUERY])
                statement = select(asked_runs).where(asked_runs.c.station == station, some)
                found |= {row["partition"]: AskedRun(**row) for row in connection.execute(statement).mappings()}
        return found

    def record(self, runs: Collection[AskedRun]) -> None:
        """Record runs; each replaces the last one of its partition."""
        with self._database.transaction() as connection:
            upsert(connection, asked_runs, [asdict(run) for run in runs], keep=frozenset())

    def left_alone(self, station: str) -> list[AskedRun]:
        """The partitions that are left alone, the longest first."""
        statement = select(asked_runs).where(asked_runs.c.station == station, asked_runs.c.left_at.is_not(None))
        with self._database.reading() as connection:
            rows = connection.execute(statement.order_by(asked_runs.c.left_at, asked_runs.c.partition)).mappings()
            return [AskedRun(**row) for row in rows]

    def resume(self, station: str, partitions: Collection[str] | None = None) -> int:
        """Look after partitions again that were left alone, all of a station by default; how many there were."""
        statement = update(asked_runs).where(asked_runs.c.station == station, asked_runs.c.left_at.is_not(None))
        if partitions is not None:
            statement = statement.where(asked_runs.c.partition.in_(list(partitions)))
        with self._database.transaction() as connection:
            return int(connection.execute(statement.values(left_at=None, cancelled=0, not_before=None)).rowcount)
