"""Items to test with."""

from datetime import UTC, datetime
from typing import Any

from pystac import Asset, Item

DAY = datetime(2026, 11, 1, tzinfo=UTC)


def item_of(
    name: str = "S1A_AUX.EOF.zip",
    *,
    moment: datetime | None = DAY,
    asset: dict[str, Any] | None = None,
    **properties: Any,
) -> Item:
    """An item with one asset; ``auxip__id`` stands for the property ``auxip:id``."""
    named = {key.replace("__", ":"): value for key, value in properties.items()}
    if moment is None:
        named = {"start_datetime": "2026-11-01T00:00:00Z", "end_datetime": "2026-11-02T00:00:00Z"} | named
    item = Item("S1A_AUX.EOF", None, None, moment, named)
    item.add_asset(name, Asset(f"https://station.example/{name}", extra_fields=asset or {}))
    return item
