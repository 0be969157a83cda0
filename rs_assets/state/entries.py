"""The sessions that enter the catalogue, and the request that was filed for each.

A session is noted just before the catalogue gets it: what was noted and is not there has not entered yet, and nothing
that is there was forgotten.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from rs_assets.state.database import StateDatabase, insert_into
from rs_assets.state.schema import session_entries


@dataclass(frozen=True, slots=True)
class SessionEntry:
    """One session on its way into the catalogue, or in it. Times are aware UTC."""

    collection: str
    session_id: str
    station: str
    """The station that it came from."""
    noted_at: datetime
    """When it was about to be catalogued."""
    settled_at: datetime | None
    """When it was decided what is asked for; None before that."""
    request_id: str | None
    """The request that was filed for it; None where there is none, or none yet."""
    message: str
    """Why no request was filed; empty otherwise."""


class SessionEntries:
    """All sessions that entered the catalogue since their missions have needs."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def note(self, station: str, collection: str, session_ids: Iterable[str], *, at: datetime) -> None:
        """Note sessions that the catalogue does not have and is about to get.

        One for which a request was filed stays as it is; any other is to be looked at again.
        """
        rows = [
            {"collection": collection, "session_id": session_id, "station": station, "noted_at": at, "message": ""}
            for session_id in session_ids
        ]
        if not rows:
            return
        with self._database.transaction() as connection:
            statement = insert_into(connection, session_entries)
            anew = statement.on_conflict_do_update(
                index_elements=["collection", "session_id"],
                set_={"station": statement.excluded.station, "settled_at": None, "message": ""},
                where=session_entries.c.request_id.is_(None),
            )
            connection.execute(anew, rows)

    def unsettled(self) -> list[SessionEntry]:
        """The sessions for which nothing was decided yet, the oldest first."""
        statement = select(session_entries).where(session_entries.c.settled_at.is_(None))
        statement = statement.order_by(session_entries.c.noted_at, session_entries.c.session_id)
        with self._database.reading() as connection:
            return [_entry(row) for row in connection.execute(statement).mappings()]

    def of(self, session_ids: Collection[str]) -> list[SessionEntry]:
        """What is noted of these sessions, in whichever collection."""
        statement = select(session_entries).where(session_entries.c.session_id.in_(list(session_ids)))
        with self._database.reading() as connection:
            return [_entry(row) for row in connection.execute(statement).mappings()]

    def settle(self, entry: SessionEntry, *, request_id: str | None, message: str, at: datetime) -> None:
        """Note the request that was filed for a session, or why there is none."""
        statement = (
            update(session_entries)
            .where(
                session_entries.c.collection == entry.collection,
                session_entries.c.session_id == entry.session_id,
            )
            .values(request_id=request_id, message=message, settled_at=at)
        )
        with self._database.transaction() as connection:
            connection.execute(statement)


def _entry(row: Mapping[Any, Any]) -> SessionEntry:
    return SessionEntry(**row)
