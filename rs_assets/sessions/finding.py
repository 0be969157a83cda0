"""Finding a session by its id, or by a part of it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from pystac import Item

from rs_assets.errors import RsAssetsError
from rs_assets.ingest import Platform
from rs_assets.ingest.search_results import SearchResults, results_path
from rs_assets.settings import Station
from rs_assets.state.sightings import Sighting, Sightings
from rs_assets.stations.registry import interface_of
from rs_assets.stations.window import Partition


@dataclass(frozen=True, slots=True)
class SessionPlace:
    """Where a session of one station is known from."""

    session_id: str
    station: Station
    collection: str
    """The catalogue's collection that it belongs to."""
    partitions: tuple[Partition, ...]
    """The partitions that it was met in."""


def find_sessions(platform: Platform, text: str, station: str | None = None) -> list[SessionPlace]:
    """The sessions whose id is the text; if there is none, those whose id holds it, in whatever case.

    The state is asked first. The search results in the store are read only where it knows no session of that very id.

    Args:
        platform: the installation.
        text: a SessionId, or a part of one.
        station: look among the sessions of this station only.

    Raises:
        RsAssetsError: the text is empty, or there is no such downlink station.
        StoreError, StateError, CatalogError: store, state or catalogue cannot be read.
    """
    if not text.strip():
        raise RsAssetsError("give the id of a session, or a part of it, e.g. S1A_20261109")
    stations = {entry.name: entry for entry in downlink_stations(platform, station)}
    found = Sightings(platform.state).of(text, stations)
    exact = {each for each in found if each.item_id == text} or set(_catalogued(platform, text, stations))
    if not exact:
        found |= {each for name in stations.values() for each in _listed(platform, name, text)}
        exact = {each for each in found if each.item_id == text}
    chosen = sorted(exact or found, key=lambda each: (each.item_id, each.station))
    return [
        _place(platform, session_id, stations[name], list(group))
        for (session_id, name), group in groupby(chosen, key=lambda each: (each.item_id, each.station))
    ]


def downlink_stations(platform: Platform, name: str | None = None) -> list[Station]:
    """The downlink stations of the settings, or the one of that name.

    Raises:
        RsAssetsError: there is none.
    """
    stations = [entry for entry in platform.settings.stations if interface_of(entry).has_sessions]
    if name is None and stations:
        return stations
    named = [entry for entry in stations if entry.name == name]
    if not named:
        known = ", ".join(entry.name for entry in stations) or "there is none"
        whose = "the settings have no downlink station" if name is None else f"{name!r} is not a downlink station"
        raise RsAssetsError(f"{whose}; known are: {known}")
    return named


def _catalogued(platform: Platform, session_id: str, stations: Mapping[str, Station]) -> Iterator[Sighting]:
    """The session where the catalogue has it though the state knows nothing of it, under its most likely station."""
    owners: dict[str, list[str]] = {}
    for station in stations.values():
        for mission in station.missions:
            owners.setdefault(station.collection_of(mission), []).append(station.name)
    for collection, names in owners.items():
        item = platform.catalog.get(collection, session_id)
        if item is not None:
            named = [name for name in names if _is_stated(item, stations[name])]
            yield Sighting(session_id, [*named, *names][0], None, collection)


def _is_stated(session: Item, station: Station) -> bool:
    stated = session.properties.get(f"{station.interface}:station")
    return isinstance(stated, str) and stated.casefold() == station.name.casefold()


def _listed(platform: Platform, station: Station, text: str) -> Iterator[Sighting]:
    """The sessions in the search results of a station."""
    part = text.casefold()
    written = json.dumps(part)[1:-1].encode()
    for key in platform.searches.of(station.name):
        partition = Partition.parse(key, station.window)
        content = platform.documents.read_bytes(results_path(station.name, partition))
        if content is None or written not in content.lower():
            continue
        results = SearchResults.read(platform.documents, station.name, partition)
        for item in results.items if results else ():
            if part in item.id.casefold():
                yield Sighting(item.id, station.name, key, station.collection_of(partition.mission))


def _place(platform: Platform, session_id: str, station: Station, sightings: Sequence[Sighting]) -> SessionPlace:
    keys = sorted({each.partition for each in sightings if each.partition is not None})
    partitions = tuple(partition for key in keys if (partition := _partition(key, station)) is not None)
    collections = sorted({each.collection for each in sightings if each.collection is not None})
    holding = [name for name in collections if platform.catalog.get(name, session_id) is not None]
    of_partitions = [station.collection_of(partition.mission) for partition in partitions]
    likely = [*holding, *collections, *of_partitions, *map(station.collection_of, station.missions)]
    return SessionPlace(session_id, station, likely[0], partitions)


def _partition(key: str, station: Station) -> Partition | None:
    """The partition of a key; None for the id of a request, under which files were staged, too."""
    try:
        return Partition.parse(key, station.window)
    except ValueError:
        return None
