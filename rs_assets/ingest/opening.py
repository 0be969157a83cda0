"""Opening a station: everything that is needed to ask it and to fetch its files, within the limits that all keep to."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from rs_assets.ingest.platform import Platform
from rs_assets.settings import Retries, Station
from rs_assets.staging.sources import Source
from rs_assets.staging.sources.sources import Sources
from rs_assets.stations.http import StationConnection
from rs_assets.stations.interface import StationInterface
from rs_assets.stations.limits import StationLimits
from rs_assets.stations.registry import interface_of
from rs_assets.stations.search import StationSearch


@dataclass(frozen=True, slots=True)
class OpenStation:
    """A station that is connected."""

    settings: Station
    interface: StationInterface
    limits: StationLimits
    connection: StationConnection
    search: StationSearch
    source: Source
    """Where its files are read from."""


@asynccontextmanager
async def open_station(
    platform: Platform, station: Station | str, *, tries_once: bool = False
) -> AsyncGenerator[OpenStation]:
    """Open a station of the settings, or the one of that name; it is closed at the end.

    Args:
        platform: the installation, whose other runs share the station's limits.
        station: the station, or its name.
        tries_once: whether a request that fails is given up at once, as by one who will ask again soon.

    Raises:
        SettingsError: there is no such station, or its interface is not installed.
        StationError: the connection cannot be prepared, e.g. for lack of its CA file.
        StateError: the locks, by which the station's limits are kept, cannot be used.
    """
    settings = platform.settings.station(station) if isinstance(station, str) else station
    interface = interface_of(settings)
    # Only what is asked here is impatient: the limits, with their pauses, are those of all runs.
    asked = _trying_once(settings) if tries_once else settings
    async with (
        platform.limits(settings) as limits,
        StationConnection(asked, limits=limits) as connection,
        Sources(settings, connection.keyring, limits) as source,
    ):
        search = interface.search(connection, platform.settings.missions)
        yield OpenStation(settings, interface, limits, connection, search, source)


def _trying_once(station: Station) -> Station:
    once = station.retries.model_dump() | {"attempts": 1, "busy_timeout": 0}
    return station.model_copy(update={"retries": Retries(**once)})
