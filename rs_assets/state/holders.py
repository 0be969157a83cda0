"""Who holds leases: one row for each holder, whose expiry is that of all that it holds."""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, select, update

from rs_assets.state.processes import Process
from rs_assets.state.schema import claimants, claims, holders, slots

TTL = timedelta(seconds=15)
"""How long leases last that are not renewed."""

GRACE = timedelta(seconds=45)
"""How much longer they last where the holder's process is known to live: it was held up, its connections are open."""


def utc_now() -> datetime:
    """The present moment, aware."""
    return datetime.now(UTC)


def _new_id() -> str:
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True)
class Holder:
    """One holder of leases; a process may have several, and each is treated as a stranger by the others."""

    id: str = field(default_factory=_new_id)
    process: Process = field(default_factory=Process.current)


class Holders:
    """The rows of the holders, within a transaction of whoever works on leases."""

    def __init__(
        self, *, clock: Callable[[], datetime] = utc_now, has_ended: Callable[[Process], bool] = Process.has_ended
    ) -> None:
        self.now = clock
        self._has_ended = has_ended

    def renew(self, connection: Connection, holder: Holder, now: datetime) -> None:
        """Let a holder's leases last for another `TTL`; a holder that is not known yet, or no more, begins anew."""
        expires_at = now + TTL
        known = connection.execute(update(holders).where(holders.c.id == holder.id).values(expires_at=expires_at))
        if not known.rowcount:
            process = holder.process
            row = {"id": holder.id, "host": process.host, "pid": process.pid, "started": process.started}
            connection.execute(holders.insert().values(**row, expires_at=expires_at))

    def leave(self, connection: Connection, holder_ids: Iterable[str]) -> None:
        """End everything that these holders hold or want."""
        ids = list(holder_ids)
        for table in (slots, claimants, claims):
            connection.execute(delete(table).where(table.c.holder.in_(ids)))
        connection.execute(delete(holders).where(holders.c.id.in_(ids)))

    def gone(self, connection: Connection, now: datetime, among: Iterable[str] | None = None) -> set[str]:
        """The holders whose leases have come to an end, by expiry or with their process; among these, if given.

        One of `among` that has no row is gone, too.
        """
        statement = select(holders)
        missing: set[str] = set()
        if among is not None:
            missing = set(among)
            statement = statement.where(holders.c.id.in_(list(missing)))
        gone: set[str] = set()
        for row in connection.execute(statement):
            missing.discard(row.id)
            if self._is_gone(row, now):
                gone.add(row.id)
        return gone | missing

    def _is_gone(self, row: Any, now: datetime) -> bool:
        process = Process(row.host, row.pid, row.started)
        if self._has_ended(process):
            return True
        if row.expires_at > now:
            return False
        return row.expires_at + GRACE <= now or not process.lives_here()
