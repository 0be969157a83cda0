"""CADIP: the downlink sessions of a station, each a number of chunks on some channels."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from pystac import Item

from rs_assets.settings import Mission, Station
from rs_assets.stations.cadip.completeness import quiet_from, settle
from rs_assets.stations.cadip.search import CadipSearch
from rs_assets.stations.cadip.settings import CadipStation, Completeness, Incomplete, Sessions, sessions_of
from rs_assets.stations.cadip.vocabulary import CADIP_VOCABULARY
from rs_assets.stations.http import StationConnection
from rs_assets.stations.interface import Contents, StationInterface

__all__ = [
    "CADIP_VOCABULARY",
    "INTERFACE",
    "CadipInterface",
    "CadipSearch",
    "CadipStation",
    "Completeness",
    "Incomplete",
    "Sessions",
]


class CadipInterface(StationInterface):
    """Downlink sessions, which grow chunk by chunk and are followed while they do."""

    name = "cadip"
    settings = CadipStation
    vocabulary = CADIP_VOCABULARY
    contents = Contents("downlink sessions", "Raw chunks of the downlink sessions", "raw data")
    kinds = frozenset({"odata"})
    has_sessions = True
    followed_as = "downlink"

    def search(self, connection: StationConnection, missions: Mapping[str, Mission]) -> CadipSearch:
        """The search of a connected station."""
        return CadipSearch(connection, missions)

    def follow_every(self, station: Station) -> timedelta | None:
        """As its settings say."""
        return sessions_of(station).follow_every

    def settle(self, item: Item, station: Station, now: datetime) -> None:
        """Let a session say what is missing from it at `now`, and which chunks have been delivered anew."""
        settle(item, sessions_of(station), now)

    def expected_by(self, item: Item, station: Station) -> datetime:
        """When nothing has come for some time after the downlink's end."""
        return quiet_from(item, sessions_of(station))

    def publishes_incomplete(self, station: Station) -> bool:
        """As its settings say."""
        return sessions_of(station).incomplete is Incomplete.PARTIAL


INTERFACE = CadipInterface()
