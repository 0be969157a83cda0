"""An item as the catalogue keeps it: its document, and the facts by which it is found and compared."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pystac
from pystac import Item

from rs_assets.items.identity import publication_order
from rs_assets.items.times import parse_time
from rs_assets.items.validation import item_error

SUMMARIZED_FIELDS = ("constellation", "instruments", "platform", "processing:level", "product:type")
"""The properties whose values a collection sums up."""

_NOT_PORTABLE = ":/?#[]@!$&'()*+,;="
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_BYTES = 2**63 - 1

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees; west > east crosses the antimeridian."""


@dataclass(frozen=True, slots=True)
class AssetRecord:
    """What the catalogue looks up of one file."""

    key: str
    href: str
    size: int | None
    """Bytes."""
    checksum: str | None
    """Multihash hex."""


@dataclass(frozen=True, slots=True)
class ItemRecord:
    """One item, checked and ready to be written."""

    item: Item
    document: str
    """Canonical JSON: equal documents are equal texts."""
    content_hash: bytes
    moment: datetime
    """When the product was published."""
    key: str
    """The station's key of the publication."""
    start: datetime
    end: datetime
    box: Box | None
    assets: tuple[AssetRecord, ...]
    summaries: frozenset[tuple[str, str]]
    """What the item adds to its collection's summaries: field and value."""

    @property
    def order(self) -> tuple[datetime, str]:
        """See `order_of`."""
        return self.moment, self.key


def item_record(collection_id: str, item: Item) -> ItemRecord:
    """Check an item and take from it what the catalogue keeps.

    Raises:
        ValueError: the item cannot stand in the collection; the message is the reason, as one sentence.
    """
    document = _document(collection_id, item)
    text = json.dumps(document, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    properties = document["properties"]
    moment, key = order_of(item)
    start, end = _time(properties)
    return ItemRecord(
        item=item,
        document=text,
        content_hash=hashlib.blake2b(text.encode(), digest_size=32).digest(),
        moment=moment,
        key=key,
        start=start,
        end=end,
        box=_box(document.get("bbox")),
        assets=tuple(_asset(key, asset) for key, asset in document["assets"].items()),
        summaries=summarized_values(properties),
    )


def read_item(document: str) -> Item:
    """The item that `item_record` made this document of."""
    return Item.from_dict(json.loads(document), migrate=False, preserve_dict=False)


def order_of(item: Item) -> tuple[datetime, str]:
    """`publication_order`, in aware UTC also where pystac holds a datetime without a zone, which it writes as UTC.

    Raises:
        ValueError: the item has no time, or one that cannot be read.
    """
    try:
        moment, key = publication_order(item)
    except (AttributeError, TypeError) as error:
        raise ValueError(f"the publication time of {item.id} is not text") from error
    return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)), key


def summarized_values(properties: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    """What an item of these properties adds to its collection's summaries: field and value."""
    found: set[tuple[str, str]] = set()
    for field in SUMMARIZED_FIELDS:
        value = properties.get(field)
        values = value if isinstance(value, list) else [value]
        found |= {(field, each) for each in values if isinstance(each, str) and each}
    return frozenset(found)


def id_error(identifier: object) -> str | None:
    """Why an id would be refused by a STAC API server, as one sentence; None if it would not."""
    if not isinstance(identifier, str) or not identifier:
        return "an id is a text of at least one character"
    forbidden = sorted({character for character in identifier if character in _NOT_PORTABLE or character < " "})
    if forbidden:
        return f"the id {identifier!r} holds {' '.join(map(repr, forbidden))}, which STAC API servers refuse"
    return None


def collection_href(collection_id: str) -> str:
    """Where an item's collection is, relative to the item's place in a STAC API."""
    return f"../../{quote(collection_id)}"


def to_microseconds(moment: datetime) -> int:
    """Whole microseconds since 1970 of an aware datetime."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def from_microseconds(microseconds: int) -> datetime:
    """The reverse of `to_microseconds`, in UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)


def _document(collection_id: str, item: Item) -> dict[str, Any]:
    """The item's document as pure JSON, valid, with its collection and the link that this demands."""
    if reason := id_error(item.id):
        raise ValueError(reason)
    if item.collection_id not in {None, collection_id}:
        raise ValueError(f"the item belongs to the collection {item.collection_id}, not to {collection_id}")
    try:
        written = item.to_dict(transform_hrefs=False)
        written["collection"] = collection_id
        if not any(link["rel"] == pystac.RelType.COLLECTION for link in written["links"]):
            link = {"rel": "collection", "href": collection_href(collection_id), "type": "application/json"}
            written["links"].append(link)
        document: dict[str, Any] = json.loads(json.dumps(written, allow_nan=False, ensure_ascii=False).encode())
    except (pystac.STACError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise ValueError(f"the item cannot be written as JSON: {error}") from error
    if reason := item_error(document):
        raise ValueError(f"the item is not valid STAC 1.1: {reason}")
    return document


def _time(properties: Mapping[str, Any]) -> tuple[datetime, datetime]:
    """The item's time: start_datetime to end_datetime, else its datetime."""
    if "start_datetime" not in properties:
        moment = parse_time(properties["datetime"])
        return moment, moment
    start, end = parse_time(properties["start_datetime"]), parse_time(properties["end_datetime"])
    if start > end:
        raise ValueError(f"the item's start_datetime {start.isoformat()} is after its end_datetime {end.isoformat()}")
    return start, end


def _box(bbox: list[float] | None) -> Box | None:
    if bbox is None:
        return None
    half = len(bbox) // 2
    try:
        west, south, east, north = (float(bbox[place]) for place in (0, 1, half, half + 1))
    except OverflowError as error:
        raise ValueError(f"the item's bbox {bbox} holds a number that is not a coordinate") from error
    return west, south, east, north


def _asset(key: str, asset: Mapping[str, Any]) -> AssetRecord:
    size, checksum = asset.get("file:size"), asset.get("file:checksum")
    if size is not None and (not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= _MAX_BYTES):
        raise ValueError(f"the file:size of {key} is {size!r}, not a number of bytes")
    if checksum is not None and not isinstance(checksum, str):
        raise ValueError(f"the file:checksum of {key} is {checksum!r}, not a text")
    return AssetRecord(key, asset["href"], size, checksum)
