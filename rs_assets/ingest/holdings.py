"""What catalogue, store and state have of items before any of their files is touched.

A session is staged while it grows, and searched every few seconds. Its chunks are large and the station vouches for
no checksum of theirs, so one that was staged is not read again: that the object has its size is enough, and the
digest that was computed while it passed is believed.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from pystac import Item

from rs_assets.catalog.publication import PublicationState, classify
from rs_assets.ingest.platform import Platform
from rs_assets.items.completeness import is_complete
from rs_assets.items.files import FileRecord, FileState, Order
from rs_assets.items.growth import aligned, keys_by_source
from rs_assets.items.times import utc_now
from rs_assets.settings import Policy, Station
from rs_assets.staging.staged_items import files_of
from rs_assets.state import StagedFile
from rs_assets.stations.registry import interface_of
from rs_assets.store import Sink

_AT_ONCE = 16
"""Objects that are looked up at the same time."""

LOST = "the station has deleted it, and does not list it any more"


def publication_states(
    platform: Platform, station: Station, collection: str, items: Iterable[Item]
) -> list[tuple[Item, PublicationState]]:
    """What the catalogue has of each item; a session has its files under the keys that the catalogue gives them."""
    interface, now = interface_of(station), utc_now()
    if not interface.has_sessions:
        return classify(platform.catalog, collection, list(items))
    held: dict[str, Item] = {}
    named: list[Item] = []
    for item in items:
        known = platform.catalog.get(collection, item.id)
        if known is not None:
            held[item.id] = known
        named.append(item if known is None else aligned(item, keys_by_source(known)))
    states = []
    for item, state in classify(platform.catalog, collection, named, are_sessions=True):
        known = held.get(item.id)
        is_news = known is not None and is_complete(known) is bool(interface.missing(item, station, now))
        is_changed = is_news and state is PublicationState.PUBLISHED
        states.append((item, PublicationState.CHANGED if is_changed else state))
    return states


async def with_vanished_objects(
    platform: Platform, collection: str, states: Sequence[tuple[Item, PublicationState]]
) -> list[tuple[Item, PublicationState]]:
    """The states, where an item whose object has vanished or changed its size counts as changed."""
    ids = {item.id for item, state in states if state is PublicationState.PUBLISHED}
    published = await asyncio.to_thread(platform.catalog.existing, collection, ids)
    changed: set[str] = set()
    for item_id, entry in published.items():
        found = [await object_is_there(platform.sink, asset.href, asset.size) for asset in entry.assets.values()]
        changed |= set() if all(found) else {item_id}
    return [
        (item, PublicationState.CHANGED if item.id in changed and state is PublicationState.PUBLISHED else state)
        for item, state in states
    ]


async def object_is_there(sink: Sink, href: str, size: int | None) -> bool:
    """Whether an object of this size is where the href says; of a place outside of the store that is not believed."""
    key = sink.key_of(href)
    if key is None:
        return False
    found = await sink.find(key)
    return found is not None and (size is None or found.size == size)


async def known_files(
    platform: Platform,
    station: Station,
    collection: str,
    items: Iterable[Item],
    *,
    gone: Collection[str],
    orders: Mapping[str, Order],
) -> dict[str, FileRecord]:
    """The files whose state is certain without touching them, by object key.

    They are in the store, the station has lost them (the source ids `gone`), or their order is not to be looked at
    yet. Where the station states a checksum the object is to be read and compared, and is not among them.
    """
    files = {file.object_key: file for item in items for file in files_of(collection, item)}
    now = utc_now()
    known: dict[str, FileRecord] = {}
    for key, file in files.items():
        order = orders.get(key)
        if file.source_id in gone:
            known[key] = replace(file, state=FileState.EVICTED, reason=LOST, warnings=())
        elif order is not None and order.look_again_at > now:
            reason = f"ordered as {order.id}"
            known[key] = replace(file, state=FileState.ORDERED, reason=reason, order=order, warnings=())
    return known | await _staged_before(platform, station, files)


async def _staged_before(
    platform: Platform, station: Station, files: Mapping[str, FileRecord]
) -> dict[str, FileRecord]:
    """The files that were staged before and whose object has kept its size, by object key."""
    unstated = [key for key, file in files.items() if not (file.stated_digests or file.warnings)]
    records = await asyncio.to_thread(platform.transfers.of, unstated)
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
