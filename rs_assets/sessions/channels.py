"""The chunks of a session, channel by channel."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from pystac import Item

from rs_assets.stations.cadip.completeness import FIRST_BLOCKS, QUALITY, SUPERSEDED_BY, Chunk, chunks_of


class Fate(Enum):
    """What became of one chunk."""

    STAGED = auto()
    """It is in the store."""
    WAITING = auto()
    """It has not been staged yet."""
    FAILED = auto()
    """It could not be staged."""
    LOST = auto()
    """The station deleted it before it was staged."""


@dataclass(frozen=True, slots=True)
class Channel:
    """The chunks of one channel."""

    number: int | None
    """None for the chunks that do not say theirs."""
    chunks: int
    """That the station has shown, without those that came again."""
    expected: int | None
    """That there should be, as QualityInfo states; None where it does not."""
    size: int
    """Bytes of all of them, those that came again included, as far as the station states them."""
    blocks: tuple[tuple[int, int], ...]
    """The block numbers, as stretches without a gap."""
    has_final: bool
    """Whether the last block is marked as the final one."""
    again: int
    """Chunks that came again, in a retransfer."""
    staged: int
    """In the store, those that came again included; so are the next three."""
    waiting: int
    failed: int
    lost: int

    @property
    def is_contiguous(self) -> bool:
        """Whether no block is missing from the first, which is 0 or 1, to the last."""
        return not self.blocks or (len(self.blocks) == 1 and self.blocks[0][0] in FIRST_BLOCKS)


def channels_of(session: Item, fates: Mapping[str, Fate]) -> tuple[Channel, ...]:
    """The session's channels, in their order.

    Args:
        session: its item.
        fates: what became of each chunk, by asset key.
    """
    by_channel: dict[int | None, list[Chunk]] = {number: [] for number in _stated(session)}
    for chunk in chunks_of(session):
        by_channel.setdefault(chunk.channel, []).append(chunk)
    ordered = sorted(by_channel, key=lambda number: (number is None, number or 0))
    return tuple(_channel(session, number, by_channel[number], fates) for number in ordered)


def _channel(session: Item, number: int | None, chunks: Sequence[Chunk], fates: Mapping[str, Fate]) -> Channel:
    blocks = {chunk.block: chunk for chunk in chunks if chunk.block is not None}
    replaced = sum(SUPERSEDED_BY in session.assets[chunk.key].extra_fields for chunk in chunks)
    counts = {fate: sum(fates[chunk.key] is fate for chunk in chunks) for fate in Fate}
    return Channel(
        number=number,
        chunks=len(chunks) - replaced,
        expected=_stated(session).get(number),
        size=sum(chunk.size or 0 for chunk in chunks),
        blocks=tuple(_stretches(sorted(blocks))),
        has_final=any(chunk.is_final and chunk.block == max(blocks) for chunk in chunks if blocks),
        again=replaced,
        staged=counts[Fate.STAGED],
        waiting=counts[Fate.WAITING],
        failed=counts[Fate.FAILED],
        lost=counts[Fate.LOST],
    )


def _stated(session: Item) -> dict[int | None, int | None]:
    """The chunks that each channel should have, where QualityInfo says it; zero stands for not known yet."""
    rows = session.properties.get(QUALITY)
    stated: dict[int | None, int | None] = {}
    for row in rows if isinstance(rows, list) else ():
        number, total = (row.get(name) if isinstance(row, dict) else None for name in ("channel", "total_chunks"))
        if isinstance(number, int):
            stated[number] = total if isinstance(total, int) and total > 0 else None
    return stated


def _stretches(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    first = last = None
    for number in numbers:
        if first is None or last is None:
            first = last = number
        elif number == last + 1:
            last = number
        else:
            yield first, last
            first = last = number
    if first is not None and last is not None:
        yield first, last
