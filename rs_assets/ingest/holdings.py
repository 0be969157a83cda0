"""What is known of files before any of them is touched: that the store has them, or that they are lost.

A session is staged while it grows, and searched every few seconds. Its chunks are large and the station vouches for
no checksum of theirs, so one that was staged is not read again: that the object has its size is enough, and the
digest that was computed while it passed is believed.
"""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from pystac import Item

from rs_assets.ingest.platform import Platform
from rs_assets.items.files import FileRecord, FileState, Order
from rs_assets.items.identity import object_key, source_id
from rs_assets.items.times import utc_now
from rs_assets.settings import Policy, Station
from rs_assets.staging.staged_items import file_of
from rs_assets.state import StagedFile

_AT_ONCE = 16
"""Objects that are looked up at the same time."""

LOST = "the station has deleted it, and does not list it any more"


async def staged_before(
    platform: Platform, station: Station, collection: str, items: Sequence[Item]
) -> dict[str, FileRecord]:
    """The files that were staged before and whose object has kept its size, by object key.

    Where the station states a checksum the object is to be read and compared, and is not among them.
    """
    files = {
        key: file_of(collection, item, asset_key)
        for item, asset_key, key in _object_keys(collection, items)
        if item.assets[asset_key].extra_fields.get("file:checksum") is None
    }
    records = await asyncio.to_thread(platform.transfers.of, files)
    turns = asyncio.Semaphore(_AT_ONCE)

    async def found(key: str, staged: StagedFile) -> FileRecord | None:
        file, size = files[key], staged.file.size
        if size is None or staged.file.digest is None:
            return None
        if file.stated_size not in {None, size} and station.verification.size is Policy.STRICT:
            return None
        async with turns:
            stored = await platform.sink.find(key)
        if stored is None or stored.size != size:
            return None
        return replace(file, state=FileState.PRESENT, key=key, href=stored.href, size=size, digest=staged.file.digest)

    present = await asyncio.gather(*(found(key, staged) for key, staged in records.items()))
    return {file.object_key: file for file in present if file is not None}


def lost(collection: str, items: Iterable[Item], source_ids: Collection[str]) -> dict[str, FileRecord]:
    """The files of these source ids as evicted, by object key."""
    return {
        key: replace(file_of(collection, item, asset_key), state=FileState.EVICTED, reason=LOST, warnings=())
        for item, asset_key, key in _object_keys(collection, items)
        if source_id(item, asset_key) in source_ids
    }


def still_ordered(collection: str, items: Iterable[Item], orders: Mapping[str, Order]) -> dict[str, FileRecord]:
    """The files whose order is not to be looked at yet, by object key."""
    now = utc_now()
    return {
        key: replace(
            file_of(collection, item, asset_key),
            state=FileState.ORDERED,
            reason=f"ordered as {orders[key].id}",
            order=orders[key],
            warnings=(),
        )
        for item, asset_key, key in _object_keys(collection, items)
        if key in orders and orders[key].look_again_at > now
    }


def _object_keys(collection: str, items: Iterable[Item]) -> Iterator[tuple[Item, str, str]]:
    for item in items:
        for asset_key in item.assets:
            try:
                key = object_key(collection, item, asset_key)
            except ValueError:
                continue  # staging says what is wrong with it
            yield item, asset_key, key
