"""The STAC extensions written here; an item lists one only while it uses a field of it."""

from collections.abc import Iterator, Mapping

from pystac import Item

FILE = "https://stac-extensions.github.io/file/v2.1.0/schema.json"
TIMESTAMPS = "https://stac-extensions.github.io/timestamps/v1.1.0/schema.json"
PRODUCT = "https://stac-extensions.github.io/product/v1.0.0/schema.json"
PROCESSING = "https://stac-extensions.github.io/processing/v1.2.0/schema.json"
SAR = "https://stac-extensions.github.io/sar/v1.3.2/schema.json"
EO = "https://stac-extensions.github.io/eo/v2.0.0/schema.json"
SAT = "https://stac-extensions.github.io/sat/v1.1.0/schema.json"
ALTERNATE_ASSETS = "https://stac-extensions.github.io/alternate-assets/v1.2.0/schema.json"

_TIMESTAMP_FIELDS = {"published", "expires", "unpublished"}


def declare_extensions(item: Item) -> None:
    """Make ``stac_extensions`` say which of these extensions the item uses; any other entry stays."""
    used = {
        FILE: _asset_field(item, "file:"),
        TIMESTAMPS: any(not _TIMESTAMP_FIELDS.isdisjoint(fields) for fields in _fields(item)),
        PRODUCT: _property(item, "product:"),
        PROCESSING: _property(item, "processing:"),
        SAT: _property(item, "sat:"),
        SAR: _property(item, "sar:"),
        EO: _property(item, "eo:"),
        ALTERNATE_ASSETS: _asset_field(item, "alternate"),
    }
    others = [uri for uri in item.stac_extensions if uri not in used]
    item.stac_extensions = others + [uri for uri, is_used in used.items() if is_used]


def _property(item: Item, prefix: str) -> bool:
    return any(name.startswith(prefix) for name in item.properties)


def _fields(item: Item) -> Iterator[Mapping[str, object]]:
    yield item.properties
    yield from (asset.extra_fields for asset in item.assets.values())


def _asset_field(item: Item, prefix: str) -> bool:
    return any(name.startswith(prefix) for asset in item.assets.values() for name in asset.extra_fields)
