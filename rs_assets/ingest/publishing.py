"""The third step: put the items whose files are verified into the catalogue, and collect what they replace."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from pystac import Item

from rs_assets.catalog.protocol import CollectionSpec, UpsertReport, UpsertResult, UpsertStatus
from rs_assets.errors import StoreError
from rs_assets.ingest.holdings import object_is_there
from rs_assets.ingest.job import IngestJob
from rs_assets.ingest.manifest import Manifest
from rs_assets.ingest.platform import Platform
from rs_assets.items.extensions import declare_extensions
from rs_assets.items.files import FileState
from rs_assets.items.growth import joined
from rs_assets.items.times import utc_now
from rs_assets.locks import exclusive
from rs_assets.settings import Station
from rs_assets.staging.contents import member_keys
from rs_assets.stations.registry import interface_of
from rs_assets.stations.window import Partition


@dataclass(frozen=True)
class Publication:
    """What publishing did for one partition."""

    collection: str
    report: UpsertReport
    total: int
    """Items of the collection afterwards."""
    collected: int
    """Objects of replaced publications that were removed."""

    def count(self, status: UpsertStatus) -> int:
        """How many items ended so."""
        return self.report.count(status)


async def publish_partition(job: IngestJob, manifest: Manifest) -> Publication:
    """Publish what the manifest says is complete.

    Raises:
        StoreError, CatalogError, StateError: store, catalogue or state cannot be used.
    """
    await _note_never_published(job.platform, manifest)
    spec = collection_spec(job.platform, job.station, manifest.partition.mission)
    return await publish_items(job, replace(spec, id=manifest.collection), manifest.items)


async def publish_items(job: IngestJob, spec: CollectionSpec, items: Sequence[Item]) -> Publication:
    """Publish items whose files are in the store, and collect what was replaced long enough ago.

    A session keeps the files that the catalogue has of it already. An item whose object is not in the store any more
    is not published. Items that the catalogue refuses are in the report and in the state; they raise nothing.

    Args:
        job: for whom, and where.
        spec: the collection, which is made if it does not exist.
        items: as the catalogue shall hold them.

    Raises:
        StoreError, CatalogError, StateError: store, catalogue or state cannot be used.
    """
    platform = job.platform
    await asyncio.to_thread(platform.catalog.ensure_collection, spec)
    whole, vanished = await _with_objects(platform, items)
    written = await asyncio.to_thread(_write, platform, job.station, spec.id, whole)
    report = UpsertReport(spec.id, (*written.results, *vanished))
    await asyncio.to_thread(job.record_publication, items, report)
    total = await asyncio.to_thread(platform.catalog.count, spec.id)
    return Publication(spec.id, report, total, collected=await collect_superseded(platform))


def kept_manifest(platform: Platform, station: Station, partition: Partition) -> Manifest:
    """The manifest of the last staging.

    Raises:
        StoreError: nothing has been staged for the partition yet, or its manifest cannot be read.
    """
    manifest = Manifest.read(platform.documents, station.name, partition)
    if manifest is None:
        raise StoreError(
            f"{station.name}: {partition.key} has not been staged; materialise {station.name}/staged_files first"
        )
    return manifest


async def collect_superseded(platform: Platform) -> int:
    """Remove the objects of publications that were replaced long enough ago; how many were removed."""
    keep = platform.settings.store.superseded_retention
    hrefs = await asyncio.to_thread(platform.superseded.noted_before, utc_now() - keep)
    if not hrefs:
        return 0
    keys = {href: key for href in hrefs if (key := platform.sink.key_of(href)) is not None}
    used = await asyncio.to_thread(_hrefs_of_the_items_of, platform, keys.values())
    removed = 0
    for href, key in keys.items():
        if href not in used:
            await platform.sink.delete(key)
            removed += 1
    await asyncio.to_thread(platform.superseded.forget, hrefs)
    return removed


def _hrefs_of_the_items_of(platform: Platform, keys: Iterable[str]) -> set[str]:
    """Where the files of those items are that can point at these objects: a key names its collection and item."""
    ids: dict[str, set[str]] = {}
    for key in keys:
        collection, _, rest = key.partition("/")
        ids.setdefault(collection, set()).add(rest.partition("/")[0])
    return {
        asset.href
        for collection, item_ids in ids.items()
        for item in platform.catalog.existing(collection, item_ids).values()
        for asset in item.assets.values()
    }


def collection_spec(platform: Platform, station: Station, mission: str) -> CollectionSpec:
    """The collection that a station's products of a mission belong to."""
    contents = interface_of(station).contents
    known = platform.settings.missions.get(mission)
    per_mission = "{mission}" in station.collection
    whose = known.constellation.title() if known and per_mission else "Copernicus"
    return CollectionSpec(
        id=station.collection_of(mission),
        title=f"{whose} {contents.title}",
        description=(
            f"{contents.description} of {whose}, as the ground-segment stations publish them: every file has been "
            "fetched whole and verified before its item was listed."
        ),
        keywords=(*((known.constellation,) if known and per_mission else ()), contents.keyword),
    )


async def _with_objects(platform: Platform, items: Sequence[Item]) -> tuple[list[Item], list[UpsertResult]]:
    """The items whose objects are in the store, and a result for each of the others."""
    whole: list[Item] = []
    vanished: list[UpsertResult] = []
    for item in items:
        missing = [
            key
            for key, asset in item.assets.items()
            if not await object_is_there(platform.sink, asset.href, asset.extra_fields.get("file:size"))
        ]
        if missing:
            reason = f"the object of {missing[0]} is not in the store any more; stage the partition again"
            vanished.append(UpsertResult(item.id, UpsertStatus.FAILED, reason))
        else:
            whole.append(item)
    return whole, vanished


def _write(platform: Platform, station: Station, collection: str, items: Sequence[Item]) -> UpsertReport:
    if not interface_of(station).has_sessions:
        _note_replaced(platform, collection, items)
        return platform.catalog.upsert(collection, items)
    _note_replaced(platform, collection, _with_what_is_held(platform, station, collection, items))
    _note_entering(platform, station, collection, items)
    # Two runs that have seen different files of one session must not undo each other's work.
    with exclusive(platform.locks, f"sessions/{collection}"):
        whole = _with_what_is_held(platform, station, collection, items)
        return platform.catalog.upsert(collection, whole, are_sessions=True)


def _with_what_is_held(platform: Platform, station: Station, collection: str, items: Sequence[Item]) -> list[Item]:
    """The items, each with those of its files that the catalogue has already."""
    whole = []
    for item in items:
        held = platform.catalog.get(collection, item.id)
        grown = item if held is None else joined(held, item)
        if len(grown.assets) > len(item.assets):
            grown = interface_of(station).stated(grown, station, utc_now())
        declare_extensions(grown)
        whole.append(grown)
    return whole


def _note_replaced(platform: Platform, collection: str, items: Sequence[Item]) -> None:
    """Note the objects that these items would replace, before they are: a crash in between forgets none."""
    new = {asset.href for item in items for asset in item.assets.values()}
    held = platform.catalog.existing(collection, {item.id for item in items})
    old = {asset.href for published in held.values() for asset in published.assets.values()}
    platform.superseded.note(old - new, at=utc_now())


def _note_entering(platform: Platform, station: Station, collection: str, sessions: Sequence[Item]) -> None:
    """Note the sessions for which a request may have to be filed, before they enter the catalogue."""
    settings = platform.settings
    needing = {settings.missions[name].constellation for name in settings.session_requests}
    ids = {session.id for session in sessions if session.properties.get("constellation") in needing}
    if ids:
        entering = ids - platform.catalog.existing(collection, ids).keys()
        platform.entries.note(station.name, collection, sorted(entering), at=utc_now())


async def _note_never_published(platform: Platform, manifest: Manifest) -> None:
    """Note the objects of publications that a run staged before it died, and that a newer one has replaced since."""
    old = [file for file in manifest.files if file.state is FileState.SUPERSEDED]
    listed = await asyncio.to_thread(platform.catalog.existing, manifest.collection, {file.item_id for file in old})
    left: list[str] = []
    for file in old:
        with suppress(ValueError):  # no such object can be there
            found = await platform.sink.find(file.object_key) if file.item_id in listed else None
            if found is not None:
                inside = [await platform.sink.find(key) for key in await member_keys(file, found.key, platform.sink)]
                left += [each.href for each in (found, *inside) if each is not None]
    await asyncio.to_thread(platform.superseded.note, left, at=utc_now())
