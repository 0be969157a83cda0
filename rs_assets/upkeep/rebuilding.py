"""Making the state anew, as far as store and catalogue can tell, after its database was lost.

What is known already stays, so it may run on a state that is whole, or again where it was killed. What nobody can tell
any more: how often a transfer was tried and how long it took, failures that were looked at, who had asked for a run.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from pystac import Item

from rs_assets.catalog.protocol import SortBy
from rs_assets.errors import RsAssetsError, StoreError
from rs_assets.ingest import Platform
from rs_assets.ingest.manifest import Manifest
from rs_assets.ingest.search_results import SearchResults
from rs_assets.ingest.steps import Step
from rs_assets.items.files import FileRecord, FileState
from rs_assets.items.identity import source_id
from rs_assets.items.multihash import Digest
from rs_assets.items.times import utc_now
from rs_assets.requests.inbox import Inbox
from rs_assets.requests.results import items_path
from rs_assets.settings import Station
from rs_assets.state import RequestCounts, Requests, RequestState, StagedFile, SubmittedRequest
from rs_assets.stations.window import Partition

_AT_ONCE = 500
"""Files that are looked up and recorded together."""


@dataclass
class Rebuilt:
    """What was found, and is in the state now."""

    searches: int = 0
    """Partitions of which search results are kept and of whose search nothing was known."""
    transfers: int = 0
    """Objects of which nothing was known."""
    requests: int = 0
    """Ended requests of which nothing was known."""
    wanted: int = 0
    """Partitions whose files are to be staged again: their manifest is missing, or names files that failed."""
    lost: list[str] = field(default_factory=list)
    """What could not be read, or is not where it is said to be, each as a sentence."""


async def rebuild(platform: Platform) -> Rebuilt:
    """Make the state anew, as far as store and catalogue can tell.

    Raises:
        StoreError, CatalogError, StateError: they cannot be used.
    """
    rebuilt = Rebuilt()
    for station in platform.settings.stations:
        async for partition in _partitions(platform, station, rebuilt):
            await _rebuild_partition(platform, station, partition, rebuilt)
        await _rebuild_items(platform, station, rebuilt)
    await asyncio.to_thread(_rebuild_requests, platform, rebuilt)
    return rebuilt


async def _partitions(platform: Platform, station: Station, rebuilt: Rebuilt) -> AsyncIterator[Partition]:
    """The partitions of which search results are kept."""
    documents, root = platform.documents, f"search_results/{station.name}"
    for window in await asyncio.to_thread(documents.folders, root):
        for name in await asyncio.to_thread(documents.names, f"{root}/{window}"):
            path = f"{root}/{window}/{name}"
            try:
                document = await asyncio.to_thread(documents.read, path)
                yield Partition.parse(str((document or {})["rs_assets"]["partition"]), station.window)
            except (StoreError, LookupError, TypeError, ValueError) as error:
                rebuilt.lost.append(f"{path} says of no partition of the station {station.name}: {error}")


async def _rebuild_partition(platform: Platform, station: Station, partition: Partition, rebuilt: Rebuilt) -> None:
    manifest: Manifest | None = None
    try:
        results = await asyncio.to_thread(SearchResults.read, platform.documents, station.name, partition)
        if results is None:
            return
        if partition.key not in platform.searches.of(station.name, [partition.key]):
            platform.searches.succeeded(
                station.name,
                partition.key,
                window_end=partition.window.end,
                at=results.searched_at,
                closed=results.window_closed,
            )
            rebuilt.searches += 1
        manifest = await asyncio.to_thread(Manifest.read, platform.documents, station.name, partition)
    except StoreError as error:
        rebuilt.lost.append(str(error))
    if manifest is not None:
        stored = [file for file in manifest.files if file.state.in_store]
        staged = [StagedFile(file, station.name, partition.key, None, manifest.staged_at) for file in stored]
        await _rebuild_transfers(platform, staged, rebuilt)
    if manifest is None or manifest.failures or manifest.ordered:
        steps = frozenset(Step) - {Step.SEARCH}
        platform.unfinished.want(station.name, [partition.key], steps, at=utc_now())
        rebuilt.wanted += 1


async def _rebuild_items(platform: Platform, station: Station, rebuilt: Rebuilt) -> None:
    """Record the objects of the catalogue's items, whoever has staged them."""
    for collection in sorted({station.collection_of(mission) for mission in station.missions}):
        items = platform.catalog.search(collections=[collection], sortby=SortBy.ID)
        while some := await asyncio.to_thread(list, islice(items, _AT_ONCE)):
            files = [file for item in some for file in _files_of(platform, collection, item)]
            staged = [StagedFile(file, station.name, "", None, utc_now()) for file in files]
            await _rebuild_transfers(platform, staged, rebuilt)


def _files_of(platform: Platform, collection: str, item: Item) -> Iterator[FileRecord]:
    """The files of an item that lie in the store and whose digest it states."""
    for name, asset in item.assets.items():
        key, checksum = platform.sink.key_of(asset.href), asset.extra_fields.get("file:checksum")
        if key is not None and isinstance(checksum, str):
            yield FileRecord(
                collection=collection,
                item_id=item.id,
                asset=name,
                source_id=source_id(item, name),
                source_href="",
                state=FileState.PRESENT,
                key=key,
                href=asset.href,
                size=asset.extra_fields.get("file:size"),
                digest=Digest.from_multihash(checksum),
            )


async def _rebuild_transfers(platform: Platform, staged: Sequence[StagedFile], rebuilt: Rebuilt) -> None:
    """Record the objects of which nothing is known, where they are and have their size."""
    for first in range(0, len(staged), _AT_ONCE):
        some = {str(each.file.key): each for each in staged[first : first + _AT_ONCE]}
        known = await asyncio.to_thread(platform.transfers.of, some)
        unknown = [key for key in some if key not in known]
        there = []
        for key, stored in zip(unknown, await asyncio.gather(*map(platform.sink.find, unknown)), strict=True):
            size = some[key].file.size
            if stored is not None and stored.size == size:
                there.append(some[key])
            else:
                rebuilt.lost.append(f"{key} is not in the store with the {size} bytes that it shall have")
        await asyncio.to_thread(platform.transfers.record, there)
        rebuilt.transfers += len(there)


def _rebuild_requests(platform: Platform, rebuilt: Rebuilt) -> None:
    """Record the requests that have ended; those in the inbox are taken in as ever."""
    requests, inbox = Requests(platform.state), Inbox(platform.documents)
    for request_id in platform.documents.folders("requests"):
        if requests.known([request_id]):
            continue
        try:
            request = inbox.read(request_id)
            result = platform.documents.read(items_path(request_id))
            facts = (result or {})["rs_assets"]
            state, at = RequestState(facts["state"]), datetime.fromisoformat(facts["ended_at"])
            counts = RequestCounts(found=int(facts["found"]), catalogued=len((result or {})["features"]))
        except (RsAssetsError, LookupError, TypeError, ValueError) as error:
            rebuilt.lost.append(f"the request {request_id} cannot be read: {error}")
            continue
        submitted = SubmittedRequest(request_id, request.digest, request.priority, request.source, request.requester)
        requests.accept([submitted], at=at)
        requests.ended(request_id, state, str(facts["message"]), counts, at)
        rebuilt.requests += 1
