"""A product as the JSON entity that the interface shows."""

from datetime import datetime
from typing import Any

from rs_assets.simulator.content import digests
from rs_assets.simulator.products import Attribute, Product

Json = dict[str, Any]


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
    if expand:
        shown["Attributes"] = [_attribute(attribute) for attribute in product.attributes]
    return shown


def checksums(product: Product) -> tuple[tuple[str, str], ...]:
    """The checksums (algorithm, hexadecimal value) that the station announces."""
    if product.vouched is not None:
        return product.vouched
    true = digests(product)
    return ("MD5", true.md5), ("BLAKE3", true.blake3)


def iso(moment: datetime) -> str:
    """The interface's notation of a UTC time: ``2024-05-01T00:00:00.000Z``."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _attribute(attribute: Attribute) -> Json:
    value = attribute.value
    return {
        "@odata.type": f"#OData.CSC.{attribute.kind}Attribute",
        "Name": attribute.name,
        "ValueType": attribute.kind.value,
        "Value": iso(value) if isinstance(value, datetime) else value,
    }
