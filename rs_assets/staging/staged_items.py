"""Staging items: their selected assets become objects of the store."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from pystac import Asset, Item

from rs_assets.items.files import FileRecord, FileState, Order
from rs_assets.items.identity import safe_segment, source_id
from rs_assets.items.multihash import Digest
from rs_assets.settings import Station
from rs_assets.staging.contents import unpack_files
from rs_assets.staging.engine import RecordOrder, stage_files
from rs_assets.staging.messages import Progress, unobserved
from rs_assets.staging.sources import Source
from rs_assets.stations.fields import count_of
from rs_assets.store import Sink

_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class StagedItem:
    """An item, and what has become of its selected assets."""

    item: Item
    """As the station's search gave it."""
    files: tuple[FileRecord, ...]
    """One for each selected asset that the item has."""

    @property
    def is_complete(self) -> bool:
        """Whether every selected asset is in the store; an item without one is never complete."""
        return bool(self.files) and all(file.state.in_store for file in self.files)

    @property
    def hrefs(self) -> dict[str, str]:
        """Where the objects are, by asset key."""
        return {file.asset: file.href for file in self.files if file.href is not None}


async def stage_items(
    items: Sequence[Item],
    collection: str,
    source: Source,
    sink: Sink,
    station: Station,
    *,
    selected_assets: Collection[str] | None = None,
    known: Mapping[str, FileRecord] = _NOTHING,
    orders: Mapping[str, Order] = _NOTHING,
    record_order: RecordOrder | None = None,
    progress: Progress = unobserved,
) -> list[StagedItem]:
    """Move the items' files into the store, and unpack them as the station's settings say.

    Args:
        items: the items, as the station's search gave them; they are not changed.
        collection: the collection that they will be published in; it begins the object keys.
        source: where the files are read from, already entered.
        sink: where they go.
        station: whose settings count.
        selected_assets: asset keys to stage; every asset where None.
        known: files whose state is certain without touching them, by object key.
        orders: orders that have been placed for files, by object key.
        record_order: called with each file that has been ordered.
        progress: called with what happens.

    Returns:
        One for each item, in their order.

    Raises:
        StoreError: the sink could not be prepared.
    """
    plans = [
        [
            _planned(file, known, orders)
            for file in files_of(collection, item)
            if selected_assets is None or file.asset in selected_assets
        ]
        for item in items
    ]
    wanted = [file for plan in plans for file in plan if file.state is FileState.POSTPONED]
    staged = iter(await stage_files(wanted, source, sink, station, record_order=record_order, progress=progress))
    ended = [next(staged) if file.state is FileState.POSTPONED else file for plan in plans for file in plan]
    taken = {(item.id, key) for item in items for key in item.assets}
    files = iter(await unpack_files(ended, sink, station, taken=taken, progress=progress))
    return [StagedItem(item, tuple(islice(files, len(plan)))) for item, plan in zip(items, plans, strict=True)]


def files_of(collection: str, item: Item) -> list[FileRecord]:
    """What the station states of each file of an item."""
    files = []
    for key, asset in item.assets.items():
        digests, warnings = _stated_digests(asset)
        files.append(
            FileRecord(
                collection=collection,
                item_id=item.id,
                asset=key,
                source_id=source_id(item, key),
                source_href=asset.get_absolute_href() or asset.href,
                stated_size=count_of(asset.extra_fields.get("file:size")),
                stated_digests=digests,
                warnings=warnings,
            )
        )
    return files


def _planned(file: FileRecord, known: Mapping[str, FileRecord], orders: Mapping[str, Order]) -> FileRecord:
    """A file still to be staged, or with the state that is known of it already."""
    try:
        for segment in (file.collection, file.item_id, file.source_id, file.asset):
            safe_segment(segment)
    except ValueError as error:
        return replace(file, state=FileState.FAILED, reason=str(error))
    return known.get(file.object_key) or replace(file, order=orders.get(file.object_key))


def _stated_digests(asset: Asset) -> tuple[tuple[Digest, ...], tuple[str, ...]]:
    checksum = asset.extra_fields.get("file:checksum")
    if checksum is None:
        return (), ()
    try:
        return (Digest.from_multihash(str(checksum)),), ()
    except ValueError as error:
        return (), (f"the checksum that the station states cannot be compared: {error}",)
