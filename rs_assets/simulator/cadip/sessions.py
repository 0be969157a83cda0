"""A downlink session and its files: all that will ever be known of them, with the times at which it becomes known."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from hashlib import blake2b

from rs_assets.simulator.cadip.oddities import NOTHING_ODD, FinalBlock, Oddities

NEVER = datetime.max.replace(tzinfo=UTC)
"""When a file is published that is withheld."""


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """A file of a session: one block of one channel."""

    id: str
    name: str
    channel: int
    place: int
    """Its place in the channel, from one; ``number`` is what the station calls it."""
    number: int
    final: bool | None
    published: datetime
    size: int
    """In bytes."""
    key: bytes = field(repr=False)
    content_type: str = "application/octet-stream"


@dataclass(frozen=True, kw_only=True)
class Session:
    """One transfer of what a satellite sent down in one pass. All times are aware UTC."""

    id: str
    session_id: str
    satellite: str
    station: str
    """The station's identifier, such as ``MPS``."""
    unit: str
    orbit: int
    start: datetime
    """Of the downlink; ``stop`` is its end."""
    stop: datetime
    begun: datetime
    """From when on files are made: the downlink's start, or the start of a retransfer; for ``pace`` of time."""
    pace: timedelta
    lag: timedelta
    """From the moment when a file is complete to its publication; the session is published so long after ``begun``."""
    blocks: tuple[int, ...]
    """How many files each channel has."""
    chunk_size: int
    """Bytes in each file but the last."""
    last_size: int | None = None
    """Bytes in the last file of each channel; None makes one up that is smaller than the others."""
    retransfer: bool = False
    key: bytes = field(repr=False)
    """What the bytes of its files are made from."""
    identify: Callable[[int, int], str] = field(repr=False, compare=False)
    """Gives the id of the file at a place of a channel."""
    oddities: Oddities = NOTHING_ODD
    released: datetime | None = None
    """When its withheld files were published."""

    @property
    def published(self) -> datetime:
        """When the session is first listed."""
        return _milliseconds(self.begun + self.lag)

    @cached_property
    def chunks(self) -> tuple[Chunk, ...]:
        """All its files, the withheld ones, too, channel by channel."""
        return tuple(
            self._chunk(channel, place) for channel, count in enumerate(self.blocks, 1) for place in range(1, count + 1)
        )

    def chunk(self, file_id: str) -> Chunk | None:
        """The file with an id."""
        return self._by_id.get(file_id)

    @cached_property
    def _by_id(self) -> dict[str, Chunk]:
        return {chunk.id: chunk for chunk in self.chunks}

    @cached_property
    def delivered(self) -> datetime:
        """When its last file is published, of those that are not withheld."""
        # In a channel the last file is the latest, which spares making the others.
        lasts = [self._chunk(channel, count) for channel, count in enumerate(self.blocks, 1)]
        known = self.chunks if self.oddities.withheld else lasts
        return max((chunk.published for chunk in known if chunk.published != NEVER), default=self.published)

    def channel(self, number: int) -> list[Chunk]:
        """The files of a channel, in order."""
        return [chunk for chunk in self.chunks if chunk.channel == number]

    def _chunk(self, channel: int, place: int) -> Chunk:
        key = blake2b(f"{channel}/{place}".encode(), digest_size=32, key=self.key).digest()
        last = self.blocks[channel - 1]
        number = place + sum(gap[0] == channel and gap[1] <= place for gap in self.oddities.block_gaps)
        name = f"DCS_{self.unit}_{self.session_id}_ch{channel}_DSDB_{number:05d}.raw"
        return Chunk(
            id=self.identify(channel, place),
            name=name,
            channel=channel,
            place=place,
            number=number,
            final=self._final(place, last),
            published=self._published(channel, place, key),
            size=self._last(key) if place == last else self.chunk_size,
            key=key,
        )

    def _last(self, key: bytes) -> int:
        if self.last_size is not None:
            return self.last_size
        return self.chunk_size * (64 + key[1] // 2) // 256

    def _final(self, place: int, last: int) -> bool | None:
        match self.oddities.final_block:
            case FinalBlock.NULL:
                return None
            case FinalBlock.NEVER:
                return False
            case FinalBlock.REPEATED:
                return place >= last - 1
            case _:
                return place == last

    def _published(self, channel: int, place: int, key: bytes) -> datetime:
        # The channels take turns: each is a little behind the one before it.
        step = self.pace / self.blocks[channel - 1]
        behind = step * ((channel - 1) / len(self.blocks) + key[0] / 256 * 0.3)
        moment = self.begun + self.lag + step * place + behind
        if channel == self.oddities.late_channel:
            moment += timedelta(seconds=self.oddities.late_seconds)
        if (channel, place) in self.oddities.withheld:
            moment = NEVER if self.released is None else max(moment, self.released)
        return moment if moment == NEVER else _milliseconds(moment)


def _milliseconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
