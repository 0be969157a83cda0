"""What the settings of today mean for what is stored since yesterday."""

from collections.abc import Iterator, Sequence

from rs_assets.catalog.protocol import SortBy
from rs_assets.ingest import Platform
from rs_assets.settings import Station
from rs_assets.state.stations import StationNames
from rs_assets.stations.window import Partition

_LOOKED_AT = 100
"""Items of each collection whose places are looked at."""


def differences(platform: Platform) -> list[str]:
    """What is stored that the settings do not lead to any more, each as a sentence that says what it means.

    Raises:
        StateError, CatalogError: they cannot be read.
    """
    return [*_of_stations(platform), *_of_places(platform)]


def _of_stations(platform: Platform) -> Iterator[str]:
    stations = {station.name: station for station in platform.settings.stations}
    for name, keys in StationNames(platform.state).partitions().items():
        if name in stations:
            yield from _of_partitions(stations[name], keys)
        else:
            yield (
                f"the state knows {_partitions(keys)} of a station {name}, which the settings do not name: its files "
                "and items stay, and nothing of it is searched or tried again. If it is called otherwise now, run "
                f"`rs-assets rename-station {name} <the new name>`"
            )


def _of_partitions(station: Station, keys: Sequence[str]) -> Iterator[str]:
    of_length: list[Partition] = []
    others: list[str] = []
    for key in keys:
        try:
            of_length.append(Partition.parse(key, station.window))
        except ValueError:
            others.append(key)
    stays = "what was staged of them stays; Dagster does not show them any more, and nothing of them is tried again"
    if others:
        yield (
            f"{station.name}: {_partitions(others)} were searched with windows of another length than the settings' "
            f"{station.window.value}: {stays}. Their time is searched again in the new windows, which fetches nothing "
            "that is in the store"
        )
    unknown = sorted({partition.mission for partition in of_length} - set(station.missions))
    for mission in unknown:
        some = [partition.key for partition in of_length if partition.mission == mission]
        yield f"{station.name}: {_partitions(some)} are of {mission}, which is no mission of the station now: {stays}"
    early = [partition.key for partition in of_length if partition.window.start.date() < station.start]
    if early:
        yield f"{station.name}: {_partitions(early)} lie before the station's start, {station.start}: {stays}"


def _of_places(platform: Platform) -> Iterator[str]:
    count = 0
    for collection in platform.catalog.collections():
        outside: list[str] = []
        for order in (SortBy.NEWEST_PUBLICATION, SortBy.OLDEST_PUBLICATION):
            for item in platform.catalog.search(collections=[collection.id], sortby=order, limit=_LOOKED_AT):
                count += 1
                hrefs = (asset.href for asset in item.assets.values())
                outside += [href for href in hrefs if platform.sink.key_of(href) is None]
        if outside:
            yield (
                f"items of {collection.id} have files outside of the store {platform.settings.store.place}, e.g. "
                f"{outside[0]}: they are staged again when their partitions run. If the store was moved, run "
                "`rs-assets relocate <where it was>` instead"
            )
    staged = 0 if count else StationNames(platform.state).staged()
    if staged:
        yield (
            f"the state knows {staged:,d} staged files, and the catalogue {platform.catalog.place} has no item: if it "
            "was moved, name its new place; otherwise run the partitions again, for which nothing is fetched twice"
        )


def _partitions(keys: Sequence[str]) -> str:
    if len(keys) == 1:
        return f"1 partition ({keys[0]})"
    return f"{len(keys):,d} partitions ({keys[0]} to {keys[-1]})"
