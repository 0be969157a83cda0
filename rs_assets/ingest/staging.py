"""The second step: move what the catalogue lacks into the store, and record what became of every file."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pystac import Item

from rs_assets.catalog.publication import Standing, classify, published_item
from rs_assets.ingest.holdings import LOST, lost, staged_before
from rs_assets.ingest.ledger import Ledger, known_evictions, record_staging
from rs_assets.ingest.manifest import FileStatus, Manifest, ManifestFile, manifest_path
from rs_assets.ingest.platform import Platform
from rs_assets.ingest.search_results import SearchResults
from rs_assets.ingest.sessions import SessionStanding, as_staged, publishable, standings_of
from rs_assets.items.completeness import is_complete
from rs_assets.items.growth import aligned, keys_by_source
from rs_assets.items.identity import grows, source_id
from rs_assets.items.times import utc_now
from rs_assets.settings import Retries, Station
from rs_assets.staging.items import stage_items
from rs_assets.staging.progress import Progress
from rs_assets.staging.report import FileOutcome, ItemOutcome, StagingReport
from rs_assets.staging.sinks import Sink
from rs_assets.staging.sources import Source
from rs_assets.staging.transfer import TransferStatus
from rs_assets.stations.registry import judge

_FILE_STATUSES = {
    TransferStatus.STAGED: FileStatus.STAGED,
    TransferStatus.PRESENT: FileStatus.PRESENT,
    TransferStatus.FAILED: FileStatus.FAILED,
    TransferStatus.EVICTED: FileStatus.EVICTED,
}


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

    files: tuple[ManifestFile, ...]
    items: tuple[Item, ...]
    """The items that are ready for the catalogue and that it lacks, as it shall hold them."""
    sessions: tuple[SessionStanding, ...]
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
    progress: Progress | None = None,
) -> Manifest:
    """Stage what the catalogue lacks of a partition, and keep the manifest in the store.

    Files that fail are in the manifest and in the state; they raise nothing.

    Raises:
        StoreError, CatalogError, StateError: store, catalogue or state cannot be used.
    """
    partition = results.partition
    collection = station.collection_of(partition.mission)
    began = utc_now()
    staged = await stage_lacking(
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


async def stage_lacking(
    platform: Platform,
    source: Source,
    station: Station,
    collection: str,
    items: Sequence[Item],
    *,
    options: StagingOptions,
    ledger: Ledger,
    evicted: Collection[str] = (),
    progress: Progress | None = None,
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
    wanted, settled = _sorted_out(standings, gone, options)
    known: dict[str, FileOutcome] = {}
    if not options.force:
        known = lost(collection, wanted, gone) | await staged_before(platform, station, collection, wanted)
    retries = station.retries
    if options.attempts is not None:
        retries = Retries(**(retries.model_dump() | {"attempts": options.attempts}))
    async with platform.writable_sink() as sink:
        report = await stage_items(
            wanted,
            collection=collection,
            source=source,
            sink=sink,
            verification=station.verification,
            retries=retries,
            concurrency=station.concurrency,
            selected_assets=options.selected_assets,
            limit=options.limit,
            known=known,
            progress=progress,
        )
    files = (*_outcomes(wanted, report), *settled)
    ready = _ready_items(wanted, report, station, collection)
    sessions = _sessions([item for item, _ in standings], wanted, report)
    await asyncio.to_thread(record_staging, platform, station, collection, files, ledger)
    return Staged(files, ready, sessions, report.seconds)


def _standings(
    platform: Platform, station: Station, collection: str, items: Sequence[Item]
) -> list[tuple[Item, Standing]]:
    """How the items stand to the catalogue; what grows has its files under the keys that the catalogue gives them."""
    held = {item.id: platform.catalog.get(collection, item.id) for item in items if grows(item)}
    named = []
    for item in items:
        known = held.get(item.id)
        renamed = item if known is None else aligned(item, keys_by_source(known))
        if renamed is not item:
            judge(station, renamed, utc_now())
        named.append(renamed)
    standings = []
    for item, standing in classify(platform.catalog, collection, named):
        known = held.get(item.id)
        is_news = known is not None and is_complete(known) is not is_complete(item)
        standings.append((item, Standing.CHANGED if is_news and standing is Standing.PUBLISHED else standing))
    return standings


async def _missing_objects(
    platform: Platform, collection: str, standings: Sequence[tuple[Item, Standing]]
) -> list[tuple[Item, Standing]]:
    """The standings, where an item whose object has vanished or changed its size counts as changed."""
    ids = {item.id for item, standing in standings if standing is Standing.PUBLISHED}
    published = await asyncio.to_thread(platform.catalog.existing, collection, ids)
    checked = []
    for item, standing in standings:
        if standing is Standing.PUBLISHED:
            assets = published[item.id].assets.values() if item.id in published else ()
            whole = [await object_is_there(platform.sink, asset.href, asset.size) for asset in assets]
            standing = standing if all(whole) else Standing.CHANGED  # noqa: PLW2901
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
    standings: Sequence[tuple[Item, Standing]], gone: set[str], options: StagingOptions
) -> tuple[list[Item], list[ManifestFile]]:
    """The items to stage, and the files of the others, whose outcome is known at once."""
    wanted: list[Item] = []
    settled: list[ManifestFile] = []
    for item, standing in standings:
        stage = standing.to_publish or (options.force and standing is Standing.PUBLISHED)
        if stage and (not _are_all_in(item, gone) or options.force):
            wanted.append(item)
        elif stage:
            settled += _files(item, FileStatus.EVICTED, LOST)
        elif standing is Standing.CLASH:
            reason = f"another product has the item id {item.id}; set item_id: name for this station"
            settled += _files(item, FileStatus.CLASH, reason)
        else:
            skipped = standing is Standing.PUBLISHED
            settled += _files(item, FileStatus.SKIPPED if skipped else FileStatus.SUPERSEDED)
    return wanted, settled


def _are_all_in(item: Item, source_ids: Collection[str]) -> bool:
    return bool(item.assets) and all(source_id(item, key) in source_ids for key in item.assets)


def _files(item: Item, status: FileStatus, reason: str | None = None) -> list[ManifestFile]:
    return [
        ManifestFile(item.id, key, source_id(item, key), status, asset.href, reason=reason)
        for key, asset in item.assets.items()
    ]


def _outcomes(wanted: Sequence[Item], report: StagingReport) -> list[ManifestFile]:
    """The files of the items that were to be staged."""
    staged = list(zip(wanted, report.items, strict=False))  # the limit may have left some out
    files = [_file(item, file) for item, outcome in staged for file in outcome.files]
    files += [file for item, outcome in staged if not outcome.files for file in _lacking(item)]
    files += [file for item in wanted[len(staged) :] for file in _files(item, FileStatus.POSTPONED)]
    return files


def _ready_items(wanted: Sequence[Item], report: StagingReport, station: Station, collection: str) -> tuple[Item, ...]:
    """The items that are ready for the catalogue, as it shall hold them."""
    pairs = zip(wanted, report.items, strict=False)
    ready = ((publishable(item, outcome, station), outcome) for item, outcome in pairs)
    return tuple(_ready(item, outcome, collection) for item, outcome in ready if item is not None)


def _sessions(items: Sequence[Item], wanted: Sequence[Item], report: StagingReport) -> tuple[SessionStanding, ...]:
    staged = {item.id: as_staged(item, outcome) for item, outcome in zip(wanted, report.items, strict=False)}
    return standings_of(staged.get(item.id, item) for item in items)


def _lacking(item: Item) -> list[ManifestFile]:
    """What is to be said of an item that has nothing to stage."""
    return _files(item, FileStatus.FAILED, f"it is none of the selected assets; the item has {', '.join(item.assets)}")


def _file(item: Item, outcome: FileOutcome) -> ManifestFile:
    return ManifestFile(
        item_id=item.id,
        asset=outcome.asset_key,
        source_id=source_id(item, outcome.asset_key),
        status=_FILE_STATUSES[outcome.status],
        source_href=item.assets[outcome.asset_key].href,
        key=outcome.key,
        size=outcome.size,
        checksum=outcome.digest.multihash if outcome.digest else None,
        reason=outcome.reason,
        attempts=outcome.attempts,
        moved=outcome.moved,
        resumed=outcome.resumed,
        seconds=round(outcome.seconds, 3),
        warnings=outcome.warnings,
    )


def _ready(item: Item, outcome: ItemOutcome, collection: str) -> Item:
    """The item as the catalogue shall hold it: it states size and digest of the object that it points at."""
    stated = item.clone()
    for file in outcome.files:
        if not file.in_store:
            continue
        fields = stated.assets[file.asset_key].extra_fields
        fields["file:size"] = file.size
        if file.digest is not None:
            fields["file:checksum"] = file.digest.multihash
    return published_item(stated, collection, outcome.hrefs)
