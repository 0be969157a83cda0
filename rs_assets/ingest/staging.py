"""The second step: move what the catalogue lacks into the store, and record what became of every file."""

import asyncio
import mimetypes
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from pystac import Asset, Item

from rs_assets.catalog.publication import PublicationState, classify, published_item
from rs_assets.ingest.holdings import LOST, lost, staged_before, still_ordered
from rs_assets.ingest.ledger import Ledger, known_evictions, record_order, record_staging
from rs_assets.ingest.manifest import Manifest, manifest_path
from rs_assets.ingest.platform import Platform
from rs_assets.ingest.search_results import SearchResults
from rs_assets.ingest.sessions import SessionSummary, publishable, summaries_of
from rs_assets.items.completeness import is_complete
from rs_assets.items.files import FileRecord, FileState
from rs_assets.items.growth import aligned, keys_by_source
from rs_assets.items.identity import UNPACKED_FROM, source_id, source_id_fields
from rs_assets.items.times import utc_now
from rs_assets.settings import Station
from rs_assets.staging.messages import Progress, unobserved
from rs_assets.staging.sources import Source
from rs_assets.staging.staged_items import StagedItem, file_of, stage_items
from rs_assets.stations.registry import interface_of
from rs_assets.store import Sink

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
    platform: Platform,
    source: Source,
    station: Station,
    results: SearchResults,
    *,
    options: StagingOptions,
    run_id: str | None,
    progress: Progress = unobserved,
) -> Manifest:
    """Stage what the catalogue lacks of a partition, and keep the manifest in the store.

    Files that fail are in the manifest and in the state; they raise nothing.

    Raises:
        StoreError, CatalogError, StateError: store, catalogue or state cannot be used.
    """
    partition = results.partition
    collection = station.collection_of(partition.mission)
    began = utc_now()
    staged = await stage_missing(
        platform,
        source,
        station,
        collection,
        results.station_items,
        evicted=results.evicted,
        options=options,
        ledger=Ledger(station.name, partition.key, run_id),
        progress=progress,
    )
    manifest = Manifest(
        station.name, partition, collection, began, staged.seconds, staged.files, staged.items, staged.sessions
    )
    await asyncio.to_thread(platform.documents.write, manifest_path(station.name, partition), manifest.to_dict())
    return manifest


async def stage_missing(
    platform: Platform,
    source: Source,
    station: Station,
    collection: str,
    items: Sequence[Item],
    *,
    options: StagingOptions,
    ledger: Ledger,
    evicted: Collection[str] = (),
    progress: Progress = unobserved,
) -> Staged:
    """Stage the files of those items that the catalogue lacks in a collection, and record what became of each.

    Args:
        platform: what to work on.
        source: where the files are read from, already entered.
        station: whose limits, patience and verification count.
        collection: where the items will be published.
        items: the station's items.
        options: what the run asks for.
        ledger: under which names the outcomes are recorded.
        evicted: source ids of the files that the station does not list any more.
        progress: told what happens.

    Raises:
        StoreError, CatalogError, StateError: store, catalogue or state cannot be used.
    """
    standings = await asyncio.to_thread(_standings, platform, station, collection, items)
    if not options.force:
        standings = await _missing_objects(platform, collection, standings)
    gone = await asyncio.to_thread(known_evictions, platform, ledger, evicted)
    wanted, settled = _sorted_out(collection, standings, gone, options)
    limit = len(wanted) if options.limit is None else options.limit
    chosen, left = wanted[:limit], wanted[limit:]
    orders = await asyncio.to_thread(platform.orders.of, collection, {item.id for item in chosen})
    known: dict[str, FileRecord] = {}
    if not options.force:
        known = (
            still_ordered(collection, chosen, orders)
            | lost(collection, chosen, gone)
            | await staged_before(platform, station, collection, chosen)
        )
    begun = time.monotonic()
    staged = await stage_items(
        chosen,
        collection,
        source,
        platform.sink,
        _as_asked(station, options),
        selected_assets=options.selected_assets,
        known=known,
        orders=orders,
        record_order=partial(record_order, platform, ledger),
        progress=progress,
    )
    seconds = time.monotonic() - begun
    files = (
        *(file for each in staged for file in each.files or _unselected(collection, each.item)),
        *(file for item in left for file in _settled(collection, item, FileState.POSTPONED)),
        *settled,
    )
    now = utc_now()
    sessions = summaries_of((item for item, _ in standings), station, now, staged)
    await asyncio.to_thread(record_staging, platform, station, files, ledger)
    return Staged(files, _ready_items(staged, station, collection, now), sessions, seconds)


def _as_asked(station: Station, options: StagingOptions) -> Station:
    """The station with what the run asks for instead of its settings."""
    if options.attempts is None:
        return station
    retries = station.retries.model_copy(update={"attempts": options.attempts})
    return station.model_copy(update={"retries": retries})


def _standings(
    platform: Platform, station: Station, collection: str, items: Sequence[Item]
) -> list[tuple[Item, PublicationState]]:
    """How the items stand to the catalogue; a session has its files under the keys that the catalogue gives them."""
    interface = interface_of(station)
    sessions = items if interface.has_sessions else ()
    held = {item.id: platform.catalog.get(collection, item.id) for item in sessions}
    named = []
    for item in items:
        known = held.get(item.id)
        named.append(item if known is None else aligned(item, keys_by_source(known)))
    standings, now = [], utc_now()
    for item, standing in classify(platform.catalog, collection, named, are_sessions=interface.has_sessions):
        known = held.get(item.id)
        is_news = known is not None and is_complete(known) is bool(interface.missing(item, station, now))
        is_published = standing is PublicationState.PUBLISHED
        standings.append((item, PublicationState.CHANGED if is_news and is_published else standing))
    return standings


async def _missing_objects(
    platform: Platform, collection: str, standings: Sequence[tuple[Item, PublicationState]]
) -> list[tuple[Item, PublicationState]]:
    """The standings, where an item whose object has vanished or changed its size counts as changed."""
    ids = {item.id for item, standing in standings if standing is PublicationState.PUBLISHED}
    published = await asyncio.to_thread(platform.catalog.existing, collection, ids)
    checked = []
    for item, standing in standings:
        if standing is PublicationState.PUBLISHED:
            assets = published[item.id].assets.values() if item.id in published else ()
            whole = [await object_is_there(platform.sink, asset.href, asset.size) for asset in assets]
            standing = standing if all(whole) else PublicationState.CHANGED  # noqa: PLW2901
        checked.append((item, standing))
    return checked


async def object_is_there(sink: Sink, href: str, size: int | None) -> bool:
    """Whether an object of this size is where the href says; one that lies in another store is believed."""
    key = sink.key_of(href)
    if key is None:
        return True
    found = await sink.find(key)
    return found is not None and (size is None or found.size == size)


def _sorted_out(
    collection: str, standings: Sequence[tuple[Item, PublicationState]], gone: set[str], options: StagingOptions
) -> tuple[list[Item], list[FileRecord]]:
    """The items to stage, and the files of the others, whose state is known at once."""
    wanted: list[Item] = []
    settled: list[FileRecord] = []
    for item, standing in standings:
        stage = standing.to_publish or (options.force and standing is PublicationState.PUBLISHED)
        if stage and (not _are_all_in(item, gone) or options.force):
            wanted.append(item)
        elif stage:
            settled += _settled(collection, item, FileState.EVICTED, LOST)
        elif standing is PublicationState.CLASH:
            reason = f"another product has the item id {item.id}; set item_id: name for this station"
            settled += _settled(collection, item, FileState.CLASH, reason)
        else:
            skipped = standing is PublicationState.PUBLISHED
            settled += _settled(collection, item, FileState.SKIPPED if skipped else FileState.SUPERSEDED)
    return wanted, settled


def _are_all_in(item: Item, source_ids: Collection[str]) -> bool:
    return bool(item.assets) and all(source_id(item, key) in source_ids for key in item.assets)


def _settled(collection: str, item: Item, state: FileState, reason: str | None = None) -> list[FileRecord]:
    """The files of an item that are not staged, each in this state."""
    files = (file_of(collection, item, key) for key in item.assets)
    return [replace(file, state=state, reason=reason, warnings=()) for file in files]


def _unselected(collection: str, item: Item) -> list[FileRecord]:
    """The files of an item that has none of the selected assets."""
    reason = f"it is none of the selected assets; the item has {', '.join(item.assets)}"
    return _settled(collection, item, FileState.FAILED, reason)


def _ready_items(staged: Sequence[StagedItem], station: Station, collection: str, now: datetime) -> tuple[Item, ...]:
    """The items that are ready for the catalogue, as it shall hold them."""
    ready = ((publishable(each, station, now), each) for each in staged)
    return tuple(_ready(item, each, collection) for item, each in ready if item is not None)


def _ready(item: Item, staged: StagedItem, collection: str) -> Item:
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
