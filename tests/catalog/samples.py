"""Items and collections to test with."""

from datetime import UTC, datetime

import pystac

from rs_assets.catalog.protocol import CollectionSpec
from rs_assets.items.times import format_time

AUX = "s1_aux"
SPEC = CollectionSpec(id=AUX, title="Auxiliary files", description="Auxiliary files of Sentinel-1")

DAY = datetime(2026, 11, 1, tzinfo=UTC)


def md5(digit: str) -> str:
    """A multihash of one repeated digit."""
    return "d50110" + digit * 32


def aux_item(
    name: str = "S1A_AUX_A.EOF",
    *,
    published: datetime = DAY,
    source: str = "1",
    start: datetime = DAY,
    end: datetime = DAY,
    checksum: str | None = None,
    size: int | None = 10,
    bbox: tuple[float, ...] | None = None,
    platform: str = "sentinel-1a",
    product_type: str = "AUX_A",
) -> pystac.Item:
    """A station's item for the product `name`; its id is the name up to its last dot."""
    item = pystac.Item(
        name.rpartition(".")[0],
        geometry=None if bbox is None else {"type": "Point", "coordinates": [bbox[0], bbox[1]]},
        bbox=None if bbox is None else list(bbox),
        datetime=None,
        properties={
            "start_datetime": format_time(start),
            "end_datetime": format_time(end),
            "published": format_time(published),
            "platform": platform,
            "constellation": "sentinel-1",
            "product:type": product_type,
            "auxip:id": source,
        },
    )
    fields = {"file:size": size, "file:checksum": checksum or md5("a")}
    asset = pystac.Asset(f"https://station/{source}/{name}", roles=["data"], extra_fields=fields)
    item.add_asset(name, asset)
    return item
