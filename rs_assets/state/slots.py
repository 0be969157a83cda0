"""The connections of a station, leased by number to whoever has work for it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select

from rs_assets.state.database import StateDatabase, upsert
from rs_assets.state.holders import Holder, Holders
from rs_assets.state.pauses import Pause, Pauses
from rs_assets.state.schema import claimants, slots
from rs_assets.state.shares import Claimant, fair_shares

RENEW_EVERY = timedelta(seconds=4)
"""How often leases are renewed."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What a holder asks of a station, and what it has to say about it."""

    concurrency: int
    """Most connections of the station at the same time, by all holders together."""
    wanted: int
    """Connections that the holder can use now, those that it has included."""
    hoped: int = 0
    """Further ones that it would use if nobody else wants them."""
    given: frozenset[int] = frozenset()
    """Slots that it gives back."""
    in_use: frozenset[int] = frozenset()
    """Slots that it uses; should their lease have run out, it is given them again if they are free."""
    busy: float | None = None
    """The station has answered that it is busy: for how many seconds it is to be left alone."""
    served: int = 0
    """Answers that the station has given since the last time."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a holder stands with a station."""

    held: frozenset[int]
    """The slots that it leases now."""
    owed: int
    """How many of them others are waiting for; it is to give so many back as soon as it can."""
    contested: bool
    """Whether others want more than they have."""
    free: int
    """Slots that nobody holds."""
    pause: Pause


@dataclass(frozen=True, slots=True)
class _Picture:
    """The slots of a station at one moment."""

    holder_of: dict[int, str]
    claimants: dict[str, Claimant]
    told: tuple[int, int] | None
    """What the holder has told last: concurrency, wanted."""
    capacity: int
    pause: Pause


class Slots:
    """The slots of all stations. Every method is one transaction."""

    def __init__(self, database: StateDatabase, holders: Holders | None = None) -> None:
        self._database = database
        self._holders = holders or Holders()

    def settle(self, station: str, holder: Holder, demand: Demand, *, renew: bool = True) -> Standing:
        """Renew a holder's leases, take back what it gives, lease to it what it may have, and say what it owes.

        Without anything to write, and unless it is to `renew`, the database is only read.
        """
        now = self._holders.now()
        if not renew and not demand.given and demand.busy is None and not demand.served:
            with self._database.brief_transaction(writes=False) as connection:
                picture = self._picture(connection, station, holder, demand, now)
            is_told = picture.told == (demand.concurrency, demand.wanted)
            if is_told and not _grants(picture, holder, demand, now):
                return _standing(picture, holder, now)
        with self._database.brief_transaction() as connection:
            return self._settled(connection, station, holder, demand)

    def leave(self, holder: Holder) -> None:
        """Give back all that a holder has, of every station, and forget what it wants."""
        with self._database.brief_transaction() as connection:
            self._holders.leave(connection, [holder.id])

    def held(self, station: str) -> dict[int, str]:
        """The slots that are leased, and the id of the holder of each."""
        now = self._holders.now()
        statement = select(slots.c.number, slots.c.holder).where(slots.c.station == station)
        with self._database.brief_transaction(writes=False) as connection:
            found = {row.number: row.holder for row in connection.execute(statement)}
            gone = self._holders.gone(connection, now, set(found.values()))
        return {number: name for number, name in found.items() if name not in gone}

    def _settled(self, connection: Connection, station: str, holder: Holder, demand: Demand) -> Standing:
        now = self._holders.now()  # once more: the lock may have been waited for
        self._holders.renew(connection, holder, now)
        gone = self._holders.gone(connection, now)
        if gone:
            self._holders.leave(connection, gone)
        if demand.given:
            _give_back(connection, station, holder, demand.given)
        if demand.busy is not None or demand.served:
            Pauses.note(
                connection,
                station,
                now,
                concurrency=demand.concurrency,
                busy=demand.busy,
                served=demand.served,
            )
        picture = self._picture(connection, station, holder, demand, now, gone=frozenset())
        taken = _grants(picture, holder, demand, now)
        if taken:
            rows = [{"station": station, "number": number, "holder": holder.id, "since": now} for number in taken]
            connection.execute(slots.insert(), rows)
            picture = self._picture(connection, station, holder, demand, now, gone=frozenset())
        row = {
            "station": station,
            "holder": holder.id,
            "concurrency": demand.concurrency,
            "wanted": demand.wanted,
            "since": picture.claimants[holder.id].since,
        }
        upsert(connection, claimants, [row], keep=frozenset())
        return _standing(picture, holder, now)

    def _picture(
        self,
        connection: Connection,
        station: str,
        holder: Holder,
        demand: Demand,
        now: datetime,
        *,
        gone: Collection[str] | None = None,
    ) -> _Picture:
        """The slots at `now`, without those of the holders that are gone; if it is not said who, it is found out."""
        leased = connection.execute(select(slots).where(slots.c.station == station)).all()
        wishes = connection.execute(select(claimants).where(claimants.c.station == station)).all()
        if gone is None:
            others = {row.holder for row in (*leased, *wishes)} - {holder.id}
            gone = self._holders.gone(connection, now, others) if others else set()
        holder_of = {row.number: row.holder for row in leased if row.holder not in gone}
        oldest: dict[str, datetime] = {}
        for row in leased:
            oldest[row.holder] = min(row.since, oldest.get(row.holder, row.since))
        held = list(holder_of.values())
        told: tuple[int, int] | None = None
        since = now
        concurrency = demand.concurrency
        found: dict[str, Claimant] = {}
        for row in wishes:
            if row.holder == holder.id:
                told, since = (row.concurrency, row.wanted), row.since
            elif row.holder not in gone:
                if row.wanted:
                    concurrency = min(concurrency, row.concurrency)
                found[row.holder] = Claimant(row.wanted, held.count(row.holder), row.since, oldest.get(row.holder))
        mine = held.count(holder.id)
        if not mine and (demand.given or told is None or not told[1]):
            since = now  # it begins to wait, at the end of the queue
        found[holder.id] = Claimant(demand.wanted, mine, since, oldest.get(holder.id) if mine else None)
        pause = Pauses.of(connection, station, now, concurrency)
        return _Picture(holder_of, found, told, min(concurrency, int(pause.allowed)), pause)


def _grants(picture: _Picture, holder: Holder, demand: Demand, now: datetime) -> list[int]:
    """The numbers of the slots that a holder may take now."""
    again = sorted(demand.in_use - picture.holder_of.keys())
    room = picture.capacity - len(picture.holder_of)
    if room <= 0:
        return []
    shares = fair_shares(picture.claimants, picture.capacity, now)
    count = min(room, max(0, shares[holder.id] - picture.claimants[holder.id].held))
    if demand.hoped and not _lacking(picture, holder, shares):
        count += min(demand.hoped, room - count)
    fresh = [number for number in range(1, demand.concurrency + 1) if number not in picture.holder_of]
    return list(dict.fromkeys([*again, *fresh]))[:count]


def _standing(picture: _Picture, holder: Holder, now: datetime) -> Standing:
    shares = fair_shares(picture.claimants, picture.capacity, now)
    mine = frozenset(number for number, name in picture.holder_of.items() if name == holder.id)
    lacking = _lacking(picture, holder, shares)
    needed = max(0, lacking - (picture.capacity - len(picture.holder_of)))
    return Standing(
        held=mine,
        owed=min(needed, max(0, len(mine) - shares[holder.id])),
        contested=lacking > 0,
        free=max(0, picture.capacity - len(picture.holder_of)),
        pause=picture.pause,
    )


def _lacking(picture: _Picture, holder: Holder, shares: dict[str, int]) -> int:
    """How many slots the others are to have beyond those that they hold."""
    return sum(
        max(0, shares[name] - claimant.held) for name, claimant in picture.claimants.items() if name != holder.id
    )


def _give_back(connection: Connection, station: str, holder: Holder, numbers: Collection[int]) -> None:
    connection.execute(
        delete(slots).where(
            slots.c.station == station, slots.c.holder == holder.id, slots.c.number.in_(sorted(numbers))
        )
    )
