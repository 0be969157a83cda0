"""Signs of life of the runs: one that was killed has no other way to say so."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, select

from rs_assets.state.database import StateDatabase, upsert
from rs_assets.state.schema import heartbeats


class Heartbeats:
    """When each run that works, or was killed at work, last gave a sign of life."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def beat(self, run_id: str, at: datetime) -> None:
        """Note that a run is at work at `at` (aware UTC)."""
        with self._database.transaction() as connection:
            upsert(connection, heartbeats, [{"run_id": run_id, "at": at}], keep=frozenset())

    def silent_since(self, moment: datetime) -> list[str]:
        """The runs that gave their last sign of life before `moment`."""
        with self._database.reading() as connection:
            return list(connection.scalars(select(heartbeats.c.run_id).where(heartbeats.c.at < moment)))

    def forget(self, run_ids: Iterable[str]) -> None:
        """Drop what is known of these runs, which have ended."""
        with self._database.transaction() as connection:
            connection.execute(delete(heartbeats).where(heartbeats.c.run_id.in_(list(run_ids))))
