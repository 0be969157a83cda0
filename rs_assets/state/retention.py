"""Removing old rows of the state, a few at a time, so that nobody waits for it."""

from datetime import datetime

from sqlalchemy import ColumnElement, Table, delete, select, tuple_

from rs_assets.state.database import StateDatabase
from rs_assets.state.requests import ENDED
from rs_assets.state.schema import asked_runs, failures, heartbeats, requests, session_entries, transfers

_OLD: dict[str, tuple[Table, ColumnElement[datetime], tuple[ColumnElement[bool], ...]]] = {
    "transfers": (transfers, transfers.c.finished_at, ()),
    "failures": (failures, failures.c.resolved_at, ()),
    "requests": (requests, requests.c.ended_at, (requests.c.state.in_(ENDED),)),
    "sessions": (session_entries, session_entries.c.settled_at, ()),
    "asked_runs": (asked_runs, asked_runs.c.asked_at, (asked_runs.c.left_at.is_(None),)),
    "heartbeats": (heartbeats, heartbeats.c.at, ()),
}
"""What may be removed, by name: the table, since when nobody waits for a row, and what must be true of it besides."""


class Retention:
    """The rows that may be removed when they are old enough: those of what has ended."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def remove(self, what: str, before: datetime, most: int) -> int:
        """Remove at most `most` rows of what ended before a time (aware UTC); how many there were.

        Args:
            what: ``transfers``, ``failures``, ``requests``, ``sessions``, ``asked_runs`` or ``heartbeats``.
            before: rows of that time and later stay.
            most: the more, the longer others wait.
        """
        table, ended, conditions = _OLD[what]
        primary = table.primary_key.columns
        old = (ended.is_not(None), ended < before, *conditions)
        with self._database.reading() as connection:
            keys = [
                tuple(row)
                for row in connection.execute(select(*primary).where(*old).order_by(ended, *primary).limit(most))
            ]
        if not keys:
            return 0
        with self._database.transaction() as connection:
            # Once more with the conditions: what was begun anew meanwhile stays.
            return int(connection.execute(delete(table).where(tuple_(*primary).in_(keys), *old)).rowcount)
