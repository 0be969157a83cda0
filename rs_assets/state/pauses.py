"""What a station has said of its load: until when it is left alone, and how many connections it stands."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from rs_assets.state.database import upsert
from rs_assets.state.schema import pauses

BURST = timedelta(seconds=1)
"""Within this time, or the pause if that is longer, further answers that the station is busy are of the same burst."""


@dataclass(frozen=True, slots=True)
class Pause:
    """How far a station may be loaded now."""

    remaining: float
    """Seconds for which it is still to be left alone."""
    allowed: float
    """Connections that it stands at the same time; 1 at least, and a fraction on the way up."""


class Pauses:
    """The pauses of all stations, within a transaction of whoever works on the slots."""

    @staticmethod
    def of(connection: Connection, station: str, now: datetime, concurrency: int) -> Pause:
        """How far a station may be loaded at `now`."""
        row = _row(connection, station)
        if row is None:
            return Pause(0.0, float(concurrency))
        return Pause(max(0.0, (row.until - now).total_seconds()), min(row.allowed, float(concurrency)))

    @staticmethod
    def note(
        connection: Connection, station: str, now: datetime, *, concurrency: int, busy: float | None, served: int
    ) -> None:
        """Note answers of a station: that it is busy for so many seconds, and how many it has given."""
        row = _row(connection, station)
        until, halved_at, allowed = (
            (now, None, float(concurrency))
            if row is None
            else (
                row.until,
                row.halved_at,
                min(row.allowed, float(concurrency)),
            )
        )
        for _ in range(served):
            allowed = min(float(concurrency), allowed + 1 / int(allowed))
        if busy is not None:
            if halved_at is None or now >= max(until, halved_at + BURST):
                allowed, halved_at = float(max(1, int(allowed) // 2)), now
            until = max(until, now + timedelta(seconds=busy))
        elif row is None:
            return
        values = {"station": station, "until": until, "halved_at": halved_at, "allowed": allowed}
        upsert(connection, pauses, [values], keep=frozenset())


def _row(connection: Connection, station: str) -> Any | None:
    return connection.execute(select(pauses).where(pauses.c.station == station)).one_or_none()
