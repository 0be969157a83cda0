"""The second step: move what the catalogue lacks into the store, and record what became of every file."""

import asyncio
import mimetypes
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from pystac import Asset, Item

from rs_assets.catalog.publication import PublicationState, published_item
from rs_assets.ingest.holdings import LOST, known_files, publication_states, with_vanished_objects
from rs_assets.ingest.job import IngestJob
from rs_assets.ingest.manifest import FORM, Manifest, manifest_path
from rs_assets.ingest.search_results import SearchResults
from rs_assets.ingest.sessions import SessionSummary, publishable, summaries_of
from rs_assets.items.files import FileRecord, FileState
from rs_assets.items.identity import UNPACKED_FROM, source_id_fields
from rs_assets.items.times import utc_now
from rs_assets.settings import Station
from rs_assets.staging.messages import Progress, unobserved
from rs_assets.staging.sources import Source
from rs_assets.staging.staged_items import StagedItem, files_of, stage_items

_MEDIA_TYPES = mimetypes.MimeTypes()
"""Those of Python itself: what this machine knows besides must not change an item."""


@dataclass(frozen=True, slots=True)
class StagingOptions:
    """What one run may ask for."""

    limit: int | None = None
    """Most items of a partition to stage; the others wait for a later run."""
    attempts: int | None = None
    """How often a request is tried, instead of the station's setting."""
    force: bool = False
    """Look at every file again, those too that the catalogue has: read and verify it, and fetch it where wrong."""
    selected_assets: tuple[str, ...] | None = None
    """Asset keys to stage; every asset where None."""


@dataclass(frozen=True)
class Staged:
    """What staging did for some items."""

    files: tuple[FileRecord, ...]
    items: tuple[Item, ...]
    """The items that are ready for the catalogue and that it lacks, as it shall hold them."""
    sessions: tuple[SessionSummary, ...]
    """How far each session has come."""
    seconds: float


async def stage_partition(
    job: IngestJob, source: Source, results: SearchResults, options: StagingOptions, progress: Progress
) -> Manifest:
    """Stage what the catalogue lacks of a partition, and keep the manifest in the store.

    Files that fail are in the manifest and in the state; they raise nothing.

    Raises:
        StoreError, CatalogError, StateError: store, catalogue or state cannot be used.
    """
    name, partition = job.station.name, results.partition
    collection = job.station.collection_of(partition.mission)
    path = manifest_path(name, partition)
    await asyncio.to_thread(FORM.refuse_newer, job.platform.documents, path)
    began = utc_now()
    staged = await stage_missing(
        job, source, collection, results.station_items, options, evicted=results.evicted, progress=progress
    )
    manifest = Manifest(name, partition, collection, began, staged.seconds, staged.files, staged.items, staged.sessions)
    await asyncio.to_thread(job.platform.documents.write, path, manifest.to_dict())
    return manifest


async def stage_missing(
    job: IngestJob,
    source: Source,
    collection: str,
    items: Iterable[Item],
    options: StagingOptions,
    *,
    evicted: Collection[str] = (),
    progress: Progress = unobserved,
) -> Staged:
    """Stage the files of those items that the catalogue lacks in a collection, and record what became of each.

    Args:
        job: for whom, and where.
        source: where the files are read from, already entered.
        collection: where the items will be published.
        items: the station's items.
        options: what the run asks for.
        evicted: source ids of the files that the station does not list any more.
        progress: called with what happens.

    Raises:
        StoreError, CatalogError, StateError: store, catalogue or state cannot be used.
    """
    platform, station = job.platform, job.station
    states = await asyncio.to_thread(publication_states, platform, station, collection, items)
    if not options.force:
        states = await with_vanished_objects(platform, collection, states)
    gone = await asyncio.to_thread(job.known_evictions, evicted)
    wanted, settled = _sorted_out(collection, states, gone, options)
    chosen = wanted[: options.limit]
    orders = await asyncio.to_thread(platform.orders.of, collection, {item.id for item in chosen})
    known = {}
    if not options.force:
        known = await known_files(platform, station, collection, chosen, gone=gone, orders=orders)
    begun = time.monotonic()
    staged = await stage_items(
        chosen,
        collection,
        source,
        platform.sink,
        _with_attempts(station, options.attempts),
        selected_assets=options.selected_assets,
        known=known,
        orders=orders,
        record_order=job.record_order,
        progress=progress,
    )
    seconds = time.monotonic() - begun
    files = (
        *(file for each in staged for file in each.files or _unselected(collection, each.item)),
        *(file for item in wanted[len(chosen) :] for file in _in_state(FileState.POSTPONED, collection, item)),
        *settled,
    )
    now = utc_now()
    sessions = summaries_of((item for item, _ in states), station, now, staged)
    await asyncio.to_thread(job.record_staging, files)
    ready = ((publishable(each, station, now), each) for each in staged)
    catalogued = tuple(_as_catalogued(item, each, collection) for item, each in ready if item is not None)
    return Staged(files, catalogued, sessions, seconds)


def _with_attempts(station: Station, attempts: int | None) -> Station:
    """The station with what the run asks for instead of its setting."""
    if attempts is None:
        return station
    return station.model_copy(update={"retries": station.retries.model_copy(update={"attempts": attempts})})


def _sorted_out(
    collection: str, states: Sequence[tuple[Item, PublicationState]], gone: set[str], options: StagingOptions
) -> tuple[list[Item], list[FileRecord]]:
    """The items to stage, and the files of the others, whose state is known at once."""
    wanted: list[Item] = []
    settled: list[FileRecord] = []
    for item, state in states:
        is_lost = bool(item.assets) and all(file.source_id in gone for file in files_of(collection, item))
        stage = state.to_publish or (options.force and state is PublicationState.PUBLISHED)
        if stage and (options.force or not is_lost):
            wanted.append(item)
        elif stage:
            settled += _in_state(FileState.EVICTED, collection, item, LOST)
        elif state is PublicationState.CLASH:
            reason = f"another product has the item id {item.id}; set item_id: name for this station"
            settled += _in_state(FileState.CLASH, collection, item, reason)
        else:
            skipped = state is PublicationState.PUBLISHED
            settled += _in_state(FileState.SKIPPED if skipped else FileState.SUPERSEDED, collection, item)
    return wanted, settled


def _in_state(state: FileState, collection: str, item: Item, reason: str | None = None) -> list[FileRecord]:
    """The files of an item that are not staged, each in this state."""
    return [replace(file, state=state, reason=reason, warnings=()) for file in files_of(collection, item)]


def _unselected(collection: str, item: Item) -> list[FileRecord]:
    """The files of an item that has none of the selected assets."""
    reason = f"it is none of the selected assets; the item has {', '.join(item.assets)}"
    return _in_state(FileState.FAILED, collection, item, reason)


def _as_catalogued(item: Item, staged: StagedItem, collection: str) -> Item:
    """The item as the catalogue shall hold it: it states size and digest of the object that it points at."""
    stated = item.clone()
    for file in staged.files:
        if not file.state.in_store or file.asset not in stated.assets:
            continue
        fields = stated.assets[file.asset].extra_fields
        fields["file:size"] = file.size
        if file.digest is not None:
            fields["file:checksum"] = file.digest.multihash
        for member in file.members:
            stated.add_asset(member.asset, _unpacked(member, file.asset, stated.assets[file.asset]))
    return published_item(stated, collection, staged.hrefs)


def _unpacked(member: FileRecord, packed: str, asset: Asset) -> Asset:
    """The asset of a file that was inside another: it is of the same publication."""
    fields = {name: asset.extra_fields[name] for name in source_id_fields() if name in asset.extra_fields}
    fields |= {UNPACKED_FROM: packed, "file:size": member.size, "file:checksum": member.checksum}
    media_type, _ = _MEDIA_TYPES.guess_type(member.asset)
    return Asset(str(member.href), media_type=media_type, roles=list(asset.roles or ()), extra_fields=fields)
