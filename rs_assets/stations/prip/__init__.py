"""PRIP: the products of a production station.

The settings need this object at every start, so it imports what asks a station only when one is asked.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from rs_assets.settings import Mission, Station
from rs_assets.stations.csc.settings import ItemIdRule
from rs_assets.stations.interface import Contents, StationInterface
from rs_assets.stations.prip.settings import PripStation

if TYPE_CHECKING:
    from rs_assets.selection import Vocabulary
    from rs_assets.stations.csc.search import ProductSearch
    from rs_assets.stations.http import StationConnection


class PripInterface(StationInterface):
    """Products with a footprint, one archive each."""

    name = "prip"
    settings = PripStation
    contents = Contents("products", "Products", "products")
    kinds = frozenset({"odata"})
    answers_product_types = True

    @property
    def vocabulary(self) -> "Vocabulary":
        """What can be asked of products."""
        from rs_assets.stations.prip.vocabulary import PRIP_VOCABULARY

        return PRIP_VOCABULARY

    def search(self, connection: "StationConnection", missions: Mapping[str, Mission]) -> "ProductSearch":
        """The search of a connected station."""
        from rs_assets.stations.csc.product import ItemRule
        from rs_assets.stations.csc.search import Dialect, ProductSearch
        from rs_assets.stations.prip.properties import properties_of

        station = connection.station
        assert isinstance(station, PripStation)
        return ProductSearch(
            connection,
            missions,
            vocabulary=self.vocabulary,
            rule=ItemRule(
                self.name,
                str(station.url),
                keeps_extension=station.item_id is ItemIdRule.NAME,
                more_properties=properties_of,
            ),
            product_types=station.product_types,
            # Every product is named after its mission, and half of the stations refuse a list of values.
            dialect=Dialect(asks_platform=False, knows_in=False),
        )

    def follow_every(self, station: Station) -> timedelta | None:
        """As its settings say."""
        assert isinstance(station, PripStation)
        return station.follow_every


INTERFACE = PripInterface()
