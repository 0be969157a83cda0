"""The settings of an AUXIP station."""

from typing import Literal

from rs_assets.stations.csc.settings import ProductStation


class AuxipStation(ProductStation):
    """A station of auxiliary files."""

    interface: Literal["auxip"]
    """The interface that it speaks."""
    collection: str = "{mission}_aux"
    """Pattern of the catalogue's collection; ``{mission}`` is the mission's name in lower case."""
