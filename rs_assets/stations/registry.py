"""Which code speaks which station interface."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from pystac import Item

from rs_assets.settings import Interface, Mission, Station
from rs_assets.stations.auxip import AuxipSearch
from rs_assets.stations.cadip import CadipSearch
from rs_assets.stations.cadip.completeness import quiet_from, settle
from rs_assets.stations.http import StationConnection
from rs_assets.stations.search import StationSearch

_ALWAYS = datetime.min.replace(tzinfo=UTC)

_SEARCHES: dict[Interface, Callable[[StationConnection, Mapping[str, Mission]], StationSearch]] = {
    Interface.AUXIP: AuxipSearch,
    Interface.CADIP: CadipSearch,
}


def search_of(connection: StationConnection, missions: Mapping[str, Mission]) -> StationSearch:
    """The search of a connected station."""
    return _SEARCHES[connection.station.interface](connection, missions)


def judge(station: Station, item: Item, now: datetime) -> None:
    """Let an item that has got files from several places or times say again whether it is complete."""
    if station.sessions is not None:
        settle(item, station.sessions, now)


def nothing_more_expected_from(station: Station, item: Item) -> datetime:
    """From when on an item that is not complete should have been (aware UTC); it always should where none grows."""
    return _ALWAYS if station.sessions is None else quiet_from(item, station.sessions)
