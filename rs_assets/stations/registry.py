"""The interface of each station."""

from typing import cast

from rs_assets.settings import Station, load_interface
from rs_assets.stations.interface import StationInterface


def interface_of(station: Station) -> StationInterface:
    """The interface that a station speaks.

    Raises:
        SettingsError: it is not installed, or cannot be loaded.
    """
    return cast(StationInterface, load_interface(station.interface))
