"""The passes over a station: from a day to the sessions that were acquired on it, always the same."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache, partial
from typing import NamedTuple

from rs_assets.simulator.cadip.oddities import FinalBlock, Oddities
from rs_assets.simulator.cadip.sessions import Chunk, Session
from rs_assets.simulator.identity import Identity
from rs_assets.simulator.missions import DAY, S1, S2, S3

_MISSIONS = (S1, S2, S3)
_ORBITS_PER_DAY = {"S1": 175 / 12, "S2": 143 / 10, "S3": 385 / 27}
_BLOCK_BITS = 14


class Place(NamedTuple):
    """Where a session or a file stands in the archive; channel and block are 0 for the session itself."""

    ordinal: int
    mission: int
    slot: int
    transfer: int = 0
    channel: int = 0
    block: int = 0

    def pack(self) -> bytes:
        """The place in 6 bytes."""
        number = self.ordinal
        for value, bits in zip(self[1:], _BITS, strict=True):
            number = number << bits | value
        return number.to_bytes(6, "big")

    @classmethod
    def unpack(cls, packed: bytes) -> "Place":
        """The place that these bytes say, if any does."""
        number = int.from_bytes(packed, "big")
        values = []
        for bits in reversed(_BITS):
            values.append(number & (1 << bits) - 1)
            number >>= bits
        return cls(number, *reversed(values))


_BITS = (2, 3, 1, 3, _BLOCK_BITS)


class Passes:
    """Makes the sessions of one station and seed."""

    def __init__(self, seed: int, station: str, chunk_size: int, *, most: int | None, odd: bool) -> None:
        """``chunk_size`` is in bytes; a day has at most ``most`` sessions of a mission; with ``odd`` some are odd."""
        self._station = station.upper()
        self._chunk_size = chunk_size
        self._most = most
        self._odd = odd
        self._identity = Identity(f"{seed}/{station}")
        self.acquired = lru_cache(maxsize=128)(self._acquired)
        """What was acquired on a UTC day, with the later retransfers of that."""

    def locate(self, uuid: str) -> tuple[Session, Chunk | None] | None:
        """The session with this id, or the file and its session; None if the id is none of this archive's."""
        place = Place.unpack(self._identity.place(uuid))
        if not 0 < place.ordinal <= date.max.toordinal():
            return None
        for session in self.acquired(date.fromordinal(place.ordinal)):
            if session.id == uuid:
                return session, None
            if place.channel and session.identify(place.channel, place.block) == uuid:
                found = (c for c in session.chunks if c.id == uuid)
                return next(((session, chunk) for chunk in found), None)
        return None

    def _acquired(self, day: date) -> tuple[Session, ...]:
        return tuple(self._sessions(day))

    def _sessions(self, day: date) -> Iterator[Session]:
        ordinal = day.toordinal()
        midnight = datetime.combine(day, time(), UTC)
        for number, mission in enumerate(_MISSIONS):
            flying = [unit for unit in mission.satellites if mission.flies(unit, day)]
            count = 3 + self._identity.digest(f"{ordinal}/{number}")[0] % 4 if flying else 0
            count = count if self._most is None else min(count, self._most)
            for slot in range(count):
                unit = flying[(ordinal + slot) % len(flying)]
                key = self._identity.digest(f"{ordinal}/{number}/{slot}")
                spread, length = (int.from_bytes(key[n : n + 4], "big") / 2**32 for n in (0, 4))
                start = midnight + DAY / count * (slot + 0.1 + 0.7 * spread)
                launch = datetime.combine(mission.satellites[unit][0], time(), UTC)
                session = self._session(
                    Place(ordinal, number, slot),
                    mission.code + unit,
                    key,
                    start=start,
                    length=timedelta(seconds=150 + 450 * length),
                    orbit=int((start - launch) / DAY * _ORBITS_PER_DAY[mission.code]) + 1,
                )
                yield from self._with_oddities(session, Place(ordinal, number, slot)) if self._odd else (session,)

    def _session(
        self, place: Place, satellite: str, key: bytes, *, start: datetime, length: timedelta, orbit: int
    ) -> Session:
        count = 8 + key[8] % 12
        return Session(
            id=self._id(place),
            session_id=f"{satellite}_{start:%Y%m%d%H%M%S%f}",
            satellite=satellite,
            station=self._station,
            unit=f"{1 + key[9] % 2:02d}",
            orbit=orbit,
            start=start,
            stop=start + length,
            begun=start,
            pace=length,
            lag=timedelta(seconds=20 + key[10] / 8),
            blocks=(count, count + key[11] % 2),
            chunk_size=self._chunk_size,
            key=key,
            identify=partial(self._file_id, place),
        )

    def _with_oddities(self, session: Session, place: Place) -> Iterator[Session]:
        choice = session.key[12] % (2 * (len(_ODDITIES) + 2))
        if choice < len(_ODDITIES):
            session = replace(session, oddities=_ODDITIES[choice])
        elif choice == len(_ODDITIES):
            more = int.from_bytes(session.key[13:19], "big") % 10**12
            session = replace(session, session_id=f"{session.session_id}{more:012d}")
        yield session
        if choice == len(_ODDITIES) + 1:
            again = place._replace(transfer=1)
            yield replace(
                session,
                id=self._id(again),
                begun=session.stop + timedelta(hours=1, minutes=session.key[13]),
                retransfer=True,
                key=self._identity.digest(f"again/{session.session_id}"),
                identify=partial(self._file_id, again),
            )

    def _id(self, place: Place) -> str:
        return self._identity.uuid(place.pack(), self._identity.digest("/".join(map(str, place))))

    def _file_id(self, place: Place, channel: int, block: int) -> str:
        return self._id(place._replace(channel=channel, block=block))


_ODDITIES = (
    Oddities(late_channel=2, late_seconds=1500),
    Oddities(withheld=frozenset({(1, 4)})),
    Oddities(num_channels=3),
    Oddities(final_block=FinalBlock.NULL),
    Oddities(final_block=FinalBlock.NEVER),
    Oddities(final_block=FinalBlock.REPEATED),
    Oddities(block_gaps=frozenset({(2, 5)})),
    Oddities(text_sizes=True, text_quality=True),
    Oddities(without=frozenset({"Retransfer", "DownlinkStop", "DeliveryPushOK"})),
)
"""What an odd archive's sessions suffer from; the others that it has are long ids and retransfers."""
