"""What the settings of stations with products have in common."""

from datetime import timedelta
from enum import StrEnum

from pydantic import field_validator

from rs_assets.settings import Station


class ItemIdRule(StrEnum):
    """How a product's name becomes its item id."""

    STEM = "stem"
    """The name without its last extension."""
    NAME = "name"
    """The whole name, for a station that offers one product in two forms."""


class ProductStation(Station):
    """A station of products; ``/Products`` is added to its url."""

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
