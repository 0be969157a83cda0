"""The documents of collections: what a spec fixes, and what follows the items."""

import sqlite3
from datetime import datetime
from typing import Any

import pystac

from rs_assets.catalog.protocol import CollectionSpec
from rs_assets.catalog.records import Box, from_microseconds, id_error
from rs_assets.errors import CatalogError
from rs_assets.items.times import OPEN_END, format_time
from rs_assets.items.validation import collection_error

WORLD: Box = (-180.0, -90.0, 180.0, 90.0)
"""The box of a collection, or of an item, of which nothing narrower is known."""

_MAX_VALUES = 10_000
"""Most values of one summary; pystac drops a longer one from the document."""

_FIGURES = """
    SELECT
        (SELECT min(start_us) FROM items WHERE collection_id = :id),
        (SELECT max(end_us) FROM items WHERE collection_id = :id),
        min(west), min(south), max(east), max(north), max(west > east)
    FROM items WHERE collection_id = :id
"""
_SUMMARIES = "SELECT field, value FROM summaries WHERE collection_id = ? ORDER BY field, value"


def fixed_document(spec: CollectionSpec) -> dict[str, Any]:
    """The part of a collection's document that does not follow its items.

    Raises:
        CatalogError: the id is not portable, or the collection would not be valid STAC.
    """
    if reason := id_error(spec.id):
        raise CatalogError(f"the collection cannot be created: {reason}")
    document: dict[str, Any] = {
        "type": "Collection",
        "stac_version": "1.1.0",
        "id": spec.id,
        "title": spec.title,
        "description": spec.description,
        "license": spec.license,
        "links": [],
    }
    if spec.keywords:
        document["keywords"] = list(spec.keywords)
    if spec.providers:
        document["providers"] = [provider.to_dict() for provider in spec.providers]
    if reason := collection_error(document | {"extent": _extent(None, None, WORLD)}):
        raise CatalogError(f"the collection {spec.id} would not be valid STAC 1.1: {reason}")
    return document


def read_collection(connection: sqlite3.Connection, fixed: dict[str, Any]) -> pystac.Collection:
    """The collection with the extent and the summaries that its items have now."""
    collection_id = fixed["id"]
    start, end, west, south, east, north, crosses = connection.execute(_FIGURES, {"id": collection_id}).fetchone()
    box = WORLD if west is None else (west, south, east, north)
    if crosses:
        # One box around both sides of the antimeridian goes around the globe.
        box = WORLD[0], box[1], WORLD[2], box[3]
    first = None if start is None else from_microseconds(start)
    last = None if end is None else from_microseconds(end)
    document = fixed | {"extent": _extent(first, last, box)}
    collection = pystac.Collection.from_dict(document, migrate=False)
    collection.summaries = pystac.Summaries(_summaries(connection, collection_id), maxcount=_MAX_VALUES)
    # pystac makes every new collection its own root, a link that no document can hold without an address.
    collection.remove_links(pystac.RelType.ROOT)
    return collection


def _summaries(connection: sqlite3.Connection, collection_id: str) -> dict[str, list[str]]:
    """The values of every summarised field, sorted."""
    summaries: dict[str, list[str]] = {}
    for field, value in connection.execute(_SUMMARIES, (collection_id,)):
        summaries.setdefault(field, []).append(value)
    return summaries


def _extent(start: datetime | None, end: datetime | None, box: Box) -> dict[str, Any]:
    last = None if end is None or end >= OPEN_END else format_time(end)
    first = None if start is None else format_time(start)
    return {"spatial": {"bbox": [list(box)]}, "temporal": {"interval": [[first, last]]}}
