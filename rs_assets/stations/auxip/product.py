"""One product of an AUXIP station, and the STAC item that it becomes.

Stations differ in how they write a product: numbers as strings, dates with 0 to 7 fraction digits or to the
minute, attributes missing. What identifies a product must be readable; anything else that is not is left out.
"""

import mimetypes
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import AliasPath, BaseModel, BeforeValidator, ConfigDict, Field
from pystac import Asset, Item

from rs_assets.items.extensions import declare_extensions
from rs_assets.items.identity import stem
from rs_assets.items.multihash import Algorithm, Digest
from rs_assets.items.times import format_time
from rs_assets.stations.auxip.settings import AuxipStation, ItemIdRule
from rs_assets.stations.fields import Count, Moment, RequiredText, moment_of
from rs_assets.stations.missions import Belonging

_MEDIA_TYPES = {
    ".eof": "application/xml",
    ".xml": "application/xml",
    ".zip": "application/zip",
    ".tgz": "application/gzip",
    ".gz": "application/gzip",
    ".tar": "application/x-tar",
    ".nc": "application/netcdf",
    ".json": "application/json",
}


def _attributes(value: object) -> dict[str, str]:
    if not isinstance(value, list):
        return {}
    pairs = [(element.get("Name"), element.get("Value")) for element in value if isinstance(element, dict)]
    return {str(name): str(content).strip() for name, content in pairs if name and content not in (None, "")}


def _digests(value: object) -> tuple[Digest, ...]:
    found = []
    for entry in value if isinstance(value, list) else []:
        algorithm = Algorithm.named(str(entry.get("Algorithm"))) if isinstance(entry, dict) else None
        if algorithm is not None:
            try:
                found.append(Digest(algorithm, str(entry.get("Value"))))
            except ValueError:
                continue
    return tuple(sorted(found, key=lambda digest: digest.algorithm.cost))


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


class Product(BaseModel):
    """A product as the interface defines it, read leniently: an optional field that cannot be read is None."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    id: Annotated[RequiredText, Field(alias="Id", min_length=1)]
    name: Annotated[RequiredText, Field(alias="Name", min_length=1)]
    content_type: Annotated[str | None, BeforeValidator(_text_or_none), Field(alias="ContentType")] = None
    size: Annotated[Count, Field(alias="ContentLength")] = None
    """Bytes."""
    origin_date: Annotated[Moment, Field(alias="OriginDate")] = None
    publication_date: Annotated[Moment, Field(alias="PublicationDate")] = None
    modification_date: Annotated[Moment, Field(alias="ModificationDate")] = None
    eviction_date: Annotated[Moment, Field(alias="EvictionDate")] = None
    content_start: Annotated[Moment, Field(validation_alias=AliasPath("ContentDate", "Start"))] = None
    content_end: Annotated[Moment, Field(validation_alias=AliasPath("ContentDate", "End"))] = None
    digests: Annotated[tuple[Digest, ...], BeforeValidator(_digests), Field(alias="Checksum")] = ()
    """The cheapest to compute first."""
    attributes: Annotated[dict[str, str], BeforeValidator(_attributes), Field(alias="Attributes")] = {}

    @property
    def start(self) -> datetime | None:
        """Begin of the validity."""
        return self.content_start or moment_of(self.attributes.get("beginningDateTime"))

    @property
    def end(self) -> datetime | None:
        """End of the validity."""
        return self.content_end or moment_of(self.attributes.get("endingDateTime"))

    @property
    def short_name(self) -> str | None:
        """The platform's name without its unit, e.g. ``SENTINEL-1``."""
        return self.attributes.get("platformShortName")

    @property
    def serial(self) -> str | None:
        """The platform's unit, e.g. ``A``."""
        return self.attributes.get("platformSerialIdentifier")

    @property
    def product_type(self) -> str | None:
        """E.g. ``AUX_RESORB``."""
        return self.attributes.get("productType")


def product_item(product: Product, station: AuxipStation, owner: Belonging) -> Item:
    """The STAC 1.1 item of a product: its identity, times, platform, processing, and the file as its one asset."""
    start = product.start or product.end
    end = product.end or product.start
    moment = start or product.publication_date or product.origin_date
    item = Item(
        id=stem(product.name) if station.item_id is ItemIdRule.STEM else product.name,
        geometry=None,
        bbox=None,
        datetime=moment,
        properties=_properties(product, owner, start, end),
    )
    item.add_asset(product.name, _asset(product, station))
    declare_extensions(item)
    return item


def _properties(product: Product, owner: Belonging, start: datetime | None, end: datetime | None) -> dict[str, Any]:
    created = product.origin_date or product.publication_date
    times = {
        "start_datetime": start,
        "end_datetime": end,
        "created": created,
        "updated": product.modification_date,
        "published": product.publication_date,
        "expires": product.eviction_date,
        "processing:datetime": moment_of(product.attributes.get("processingDate")),
    }
    texts = {
        "product:type": product.product_type,
        "platform": owner.platform,
        "constellation": owner.mission.constellation if owner.mission else None,
        "processing:facility": product.attributes.get("processingCenter"),
        "processing:version": product.attributes.get("processorVersion"),
        "auxip:id": product.id,
        "auxip:contradiction": owner.contradiction,
    }
    known = {name: format_time(moment) for name, moment in times.items() if moment is not None}
    return known | {name: text for name, text in texts.items() if text}


def _asset(product: Product, station: AuxipStation) -> Asset:
    facts: dict[str, Any] = {}
    if product.size is not None:
        facts["file:size"] = product.size
    if product.digests:
        facts["file:checksum"] = product.digests[0].multihash
    return Asset(
        href=f"{str(station.url).rstrip('/')}/Products({quote(product.id, safe='')})/$value",
        media_type=_media_type(product),
        roles=["data"],
        extra_fields=facts,
    )


def _media_type(product: Product) -> str:
    suffix = "." + product.name.rpartition(".")[2].lower()
    guess: Callable[[str], tuple[str | None, str | None]] = mimetypes.guess_type
    return _MEDIA_TYPES.get(suffix) or guess(product.name)[0] or product.content_type or "application/octet-stream"
