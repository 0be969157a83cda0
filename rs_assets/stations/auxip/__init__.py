"""AUXIP: the auxiliary files of a station."""

from collections.abc import Mapping
from datetime import timedelta

from rs_assets.settings import Mission, Station
from rs_assets.stations.auxip.search import AuxipSearch
from rs_assets.stations.auxip.settings import AuxipStation, ItemIdRule
from rs_assets.stations.auxip.vocabulary import AUXIP_VOCABULARY
from rs_assets.stations.http import StationConnection
from rs_assets.stations.interface import Contents, StationInterface

__all__ = ["AUXIP_VOCABULARY", "INTERFACE", "AuxipInterface", "AuxipSearch", "AuxipStation", "ItemIdRule"]


class AuxipInterface(StationInterface):
    """Auxiliary files, one product each."""

    name = "auxip"
    settings = AuxipStation
    vocabulary = AUXIP_VOCABULARY
    contents = Contents("auxiliary files", "Auxiliary files", "auxiliary data")
    kinds = frozenset({"odata"})
    answers_product_types = True

    def search(self, connection: StationConnection, missions: Mapping[str, Mission]) -> AuxipSearch:
        """The search of a connected station."""
        return AuxipSearch(connection, missions)

    def follow_every(self, station: Station) -> timedelta | None:
        """As its settings say."""
        assert isinstance(station, AuxipStation)
        return station.follow_every


INTERFACE = AuxipInterface()
