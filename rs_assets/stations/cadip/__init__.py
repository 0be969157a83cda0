"""CADIP: the downlink sessions of a station, each a number of chunks on some channels.

The settings need this object at every start, so it imports what asks a station, or judges a session, only then.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from rs_assets.settings import Mission, Station
from rs_assets.stations.cadip.settings import CadipStation, Incomplete, sessions_of
from rs_assets.stations.interface import Contents, StationInterface

if TYPE_CHECKING:
    from pystac import Item

    from rs_assets.selection import Vocabulary
    from rs_assets.stations.cadip.search import CadipSearch
    from rs_assets.stations.chunks import Chunk
    from rs_assets.stations.http import StationConnection


class CadipInterface(StationInterface):
    """Downlink sessions, which grow chunk by chunk and are followed while they do."""

    name = "cadip"
    settings = CadipStation
    contents = Contents("downlink sessions", "Raw chunks of the downlink sessions", "raw data")
    kinds = frozenset({"odata"})
    has_sessions = True
    followed_as = "downlink"

    @property
    def vocabulary(self) -> "Vocabulary":
        """What can be asked of sessions."""
        from rs_assets.stations.cadip.vocabulary import CADIP_VOCABULARY

        return CADIP_VOCABULARY

    def search(self, connection: "StationConnection", missions: Mapping[str, Mission]) -> "CadipSearch":
        """The search of a connected station."""
        from rs_assets.stations.cadip.search import CadipSearch

        return CadipSearch(connection, missions)

    def follow_every(self, station: Station) -> timedelta | None:
        """As its settings say."""
        return sessions_of(station).follow_every

    def missing(self, item: "Item", station: Station, now: datetime) -> tuple[str, ...]:
        """As its chunks, and what QualityInfo states of them, tell."""
        from rs_assets.stations.cadip.completeness import missing

        return missing(item, sessions_of(station), now)

    def stated(self, item: "Item", station: Station, now: datetime, also_missing: Sequence[str] = ()) -> "Item":
        """Also which of its chunks have been delivered anew."""
        from rs_assets.stations.cadip.completeness import stated

        return stated(item, (*self.missing(item, station, now), *also_missing))

    def chunks(self, item: "Item") -> "list[Chunk]":
        """As the chunks or their names say."""
        from rs_assets.stations.cadip.completeness import chunks_of

        return chunks_of(item)

    def expected_chunks(self, item: "Item") -> dict[int, int | None]:
        """As QualityInfo states it."""
        from rs_assets.stations.cadip.completeness import expected_chunks

        return expected_chunks(item)

    def expected_by(self, item: "Item", station: Station) -> datetime:
        """When nothing has come for some time after the downlink's end."""
        from rs_assets.stations.cadip.completeness import quiet_from

        return quiet_from(item, sessions_of(station))

    def publishes_incomplete(self, station: Station) -> bool:
        """As its settings say."""
        return sessions_of(station).incomplete is Incomplete.PARTIAL


INTERFACE = CadipInterface()
