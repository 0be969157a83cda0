from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pystac import Asset, Item

from rs_assets.items.identity import (
    object_key,
    publication_order,
    safe_segment,
    same_content,
    same_product,
    source_id,
    source_id_fields,
    stem,
)

from .samples import DAY, item_of


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("S1A_AUX.EOF", "S1A_AUX"),
        ("S1A_AUX.EOF.zip", "S1A_AUX.EOF"),
        ("S3A_AUX.SEN3.zip", "S3A_AUX.SEN3"),
        ("S1A_AUX", "S1A_AUX"),
        (".hidden", ".hidden"),
        ("a/b.zip", "a/b.zip"),
        ("..", ".."),
        ("", ""),
    ],
)
def test_an_id_is_the_name_without_its_last_extension(name: str, expected: str) -> None:
    assert stem(name) == expected


def test_an_object_key_has_collection_item_publication_and_file_name() -> None:
    item = item_of(auxip__id="uuid-1")

    assert object_key("s1_aux", item, "S1A_AUX.EOF.zip") == "s1_aux/S1A_AUX.EOF/uuid-1/S1A_AUX.EOF.zip"


@pytest.mark.parametrize("field", source_id_fields())
def test_the_publication_is_the_one_of_the_asset_else_of_the_item(field: str) -> None:
    item = item_of(asset={field: "of-asset"}, auxip__id="of-item")

    assert source_id(item, "S1A_AUX.EOF.zip") == "of-asset"
    assert source_id(item_of(auxip__id=7), "S1A_AUX.EOF.zip") == "7"


def test_without_a_key_of_the_station_other_bytes_or_another_place_are_another_publication() -> None:
    facts: list[dict[str, Any]] = [{}, {"file:size": 1}, {"file:size": 1, "file:checksum": "d50110"}]
    items = [item_of(asset=fact) for fact in facts]
    elsewhere = item_of()
    elsewhere.assets["S1A_AUX.EOF.zip"].href = "https://other.example/S1A_AUX.EOF.zip"

    keys = {source_id(item, "S1A_AUX.EOF.zip") for item in [*items, elsewhere]}

    assert len(keys) == 4
    assert source_id(item_of(), "S1A_AUX.EOF.zip") in keys
    assert all(safe_segment(key) for key in keys)


UNSAFE = [
    pytest.param("", id="empty"),
    pytest.param(".", id="dot"),
    pytest.param("..", id="dotdot"),
    pytest.param("a/b", id="slash"),
    pytest.param("../a", id="climbing"),
    pytest.param("a\\b", id="backslash"),
    pytest.param("a\x00b", id="nul"),
    pytest.param("C:a", id="colon"),
    pytest.param("a\nb", id="line-break"),
    pytest.param("a\x7f", id="delete"),
    pytest.param("a\x85", id="c1"),
    pytest.param("e\u0301.EOF", id="not-nfc"),
    pytest.param("a" * 256, id="256-bytes"),
    pytest.param("é" * 128, id="256-bytes-of-utf-8"),
    pytest.param("a\ud800", id="half-a-character"),
]


@pytest.mark.parametrize("name", UNSAFE)
def test_a_name_that_is_no_safe_segment_is_refused_anywhere_in_a_key(name: str) -> None:
    item = item_of(auxip__id="uuid-1")
    wrong_id = item_of(auxip__id="uuid-1")
    wrong_id.id = name
    wrong_asset = item_of(name, auxip__id="uuid-1")

    for collection, of, key in [
        (name, item, "S1A_AUX.EOF.zip"),
        ("c", wrong_id, "S1A_AUX.EOF.zip"),
        ("c", wrong_asset, name),
    ]:
        with pytest.raises(ValueError, match=r"cannot be a file name|can't encode"):
            object_key(collection, of, key)


@pytest.mark.parametrize("name", ["a" * 255, "é" * 127, "..a", "a b", "it's+1-2.EOF", "é.EOF", "~$%"])
def test_a_safe_name_stays_as_it_is(name: str) -> None:
    assert safe_segment(name) == name


def test_a_later_publication_comes_after_an_earlier_one_whatever_its_fraction() -> None:
    older = item_of(published="2026-11-01T00:00:00Z")
    newer = item_of(published="2026-11-01T00:00:00.5Z")

    assert publication_order(older) < publication_order(newer)


def test_publications_of_one_instant_are_ordered_by_the_key_of_the_station() -> None:
    first, second = (item_of(published="2026-11-01T00:00:00Z", auxip__id=key) for key in ("a", "b"))

    assert publication_order(first) < publication_order(second)


def test_the_key_is_taken_from_an_asset_where_the_item_has_none() -> None:
    assert publication_order(item_of(asset={"cadip:id": "p"}))[1] == "p"
    assert publication_order(item_of(asset={"cadip:id": "p"}, auxip__id="a"))[1] == "a"
    assert publication_order(item_of())[1] == ""


@pytest.mark.parametrize(
    ("properties", "hours"),
    [
        ({"published": "2026-11-01T01:00:00Z", "created": "2026-11-01T02:00:00Z"}, 1),
        ({"published": None, "created": "2026-11-01T02:00:00Z"}, 2),
        ({"start_datetime": "2026-11-01T03:00:00Z"}, 3),
        ({}, 0),
    ],
)
def test_the_time_is_that_of_publication_creation_start_or_the_item(properties: dict[str, Any], hours: int) -> None:
    assert publication_order(item_of(**properties))[0] == DAY + timedelta(hours=hours)


@pytest.mark.parametrize("moment", [DAY, DAY.replace(tzinfo=None)])
def test_the_time_is_aware_also_where_that_of_the_item_is_not(moment: datetime) -> None:
    found, _ = publication_order(item_of(moment=moment))

    assert found == DAY
    assert found.tzinfo is UTC


@pytest.mark.parametrize("published", [5, 20261101, ["2026-11-01"], {"at": 1}, "soon"])
def test_a_publication_time_that_cannot_be_read_is_a_value_error(published: object) -> None:
    with pytest.raises(ValueError, match=r"not text|not a date"):
        publication_order(item_of(published=published))


def test_an_item_without_any_time_has_no_order() -> None:
    item = item_of()
    item.datetime = None

    with pytest.raises(ValueError, match="neither published"):
        publication_order(item)


def test_two_items_are_one_product_where_they_share_a_file_name() -> None:
    archive, plain, bare = item_of("A.zip"), item_of("A.EOF"), Item("A", None, None, DAY, {})

    assert same_product(archive, item_of("A.zip"))
    assert not same_product(archive, plain)
    assert same_product(archive, bare)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"file:checksum": "d50110aa"}, {"file:checksum": "d50110aa"}, True),
        ({"file:checksum": "d50110aa"}, {"file:checksum": "d50110bb"}, False),
        ({"file:checksum": "d50110aa", "file:size": 1}, {"file:checksum": "1220aa", "file:size": 1}, False),
        ({"file:checksum": "d50110aa", "file:size": 1}, {"file:size": 1}, True),
        ({"file:size": 1}, {"file:size": 2}, False),
        ({"file:size": 0}, {"file:size": 0}, True),
        ({}, {}, False),
        ({}, {"file:size": 1}, False),
    ],
)
def test_assets_of_one_content_state_one_checksum_or_else_one_size(
    one: dict[str, Any], other: dict[str, Any], same: bool
) -> None:
    assert same_content(Asset("a", extra_fields=one), Asset("b", extra_fields=other)) is same
