"""The first step: ask the station for a partition and merge what it shows into what it has shown before."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from pystac import Item

from rs_assets.errors import RsAssetsError, StoreError
from rs_assets.ingest.platform import Platform
from rs_assets.ingest.search_results import EVICTED, FORM, SearchResults, merged, results_path
from rs_assets.items.times import utc_now
from rs_assets.locks import exclusive
from rs_assets.settings import Station
from rs_assets.state import IncompleteItem
from rs_assets.stations.registry import interface_of
from rs_assets.stations.search import Answer, StationSearch
from rs_assets.stations.window import Partition
from rs_assets.store import Document

_FIRST_PAUSE = timedelta(minutes=5)
_LONGEST_PAUSE = timedelta(days=1)
"""How long after a search an incomplete item is looked for again, at least and at most."""


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
    results = SearchResults.read(platform.documents, station.name, partition)
    if results is None:
        raise StoreError(
            f"{station.name}: {partition.key} has not been searched; materialise {station.name}/search_results first"
        )
    return results


def _is_final(platform: Platform, station: Station, partition: Partition, answer: Answer) -> bool:
    """Whether a search after the window's end need not be repeated: it is whole, and "nothing" was said clearly.

    An ambiguous empty answer is believed at the second time.
    """
    if answer.partial or not answer.ambiguous_empty:
        return not answer.partial
    record = platform.searches.of(station.name, [partition.key]).get(partition.key)
    searched = record.searched_at if record else None
    return searched is not None and partition.window.is_closed(searched, station.lag)


def _incomplete(
    station: Station, partition: Partition, item: Item, missing: Sequence[str], now: datetime
) -> IncompleteItem:
    """What to remember of an item that lacks something; the longer nothing has come, the later it is looked for."""
    overdue = interface_of(station).expected_by(item, station)
    pause = min(max(_FIRST_PAUSE, now - overdue), _LONGEST_PAUSE)
    return IncompleteItem(
        station=station.name,
        partition=partition.key,
        item_id=item.id,
        missing="; ".join(missing),
        overdue_from=overdue,
        look_again_at=None if EVICTED in item.properties else now + pause,
    )


def _keep(platform: Platform, station: Station, partition: Partition, answer: Answer, closed: bool) -> SearchResults:
    path = results_path(station.name, partition)
    interface = interface_of(station)
    now = utc_now()
    kept: list[SearchResults] = []

    def merge(document: Document | None) -> Document:
        results = merged(
            None if document is None else SearchResults.from_dict(document, partition),
            answer,
            station=station.name,
            partition=partition,
            now=now,
            closed=closed,
            are_sessions=interface.has_sessions,
        )
        kept.append(results)
        return results.to_dict()

    # What is followed has to be that of the last merge, also where two runs search one partition at once.
    with exclusive(platform.locks, f"partitions/{station.name} {partition.key}"):
        with FORM.explained(path):
            platform.documents.update(path, merge)
        results = kept[-1]
        lacking = ((item, interface.missing(item, station, now)) for item in results.items)
        incomplete = [_incomplete(station, partition, item, missing, now) for item, missing in lacking if missing]
        platform.incomplete.seen(station.name, partition.key, incomplete)
    return results
