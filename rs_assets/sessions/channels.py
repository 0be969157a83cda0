"""The chunks of a session, channel by channel."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from rs_assets.stations.chunks import FIRST_BLOCKS, Chunk


class ChunkState(Enum):
    """What has become of one chunk."""

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


def channels_of(
    chunks: Iterable[Chunk], expected: Mapping[int, int | None], states: Mapping[str, ChunkState]
) -> tuple[Channel, ...]:
    """A session's channels, in their order.

    Args:
        chunks: of the session.
        expected: how many chunks each channel should have, as the station states it; None where it does not.
        states: what has become of each chunk, by asset key.
    """
    by_channel: dict[int | None, list[Chunk]] = {number: [] for number in expected}
    for chunk in chunks:
        by_channel.setdefault(chunk.channel, []).append(chunk)
    return tuple(
        _channel(number, by_channel[number], None if number is None else expected.get(number), states)
        for number in sorted(by_channel, key=lambda number: (number is None, number or 0))
    )


def _channel(
    number: int | None, chunks: Sequence[Chunk], expected: int | None, states: Mapping[str, ChunkState]
) -> Channel:
    blocks = {chunk.block for chunk in chunks if chunk.block is not None}
    places = {chunk.place for chunk in chunks}
    counts = Counter(states[chunk.key] for chunk in chunks)
    return Channel(
        number=number,
        chunks=len(places),
        expected=expected,
        size=sum(chunk.size or 0 for chunk in chunks),
        blocks=tuple(_stretches(sorted(blocks))),
        has_final=any(chunk.is_final and chunk.block == max(blocks) for chunk in chunks if blocks),
        again=len(chunks) - len(places),
        staged=counts[ChunkState.STAGED],
        waiting=counts[ChunkState.WAITING],
        failed=counts[ChunkState.FAILED],
        lost=counts[ChunkState.LOST],
    )


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
