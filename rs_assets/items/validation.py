"""Validity against the core of STAC 1.1, offline: the schemas are those that pystac brings along."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema_rs

_ITEM_SCHEMA = "https://schemas.stacspec.org/v1.1.0/item-spec/json-schema/item.json"
_COLLECTION_SCHEMA = "https://schemas.stacspec.org/v1.1.0/collection-spec/json-schema/collection.json"


def item_error(document: Mapping[str, Any]) -> str | None:
    """What makes an item's document invalid against STAC 1.1 core, as one sentence; None if it is valid."""
    return _first_error(_ITEM_SCHEMA, document)


def collection_error(document: Mapping[str, Any]) -> str | None:
    """What makes a collection's document invalid against STAC 1.1 core, as one sentence; None if it is valid."""
    return _first_error(_COLLECTION_SCHEMA, document)


def _first_error(schema: str, document: Mapping[str, Any]) -> str | None:
    error = next(_validator(schema).iter_errors(document), None)
    if error is None:
        return None
    place = "/".join(str(part) for part in error.instance_path) or "the document"
    return f"{place}: {error.message}"


@cache
def _validator(schema: str) -> jsonschema_rs.Validator:
    schemas = _schemas()
    registry = jsonschema_rs.Registry(list(schemas.items()))
    return jsonschema_rs.validator_for(schemas[schema], registry=registry)


def _schemas() -> dict[str, Any]:
    """The schemas by URL, read as data: pystac's own reader imports a validator that is slow to load and not used."""
    root = files("pystac") / "validation" / "jsonschemas"
    found = {f"https://geojson.org/schema/{file.name}": file for file in (root / "geojson").iterdir()}
    for file in (root / "stac-spec" / "v1.1.0").iterdir():
        name = file.name.removesuffix(".json")
        part = name if name in {"catalog", "collection"} else "item"
        found[f"https://schemas.stacspec.org/v1.1.0/{part}-spec/json-schema/{name}.json"] = file
    return {url: json.loads(file.read_text("utf-8")) for url, file in found.items() if file.name.endswith(".json")}
