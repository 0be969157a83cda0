from typing import Any

import pytest

from rs_assets.items.extensions import (
    ALTERNATE_ASSETS,
    FILE,
    PROCESSING,
    PRODUCT,
    TIMESTAMPS,
    declare_extensions,
)
from rs_assets.items.validation import collection_error, item_error

from .samples import item_of


@pytest.mark.parametrize(
    ("properties", "asset", "used"),
    [
        ({}, {}, []),
        ({}, {"file:size": 1}, [FILE]),
        ({"published": "2026-11-01T00:00:00Z"}, {}, [TIMESTAMPS]),
        ({"expires": "2026-11-01T00:00:00Z"}, {}, [TIMESTAMPS]),
        ({"product__type": "AUX_PP2"}, {}, [PRODUCT]),
        ({"processing__version": "1"}, {}, [PROCESSING]),
        ({}, {"alternate": {}}, [ALTERNATE_ASSETS]),
        ({"created": "2026-11-01T00:00:00Z", "platform": "sentinel-1a"}, {"title": "t"}, []),
    ],
)
def test_an_extension_is_listed_only_while_a_field_of_it_is_used(
    properties: dict[str, Any], asset: dict[str, Any], used: list[str]
) -> None:
    item = item_of(asset=asset, **properties)

    declare_extensions(item)
    declare_extensions(item)

    assert item.stac_extensions == used


def test_an_extension_that_is_used_no_more_goes_and_a_foreign_one_stays() -> None:
    item = item_of()
    item.stac_extensions = ["https://example.org/own.json", FILE]

    declare_extensions(item)

    assert item.stac_extensions == ["https://example.org/own.json"]


@pytest.mark.parametrize("item", [item_of(), item_of(moment=None), item_of(published="2026-11-01T00:00:00Z")])
def test_a_whole_item_is_valid(item: Any) -> None:
    assert item_error(item.to_dict(include_self_link=False)) is None


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"id": ""}, "id"),
        ({"type": "Thing"}, "type"),
        ({"properties": {"datetime": None}}, "properties"),
        ({"properties": {}}, "properties"),
        ({"geometry": {"type": "Circle"}}, "geometry"),
        ({"assets": {"a": {}}}, "assets/a"),
        ({"links": None}, "links"),
        ({"stac_version": "0.9"}, "stac_version"),
    ],
)
def test_what_makes_an_item_invalid_is_said_with_its_place(change: dict[str, Any], place: str) -> None:
    error = item_error(item_of().to_dict(include_self_link=False) | change)

    assert error is not None
    assert error.startswith(place)


def test_a_collection_is_accepted_or_refused() -> None:
    collection: dict[str, Any] = {
        "type": "Collection",
        "stac_version": "1.1.0",
        "id": "s1_aux",
        "description": "Auxiliary files",
        "license": "other",
        "extent": {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}},
        "links": [],
    }

    assert collection_error(collection) is None
    assert (collection_error(collection | {"license": 5}) or "").startswith("license")
    assert (collection_error({}) or "").startswith("the document")
