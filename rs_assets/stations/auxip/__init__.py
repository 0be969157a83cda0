"""AUXIP: the auxiliary files of a station.

The settings need this object at every start, so it imports what asks a station only when one is asked.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from rs_assets.settings import Mission, Station
from rs_assets.stations.auxip.settings import AuxipStation
from rs_assets.stations.csc.settings import ItemIdRule
from rs_assets.stations.interface import Contents, StationInterface

if TYPE_CHECKING:
    from rs_assets.selection import Vocabulary
    from rs_assets.stations.csc.search import ProductSearch
    from rs_assets.stations.http import StationConnection


class AuxipInterface(StationInterface):
    """Auxiliary files, one product each."""

    name = "auxip"
    settings = AuxipStation
    contents = Contents("auxiliary files", "Auxiliary files", "auxiliary data")
    kinds = frozenset({"odata"})
    answers_product_types = True

    @property
    def vocabulary(self) -> "Vocabulary":
        """What can be asked of products."""
        from rs_assets.stations.auxip.vocabulary import AUXIP_VOCABULARY

        return AUXIP_VOCABULARY

    def search(self, connection: "StationConnection", missions: Mapping[str, Mission]) -> "ProductSearch":
        """The search of a connected station."""
        from rs_assets.stations.csc.product import ItemRule
        from rs_assets.stations.csc.search import ProductSearch

        station = connection.station
        assert isinstance(station, AuxipStation)
        return ProductSearch(
            connection,
            missions,
            vocabulary=self.vocabulary,
            rule=ItemRule(self.name, str(station.url), keeps_extension=station.item_id is ItemIdRule.NAME),
            product_types=station.product_types,
        )

    def follow_every(self, station: Station) -> timedelta | None:
        """As its settings say."""
        assert isinstance(station, AuxipStation)
        return station.follow_every


INTERFACE = AuxipInterface()
