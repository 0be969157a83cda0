"""Products that are put into the archive by hand: new ones, and new publications of old ones."""

from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any
from uuid import uuid4

from rs_assets.simulator.bodies import moment
from rs_assets.simulator.csc.products import Product
from rs_assets.simulator.errors import QueryError
from rs_assets.simulator.odata.schema import Attribute, Kind

_WELL_KNOWN = {
    "productType": "product_type",
    "platformShortName": "platform",
    "platformSerialIdentifier": "serial",
    "processingCenter": "center",
    "processorVersion": "version",
}
_FROM_DATES = {"beginningDateTime", "endingDateTime", "processingDate"}


def made(fields: dict[str, Any], now: datetime, kept: timedelta) -> Product:
    """A product from entity fields, a ``size`` in bytes and a ``footprint``, a ring; what is absent is made up.

    ``ContentLength`` and ``Checksum`` are announced as they are given, true or not. ``Attributes`` is a
    list of attribute entities, or an object from name to value. Raises ``QueryError`` for what cannot be.
    """
    name = fields.get("Name", fields.get("name"))
    if not isinstance(name, str) or not name:
        raise QueryError("A product has a Name.")
    length = fields.get("ContentLength")
    size = fields.get("size", length if length is not None else 1000)
    if not isinstance(size, int) or size < 0:
        raise QueryError("size is a number of bytes, zero or more.")
    published = _date(fields, "PublicationDate", now)
    interval = fields.get("ContentDate") or {}
    if not isinstance(interval, dict):
        raise QueryError("ContentDate is an object with Start and End.")
    attributes = _attributes(fields.get("Attributes") or [])
    product_id = str(fields.get("Id", uuid4()))
    return Product(
        id=product_id,
        name=name,
        size=size,
        key=blake2b(f"{product_id}/{name}/{published}/{size}".encode(), digest_size=32).digest(),
        published=published,
        origin=_date(fields, "OriginDate", published),
        evicted=_date(fields, "EvictionDate", published + kept),
        start=_date(interval, "Start", published),
        end=_date(interval, "End", published),
        content_type=str(fields.get("ContentType", "application/octet-stream")),
        announced_size=length,
        vouched=_checksums(fields["Checksum"]) if "Checksum" in fields else None,
        footprint=_ring(fields["footprint"]) if "footprint" in fields else None,
        online=fields.get("Online"),
        production_type=str(fields.get("ProductionType", "")),
        more=tuple(a for a in attributes if a.name not in _WELL_KNOWN and a.name not in _FROM_DATES),
        **{_WELL_KNOWN[a.name]: str(a.value) for a in attributes if a.name in _WELL_KNOWN},
    )


def republished(old: Product, now: datetime, kept: timedelta, *, same_id: bool, changed: bool) -> Product:
    """A new publication of a product: now, with other bytes if they have ``changed``."""
    key, size = old.key, old.size
    if changed:
        key = blake2b(old.key + now.isoformat().encode(), digest_size=32).digest()
        size += 1 + key[0]
    return replace(
        old,
        id=old.id if same_id else str(uuid4()),
        key=key,
        size=size,
        published=now.replace(microsecond=now.microsecond // 1000 * 1000),
        evicted=now + kept,
        vouched=None,
        announced_size=None,
    )


def _date(fields: dict[str, Any], name: str, default: datetime) -> datetime:
    return moment(fields[name]) if fields.get(name) is not None else default


def _checksums(given: list[dict[str, str]]) -> tuple[tuple[str, str], ...]:
    try:
        return tuple((checksum["Algorithm"], checksum["Value"]) for checksum in given)
    except (KeyError, TypeError) as error:
        raise QueryError("Checksum is a list of objects with Algorithm and Value.") from error


def _ring(given: list[list[float]]) -> tuple[tuple[float, float], ...]:
    try:
        return tuple((float(longitude), float(latitude)) for longitude, latitude in given)
    except (TypeError, ValueError) as error:
        raise QueryError("footprint is a list of pairs of numbers, longitude and latitude.") from error


def _attributes(given: dict[str, Any] | list[dict[str, Any]]) -> list[Attribute]:
    if isinstance(given, dict):
        return [_attribute(name, value, None) for name, value in given.items()]
    try:
        return [_attribute(item["Name"], item["Value"], item.get("ValueType")) for item in given]
    except (AttributeError, KeyError, TypeError) as error:
        raise QueryError("Attributes is a list of objects with Name and Value.") from error


def _attribute(name: str, value: Any, kind: str | None) -> Attribute:
    if kind is not None and kind not in set(Kind):
        raise QueryError(f"There is no attribute type {kind!r}.")
    known = Kind(kind) if kind else _KINDS.get(type(value), Kind.STRING)
    return Attribute(name, known, moment(value) if known is Kind.DATE else value)


_KINDS: dict[type, Kind] = {bool: Kind.BOOLEAN, int: Kind.INTEGER, float: Kind.DOUBLE}
