"""A product as the JSON entity that the interface shows."""

import operator
from datetime import datetime

from rs_assets.simulator.content import digests
from rs_assets.simulator.csc.products import Product
from rs_assets.simulator.odata.notation import Json, iso
from rs_assets.simulator.odata.schema import Attribute, Field, Kind, Schema

PRODUCTS: Schema[Product] = Schema(
    "Product",
    fields={
        "Id": Field(Kind.STRING, operator.attrgetter("id")),
        "Name": Field(Kind.STRING, operator.attrgetter("name")),
        "ContentType": Field(Kind.STRING, operator.attrgetter("content_type")),
        "ContentLength": Field(Kind.INTEGER, operator.attrgetter("listed_size")),
        "OriginDate": Field(Kind.DATE, operator.attrgetter("origin")),
        "PublicationDate": Field(Kind.DATE, operator.attrgetter("published")),
        "ModificationDate": Field(Kind.DATE, operator.attrgetter("published")),
        "EvictionDate": Field(Kind.DATE, operator.attrgetter("evicted")),
        "ContentDate/Start": Field(Kind.DATE, operator.attrgetter("start")),
        "ContentDate/End": Field(Kind.DATE, operator.attrgetter("end")),
        "Online": Field(Kind.BOOLEAN, operator.attrgetter("online")),
        "ProductionType": Field(Kind.STRING, operator.attrgetter("production_type")),
    },
    key=operator.attrgetter("id"),
    expandable=frozenset({"Attributes"}),
    attributes=operator.attrgetter("attributes"),
)


def entity(product: Product, *, expand: bool = False) -> Json:
    """The entity; with ``expand`` its attributes, too. Dates are UTC with milliseconds."""
    shown: Json = {
        "@odata.mediaContentType": product.content_type,
        "Id": product.id,
        "Name": product.name,
        "ContentType": product.content_type,
        "ContentLength": product.listed_size,
        "OriginDate": iso(product.origin),
        "PublicationDate": iso(product.published),
        "ModificationDate": iso(product.published),
        "EvictionDate": iso(product.evicted),
        "Checksum": [
            {"Algorithm": algorithm, "Value": value, "ChecksumDate": iso(product.published)}
            for algorithm, value in checksums(product)
        ],
        "ContentDate": {"Start": iso(product.start), "End": iso(product.end)},
    }
    if product.footprint is not None:
        ring = [list(position) for position in product.footprint]
        wkt = ",".join(f"{longitude} {latitude}" for longitude, latitude in product.footprint)
        shown["Footprint"] = f"geography'SRID=4326;POLYGON(({wkt}))'"
        shown["GeoFootprint"] = {"type": "Polygon", "coordinates": [ring]}
    if product.online is not None:
        shown["Online"] = product.online
    if product.production_type:
        shown["ProductionType"] = product.production_type
    if expand:
        shown["Attributes"] = [_attribute(attribute) for attribute in product.attributes]
    return shown


def checksums(product: Product) -> tuple[tuple[str, str], ...]:
    """The checksums (algorithm, hexadecimal value) that the station announces."""
    if product.vouched is not None:
        return product.vouched
    true = digests(product.key, product.size, product.name)
    return ("MD5", true.md5), ("BLAKE3", true.blake3)


def _attribute(attribute: Attribute) -> Json:
    value = attribute.value
    return {
        "@odata.type": f"#OData.CSC.{attribute.kind}Attribute",
        "Name": attribute.name,
        "ValueType": attribute.kind.value,
        "Value": iso(value) if isinstance(value, datetime) else value,
    }
