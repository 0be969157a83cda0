"""The settings of a PRIP station."""

from typing import Literal

from rs_assets.stations.csc.settings import ProductStation


class PripStation(ProductStation):
    """A production station, of what processors have made of the downlinked data."""

    interface: Literal["prip"]
    """The interface that it speaks."""
    collection: str = "{mission}_prip"
    """Pattern of the catalogue's collection; ``{mission}`` is the mission's name in lower case."""
