"""The first step: ask the station for a partition and merge what it shows into what it has shown before."""

import asyncio

from rs_assets.errors import RsAssetsError, StoreError
from rs_assets.ingest.platform import Platform
from rs_assets.ingest.search_results import SearchResults, merged, results_path
from rs_assets.items.times import utc_now
from rs_assets.settings import Station
from rs_assets.stations.search import Answer, StationSearch
from rs_assets.stations.window import Partition


async def search_partition(
    platform: Platform, search: StationSearch, station: Station, partition: Partition
) -> SearchResults:
    """Search a partition, and keep the merged results in the store.

    Raises:
        StationError: the station could not be asked; what was found earlier stays.
        StoreError, StateError: the results could not be kept.
    """
    began = utc_now()
    closed = partition.window.is_closed(began, station.lag)
    end = partition.window.end
    try:
        answer = await search.search(partition.window, partition.mission)
    except RsAssetsError as error:
        await asyncio.to_thread(
            platform.searches.failed, station.name, partition.key, window_end=end, at=began, error=str(error)
        )
        raise
    closed = closed and await asyncio.to_thread(_is_final, platform, station, partition, answer)
    results = await asyncio.to_thread(_keep, platform, station, partition, answer, closed)
    await asyncio.to_thread(
        platform.searches.succeeded, station.name, partition.key, window_end=end, at=began, closed=closed
    )
    return results


def kept_results(platform: Platform, station: Station, partition: Partition) -> SearchResults:
    """The results of earlier searches.

    Raises:
        StoreError: the partition has not been searched yet, or its results cannot be read.
    """
    document = platform.documents.read(results_path(station.name, partition))
    if document is None:
        raise StoreError(
            f"{station.name}: {partition.key} has not been searched; materialise {station.name}/search_results first"
        )
    return SearchResults.from_dict(document, partition)


def _is_final(platform: Platform, station: Station, partition: Partition, answer: Answer) -> bool:
    """Whether a search after the window's end need not be repeated: it is whole, and "nothing" was said clearly.

    Doubtful nothing is believed at the second time.
    """
    if answer.partial or not answer.doubtful:
        return not answer.partial
    record = platform.searches.of(station.name, [partition.key]).get(partition.key)
    searched = record.searched_at if record else None
    return searched is not None and partition.window.is_closed(searched, station.lag)


def _keep(platform: Platform, station: Station, partition: Partition, answer: Answer, closed: bool) -> SearchResults:
    path = results_path(station.name, partition)
    # Two runs that search one partition at once must not undo each other's merge.
    with platform.state.transaction():
        document = platform.documents.read(path)
        previous = None if document is None else SearchResults.from_dict(document, partition)
        results = merged(previous, answer, station=station.name, partition=partition, now=utc_now(), closed=closed)
        platform.documents.write(path, results.to_dict())
    return results
