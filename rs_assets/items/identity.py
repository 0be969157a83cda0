"""How items and their files are named, and when two of them are the same product.

* Item id: the product's name without its last extension.
* Object key: ``<collection>/<item id>/<source id>/<file name>``. The source id is the station's own key of that
  very publication, so a re-publication can never change the bytes that an item points at.
"""

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from pystac import Asset, Item

from rs_assets.items.times import parse_time
from rs_assets.settings import interface_names

UNPACKED_FROM = "unpacked_from"
"""The field of an asset that was inside another file of the item: the asset key of that one."""

_MAX_SEGMENT_BYTES = 255
_UNSAFE = re.compile(r"[/\\:\x00-\x1f\x7f-\x9f]")
"""Slash, backslash, colon, and the control characters (Unicode's category Cc)."""


def stem(name: str) -> str:
    """The product's name without its last extension: ``A.EOF.zip`` gives ``A.EOF``, ``A`` stays ``A``."""
    return PurePosixPath(name).stem if PurePosixPath(name).name == name else name


def source_id(item: Item, asset_key: str) -> str:
    """The station's key of the publication that the asset belongs to.

    Without one, a digest of href, size and checksum: other bytes or another place give another key.
    """
    asset = item.assets[asset_key]
    key = station_key(asset.extra_fields, item.properties)
    if key is not None:
        return key
    facts = (asset.href, asset.extra_fields.get("file:size"), asset.extra_fields.get("file:checksum"))
    return hashlib.blake2b(repr(facts).encode(), digest_size=16).hexdigest()


def station_key(*places: Mapping[str, object]) -> str | None:
    """The station's own key in the first of these fields that hold one."""
    return next((str(place[field]) for place in places for field in source_id_fields() if place.get(field)), None)


@cache
def source_id_fields() -> tuple[str, ...]:
    """Where a station's own key of a publication stands, on the asset, else on the item; one for each interface."""
    return tuple(f"{name}:id" for name in interface_names())


def object_key(collection: str, item: Item, asset_key: str) -> str:
    """The key of an item's file in the object store.

    Raises:
        ValueError: a part of the key is not one safe path segment (see `safe_segment`).
    """
    parts = (collection, item.id, source_id(item, asset_key), asset_key)
    return "/".join(safe_segment(part) for part in parts)


def safe_segment(text: str) -> str:
    """The text, if it can be one segment of a path or an object key on every store.

    Raises:
        ValueError: it is empty, ``.`` or ``..``, not in Unicode's NFC form, longer than 255 bytes, or holds a
            slash, a backslash, a colon or a control character.
    """
    if not text or text in {".", ".."}:
        raise ValueError(f"{text!r} cannot be a file name")
    if _UNSAFE.search(text):
        raise ValueError(f"{text!r} cannot be a file name: it holds a slash, backslash, colon or control character")
    if not unicodedata.is_normalized("NFC", text):
        raise ValueError(f"{text!r} cannot be a file name: it is not in Unicode's NFC form")
    if len(text.encode()) > _MAX_SEGMENT_BYTES:
        raise ValueError(f"{text[:60]!r}… cannot be a file name: it has more than {_MAX_SEGMENT_BYTES} bytes")
    return text


def source_id_in(href: str) -> str:
    """The source id in the href of an object whose key `object_key` made; empty where there is none."""
    segments = urlsplit(href).path.split("/")
    return unquote(segments[-2]).partition("~")[0] if len(segments) > 1 else ""


def same_product(one: Item, other: Item) -> bool:
    """Whether two items of one id stand for one product, rather than for two whose names differ.

    ``A.zip`` and ``A.EOF`` both have the id ``A``; their asset keys, the full names, tell them apart. A session is
    known by its id alone, and not to be asked about here.
    """
    return not one.assets or not other.assets or not set(one.assets).isdisjoint(other.assets)


def publication_order(item: Item) -> tuple[datetime, str]:
    """What orders the publications of one product, the newest last: publication time, then the station's key.

    Raises:
        ValueError: the item has no time, or one that cannot be read.
    """
    times = [item.properties.get(name) for name in ("published", "created", "start_datetime")]
    moment = next(filter(None, times), item.datetime.isoformat() if item.datetime else None)
    if moment is None:
        raise ValueError(f"item {item.id} has neither published, created, start_datetime nor datetime")
    if not isinstance(moment, str):
        raise ValueError(f"item {item.id} has the time {moment!r}, which is not text")  # noqa: TRY004 - a value of the item
    assets = (asset.extra_fields for asset in item.assets.values())
    return parse_time(moment), station_key(item.properties, *assets) or ""


def same_content(one: Asset, other: Asset) -> bool:
    """Whether two assets state the same bytes: equal checksums, or, where one has none, equal sizes.

    Checksums of two algorithms cannot be compared and count as different.
    """
    sums = one.extra_fields.get("file:checksum"), other.extra_fields.get("file:checksum")
    if all(sums):
        return bool(sums[0] == sums[1])
    sizes = one.extra_fields.get("file:size"), other.extra_fields.get("file:size")
    return sizes[0] is not None and sizes[0] == sizes[1]
