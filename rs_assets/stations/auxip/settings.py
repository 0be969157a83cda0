"""The settings of an AUXIP station."""

from datetime import timedelta
from enum import StrEnum
from typing import Literal

from pydantic import field_validator

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
    follow_every: timedelta | None = None
    """How often the station is asked for what it has just published; not at all where null."""

    @field_validator("follow_every")
    @classmethod
    def _some_time(cls, value: timedelta | None) -> timedelta | None:
        if value is not None and value <= timedelta(0):
            raise ValueError("a duration must be longer than nothing")
        return value
