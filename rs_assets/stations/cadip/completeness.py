"""Whether a downlink session is complete, judged from its item alone: pure, and the same wherever the item is.

Each delivery of the session is judged, then what original and retransfers give together. Three tests, the strongest
first:

* totals: on every channel the number of chunks and their volume equal what QualityInfo states;
* final blocks: each of NumChannels channels has its blocks without a gap, from 0 or 1 to one that is final;
* quiet: the downlink has ended, and no chunk has come, for some time.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise

from pystac import Asset, Item

from rs_assets.items.completeness import state_completeness
from rs_assets.items.times import parse_time
from rs_assets.stations.cadip.settings import Completeness, Sessions
from rs_assets.stations.chunks import FIRST_BLOCKS, Chunk

QUALITY = "cadip:quality"
RETRANSFER_QUALITY = "cadip:retransfer_quality"
"""Properties with what QualityInfo states of the original delivery and of the retransfer, channel by channel."""

SUPERSEDED_BY = "cadip:superseded_by"
"""On a chunk that was delivered again: the asset key of the delivery to be preferred."""

_SHOWN_GAPS = 5


@dataclass(frozen=True, slots=True)
class Totals:
    """What QualityInfo states of one channel."""

    chunks: int
    volume: int
    """Bytes."""


Quality = Mapping[int, Totals]
"""By channel."""


def stated(item: Item, lacking: Sequence[str]) -> Item:
    """A copy of a session's item that says what is missing from it, and which chunks have been delivered anew."""
    copy = item.clone()
    state_completeness(copy, "cadip", lacking)
    chunks = chunks_of(copy)
    preferred = {chunk.place: chunk.key for chunk in chunks}
    for chunk in chunks:
        fields = copy.assets[chunk.key].extra_fields
        fields.pop(SUPERSEDED_BY, None)
        if preferred[chunk.place] != chunk.key:
            fields[SUPERSEDED_BY] = preferred[chunk.place]
    return copy


def expected_chunks(item: Item) -> dict[int, int | None]:
    """How many chunks QualityInfo states of each channel; None where that is not known yet, as zero says."""
    rows = item.properties.get(QUALITY)
    facts = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    counts = {_count(each.get("channel")): _count(each.get("total_chunks")) or None for each in facts}
    return {channel: count for channel, count in counts.items() if channel is not None}


def missing(item: Item, rule: Sessions, now: datetime) -> tuple[str, ...]:
    """What keeps the session from being complete, in words; empty if it is complete."""
    chunks = chunks_of(item)
    if not chunks:
        return ("no chunk has been listed yet",)
    if rule.completeness is Completeness.OFF:
        return ()
    number = _count(item.properties.get("cadip:num_channels"))
    original, retransfer = _quality(item, QUALITY), _quality(item, RETRANSFER_QUALITY)
    lenient = rule.completeness is Completeness.LENIENT
    if lenient and now >= quiet_from(item, rule):
        return ()
    reasons: list[str] = []
    for delivery, quality in _judged(chunks, original, retransfer):
        reasons = _short_of_totals(delivery, quality, number) if quality else []
        if reasons and not lenient:
            continue
        if not quality or reasons:
            reasons = [*_short_of_final_blocks(delivery, number)]
        if not reasons:
            return ()
    return tuple(reasons)


def quiet_from(item: Item, rule: Sessions) -> datetime:
    """From when on nothing more is expected of the session (aware UTC)."""
    ends = [item.properties.get("end_datetime"), item.properties.get("published")]
    moments = [parse_time(end) for end in ends if isinstance(end, str)]
    moments += [chunk.published for chunk in chunks_of(item)]
    return max(moments, default=datetime.min.replace(tzinfo=UTC)) + rule.quiet_after


def chunks_of(item: Item) -> list[Chunk]:
    """The session's chunks in the order of their delivery: of two for one place, the later is to be preferred.

    Only a retransfer, or a file of the same name, is for the place of another one. Where files of several names say
    that they are one block, or a field contradicts the name, the block is unknown.
    """
    chunks = [_chunk(key, asset) for key, asset in item.assets.items()]
    names: dict[object, set[str | None]] = {}
    for chunk in chunks:
        if not chunk.is_retransfer:
            names.setdefault(chunk.place, set()).add(item.assets[chunk.key].title)
    known = [replace(chunk, block=None) if len(names.get(chunk.place, ())) > 1 else chunk for chunk in chunks]
    return sorted(known, key=lambda chunk: (chunk.is_retransfer, chunk.published, chunk.key))


def deliveries(chunks: Iterable[Chunk]) -> list[list[Chunk]]:
    """The chunks by delivery, the original first.

    A chunk for a place that the delivery has already belongs to the next one, whether it is called a retransfer or
    not.
    """
    rounds: Counter[tuple[bool, object]] = Counter()
    found: dict[tuple[bool, int], list[Chunk]] = {}
    for chunk in chunks:
        again = rounds[chunk.is_retransfer, chunk.place]
        rounds[chunk.is_retransfer, chunk.place] += 1
        found.setdefault((chunk.is_retransfer, again), []).append(chunk)
    return [found[key] for key in sorted(found)]


def _judged(
    chunks: Sequence[Chunk], original: Quality, retransfer: Quality
) -> Iterable[tuple[Sequence[Chunk], Quality]]:
    """What may be the whole session, each with the totals to hold it against; the most likely last."""
    separate = deliveries(chunks)
    for delivery in separate:
        own = retransfer if delivery[0].is_retransfer else original
        # The totals of a retransfer of some blocks say nothing of the session.
        stands_alone = _begins_it(delivery) and _chunks(own) >= _chunks(original)
        yield delivery, own if stands_alone else original
    if len(separate) > 1:
        whole = retransfer if _chunks(retransfer) >= _chunks(original) > 0 else original
        yield list({chunk.place: chunk for chunk in reversed(chunks)}.values()), original
        yield list({chunk.place: chunk for chunk in chunks}.values()), whole
        if whole is not original:
            yield list({chunk.place: chunk for chunk in chunks}.values()), original


def _short_of_totals(chunks: Iterable[Chunk], quality: Quality, channels: int | None) -> list[str]:
    by_channel = _by_channel(chunks)
    reasons = []
    if channels is not None and len(quality) < channels:
        reasons.append(f"QualityInfo of {channels - len(quality)} of {channels} channels")
    for channel, totals in sorted(quality.items()):
        found = by_channel.pop(channel, [])
        volume = sum(chunk.size or 0 for chunk in found)
        if len(found) != totals.chunks:
            gaps = _shown(_gaps(sorted({chunk.block for chunk in found if chunk.block is not None})))
            reasons.append(
                f"channel {channel}: {len(found)} of {totals.chunks} chunks" + (gaps and f", no block {gaps}")
            )
        elif volume != totals.volume:
            reasons.append(f"channel {channel}: {volume} of {totals.volume} bytes")
    unknown = [str(channel) for channel in by_channel]
    if unknown:
        reasons.append(f"QualityInfo of channel {', '.join(unknown)}")
    return reasons


def _short_of_final_blocks(chunks: Iterable[Chunk], channels: int | None) -> Iterable[str]:
    by_channel = _by_channel(chunks)
    if channels is None:
        yield "the number of channels, which the station does not state"
    elif len(by_channel) < channels:
        yield f"{channels - len(by_channel)} of {channels} channels"
    for channel, found in sorted(by_channel.items(), key=lambda entry: str(entry[0])):
        named = "a chunk's channel" if channel is None else f"channel {channel}"
        blocks = {chunk.block: chunk for chunk in found if chunk.block is not None}
        if channel is None or len(blocks) < len(found):
            yield f"{named}: the block number of {next(c.key for c in found if channel is None or c.block is None)}"
            continue
        gaps = _shown(_gaps(sorted(blocks)))
        if gaps:
            yield f"{named}: block {gaps}"
        if not blocks[max(blocks)].is_final:
            yield f"{named}: the final block, {max(blocks)} being the last so far"


def _shown(gaps: Iterable[str]) -> str:
    parts = list(gaps)
    return ", ".join(parts[:_SHOWN_GAPS]) + (" …" if len(parts) > _SHOWN_GAPS else "")


def _gaps(numbers: Sequence[int]) -> Iterable[str]:
    """The numbers that a channel lacks, in words, from the first that it should have to its last."""
    if not numbers:
        return
    before = numbers[0] - 1 if numbers[0] in FIRST_BLOCKS else 0
    for low, high in pairwise([before, *numbers]):
        if high > low + 1:
            yield str(low + 1) if high == low + 2 else f"{low + 1}-{high - 1}"


def _by_channel(chunks: Iterable[Chunk]) -> dict[int | None, list[Chunk]]:
    by_channel: dict[int | None, list[Chunk]] = {}
    for chunk in chunks:
        by_channel.setdefault(chunk.channel, []).append(chunk)
    return by_channel


def _begins_it(delivery: Iterable[Chunk]) -> bool:
    """Whether every channel of the delivery has the first block."""
    return all(
        any(chunk.block in FIRST_BLOCKS for chunk in of_channel) for of_channel in _by_channel(delivery).values()
    )


def _chunks(quality: Quality) -> int:
    return sum(totals.chunks for totals in quality.values())


def _quality(item: Item, name: str) -> Quality:
    """The totals that an item states; none where one of them is not known yet, as zero says."""
    stated = item.properties.get(name)
    found: dict[int, Totals] = {}
    for entry in stated if isinstance(stated, list) else []:
        facts = entry if isinstance(entry, dict) else {}
        channel, chunks, volume = (_count(facts.get(name)) for name in ("channel", "total_chunks", "total_volume"))
        if channel is None or not chunks or not volume:
            return {}
        found[channel] = Totals(chunks, volume)
    return found


def _chunk(key: str, asset: Asset) -> Chunk:
    fields = asset.extra_fields
    published = fields.get("published")
    return Chunk(
        key=key,
        channel=_count(fields.get("cadip:channel")),
        block=None if "cadip:contradiction" in fields else _count(fields.get("cadip:block_number")),
        is_final=fields.get("cadip:final_block") is True,
        size=_count(fields.get("file:size")),
        is_retransfer=fields.get("cadip:retransfer") is True,
        published=parse_time(published) if isinstance(published, str) else datetime.min.replace(tzinfo=UTC),
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
