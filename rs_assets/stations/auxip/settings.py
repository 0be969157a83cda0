"""The settings of an AUXIP station."""

from enum import StrEnum
from typing import Literal

from rs_assets.settings import Station


class ItemIdRule(StrEnum):
    """How a product's name becomes its item id."""

    STEM = "stem"
    """The name without its last extension."""
    NAME = "name"
    """The whole name, for a station that offers one product in two forms."""


class AuxipStation(Station):
    """A station of auxiliary files; ``/Products`` is added to its url."""

    interface: Literal["auxip"]
    """The interface that it speaks."""
    collection: str = "{mission}_aux"
    """Pattern of the catalogue's collection; ``{mission}`` is the mission's name in lower case."""
    item_id: ItemIdRule = ItemIdRule.STEM
    product_types: tuple[str, ...] = ()
    """Product types to ask for; all of them where empty."""
