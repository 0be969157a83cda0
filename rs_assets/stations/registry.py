"""Which code speaks which station interface."""

from collections.abc import Callable, Mapping

from rs_assets.settings import Interface, Mission
from rs_assets.stations.auxip import AuxipSearch
from rs_assets.stations.http import StationConnection
from rs_assets.stations.search import StationSearch

_SEARCHES: dict[Interface, Callable[[StationConnection, Mapping[str, Mission]], StationSearch]] = {
    Interface.AUXIP: AuxipSearch,
}


def search_of(connection: StationConnection, missions: Mapping[str, Mission]) -> StationSearch:
    """The search of a connected station."""
    return _SEARCHES[connection.station.interface](connection, missions)
