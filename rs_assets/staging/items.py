"""Staging items: their selected assets become files of the store, and a report says which items are complete."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from pystac import Asset, Item

from rs_assets.items.identity import object_key
from rs_assets.items.multihash import Digest
from rs_assets.settings import Retries, Verification
from rs_assets.staging.engine import stage_files
from rs_assets.staging.progress import Progress
from rs_assets.staging.report import FileOutcome, ItemOutcome, StagingReport
from rs_assets.staging.sinks import Sink
from rs_assets.staging.sources import Source
from rs_assets.staging.transfer import Transfer, TransferStatus
from rs_assets.stations.fields import count_of


async def stage_items(
    items: Sequence[Item],
    *,
    collection: str,
    source: Source,
    sink: Sink,
    verification: Verification,
    retries: Retries,
    concurrency: int,
    selected_assets: Collection[str] | None = None,
    limit: int | None = None,
    known: Mapping[str, FileOutcome] | None = None,
    progress: Progress | None = None,
) -> StagingReport:
    """Move the items' files into the store; the items themselves are not changed.

    Args:
        items: the items, as the station's search gave them.
        collection: the collection that they will be published in; it begins the object keys.
        source: where the files are read from, already entered.
        sink: where they go.
        verification: what a wrong size or checksum means.
        retries: how often, and after which waits, a file is tried again.
        concurrency: most files at the same time.
        selected_assets: asset keys to stage; every asset where None.
        limit: most items to stage, the first ones; all where None.
        known: outcomes that are certain without touching the file, by object key.
        progress: told what happens.

    Raises:
        StoreError: the sink could not be prepared.
    """
    begun = time.monotonic()
    chosen = items[:limit]
    plans = [
        [
            _plan(collection, item, key, known or {})
            for key in item.assets
            if selected_assets is None or key in selected_assets
        ]
        for item in chosen
    ]
    outcomes = iter(
        await stage_files(
            [wish.transfer for plan in plans for wish in plan if isinstance(wish, _Wish)],
            source,
            sink,
            verification=verification,
            retries=retries,
            concurrency=concurrency,
            progress=progress,
        )
    )
    results = tuple(
        ItemOutcome(
            item.id,
            tuple(
                FileOutcome.of(wish.asset_key, next(outcomes), wish.warnings) if isinstance(wish, _Wish) else wish
                for wish in plan
            ),
        )
        for item, plan in zip(chosen, plans, strict=True)
    )
    return StagingReport(results, left_out=len(items) - len(chosen), seconds=time.monotonic() - begun)


@dataclass(frozen=True, slots=True)
class _Wish:
    asset_key: str
    transfer: Transfer
    warnings: tuple[str, ...]


def _plan(collection: str, item: Item, asset_key: str, known: Mapping[str, FileOutcome]) -> _Wish | FileOutcome:
    """The transfer of an asset's file, or at once its outcome where it cannot have a place in the store."""
    asset = item.assets[asset_key]
    try:
        key = object_key(collection, item, asset_key)
    except ValueError as error:
        return FileOutcome(asset_key, TransferStatus.FAILED, reason=str(error))
    if key in known:
        return known[key]
    digests, warnings = _digests(asset)
    href = asset.get_absolute_href() or asset.href
    return _Wish(asset_key, Transfer(key, href, _size(asset), digests), warnings)


def _size(asset: Asset) -> int | None:
    return count_of(asset.extra_fields.get("file:size"))


def _digests(asset: Asset) -> tuple[tuple[Digest, ...], tuple[str, ...]]:
    checksum = asset.extra_fields.get("file:checksum")
    if checksum is None:
        return (), ()
    try:
        return (Digest.from_multihash(str(checksum)),), ()
    except ValueError as error:
        return (), (f"the checksum that the station states cannot be compared: {error}",)
