"""The next moment at which a request to a station may begin."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import select

from rs_assets.state.database import StateDatabase, upsert
from rs_assets.state.holders import utc_now
from rs_assets.state.schema import paces

_SKEW = timedelta(seconds=1)


class Paces:
    """The turns at all stations, shared by every process."""

    def __init__(self, database: StateDatabase, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._clock = clock

    def book(self, station: str, interval: timedelta) -> float:
        """Take the next turn at a station; in how many seconds it comes."""
        with self._database.brief_transaction() as connection:
            now = self._clock()
            row = connection.execute(select(paces).where(paces.c.station == station)).one_or_none()
            mine = now if row is None else next_turn(now, row.booked_at, row.next_at)
            values = {"station": station, "booked_at": now, "next_at": mine + interval}
            upsert(connection, paces, [values], keep=frozenset())
        return (mine - now).total_seconds()


def next_turn(now: datetime, booked_at: datetime, next_at: datetime) -> datetime:
    """The earliest turn; at once where the clock was set back since the last one was booked."""
    return now if now < booked_at - _SKEW else max(now, next_at)
