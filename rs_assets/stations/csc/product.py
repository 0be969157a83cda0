"""One product of an OData service, and the STAC item that it becomes.

Stations differ in how they write a product: numbers as strings, dates with 0 to 7 fraction digits or to the
minute, attributes missing. What identifies a product must be readable; anything else that is not is left out.
"""

import mimetypes
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import AliasPath, BaseModel, BeforeValidator, ConfigDict, Field
from pystac import Asset, Item

from rs_assets.items.extensions import declare_extensions
from rs_assets.items.identity import stem
from rs_assets.items.multihash import Algorithm, Digest
from rs_assets.items.times import format_time
from rs_assets.stations.csc.attributes import Attributes
from rs_assets.stations.csc.footprints import FootprintError, footprint_of
from rs_assets.stations.fields import Flag, Moment, RequiredText, Size, Text, moment_of
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
    size: Annotated[Size, Field(alias="ContentLength")] = None
    """Bytes."""
    origin_date: Annotated[Moment, Field(alias="OriginDate")] = None
    publication_date: Annotated[Moment, Field(alias="PublicationDate")] = None
    modification_date: Annotated[Moment, Field(alias="ModificationDate")] = None
    eviction_date: Annotated[Moment, Field(alias="EvictionDate")] = None
    content_start: Annotated[Moment, Field(validation_alias=AliasPath("ContentDate", "Start"))] = None
    content_end: Annotated[Moment, Field(validation_alias=AliasPath("ContentDate", "End"))] = None
    digests: Annotated[tuple[Digest, ...], BeforeValidator(_digests), Field(alias="Checksum")] = ()
    """The cheapest to compute first."""
    attributes: Annotated[Attributes, Field(alias="Attributes", default_factory=dict)]
    is_online: Annotated[Flag, Field(alias="Online")] = None
    """Whether it can be fetched at once; None where the service does not say."""
    geo_footprint: Annotated[object, Field(alias="GeoFootprint")] = None
    footprint: Annotated[object, Field(alias="Footprint")] = None
    production_type: Annotated[Text, Field(alias="ProductionType")] = None
    """Why it was made, e.g. ``systematic_production``."""

    @property
    def start(self) -> datetime | None:
        """Begin of the validity."""
        return self.content_start or moment_of(self.text("beginningDateTime"))

    @property
    def end(self) -> datetime | None:
        """End of the validity."""
        return self.content_end or moment_of(self.text("endingDateTime"))

    @property
    def short_name(self) -> str | None:
        """The platform's name without its unit, e.g. ``SENTINEL-1``."""
        return self.text("platformShortName")

    @property
    def serial(self) -> str | None:
        """The platform's unit, e.g. ``A``."""
        return self.text("platformSerialIdentifier")

    @property
    def product_type(self) -> str | None:
        """E.g. ``AUX_RESORB``."""
        return self.text("productType")

    def text(self, name: str) -> str | None:
        """An attribute as the service wrote it."""
        attribute = self.attributes.get(name)
        return None if attribute is None else attribute.text


@dataclass(frozen=True, slots=True)
class ItemRule:
    """How the products of a station become items."""

    prefix: str
    """The interface's name, which begins the properties of its own."""
    root: str
    """Of the service; ``/Products`` follows it."""
    keeps_extension: bool = False
    """Whether an item's id is the product's whole name, rather than without its last extension."""
    more_properties: Callable[[Product], dict[str, Any]] = lambda _: {}
    """What its items say beside what every product has."""


def product_item(product: Product, rule: ItemRule, owner: Belonging) -> Item:
    """The STAC 1.1 item of a product: its identity, times, place, platform, processing, and the file as its one asset.

    A footprint that cannot be read is left out, and the item says why in ``<interface>:footprint_problem``.
    """
    start = product.start or product.end
    end = product.end or product.start
    moment = start or product.publication_date or product.origin_date
    properties = _properties(product, rule, owner, start, end) | rule.more_properties(product)
    try:
        place = footprint_of(product.geo_footprint, product.footprint)
    except FootprintError as error:
        place = None
        properties[f"{rule.prefix}:footprint_problem"] = str(error)
    item = Item(
        id=product.name if rule.keeps_extension else stem(product.name),
        geometry=place and place[0],
        bbox=place and place[1],
        datetime=moment,
        properties=properties,
    )
    item.add_asset(product.name, _asset(product, rule))
    declare_extensions(item)
    return item


def _properties(
    product: Product, rule: ItemRule, owner: Belonging, start: datetime | None, end: datetime | None
) -> dict[str, Any]:
    created = product.origin_date or product.publication_date
    times = {
        "start_datetime": start,
        "end_datetime": end,
        "created": created,
        "updated": product.modification_date,
        "published": product.publication_date,
        "expires": product.eviction_date,
        "processing:datetime": moment_of(product.text("processingDate")),
    }
    texts = {
        "product:type": product.product_type,
        "platform": owner.platform,
        "constellation": owner.mission.constellation if owner.mission else None,
        "processing:facility": product.text("processingCenter"),
        "processing:version": product.text("processorVersion"),
        f"{rule.prefix}:id": product.id,
        f"{rule.prefix}:contradiction": owner.contradiction,
    }
    known = {name: format_time(moment) for name, moment in times.items() if moment is not None}
    return known | {name: text for name, text in texts.items() if text}


def _asset(product: Product, rule: ItemRule) -> Asset:
    facts: dict[str, Any] = {}
    if product.size is not None:
        facts["file:size"] = product.size
    if product.digests:
        facts["file:checksum"] = product.digests[0].multihash
    return Asset(
        href=f"{rule.root.rstrip('/')}/Products({quote(product.id, safe='')})/$value",
        media_type=_media_type(product),
        roles=["data"],
        extra_fields=facts,
    )


def _media_type(product: Product) -> str:
    suffix = "." + product.name.rpartition(".")[2].lower()
    guess: Callable[[str], tuple[str | None, str | None]] = mimetypes.guess_type
    return _MEDIA_TYPES.get(suffix) or guess(product.name)[0] or product.content_type or "application/octet-stream"
