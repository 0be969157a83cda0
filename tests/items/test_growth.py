"""Items that grow keep every file that was ever seen, each under one key."""

from itertools import permutations
from typing import Any

import pytest
from pystac import Asset, Item

from rs_assets.items.growth import aligned, joined, keys_by_source, second_key
from rs_assets.items.identity import source_id_in

from .samples import DAY


def session(*files: tuple[str, str], published: str = "2026-11-01T10:00:00Z", **properties: Any) -> Item:
    """A session with these files, each by asset key and source id."""
    item = Item("S1A_1", None, None, DAY, {"published": published, "cadip:id": "guid"} | properties)
    for key, source in files:
        item.add_asset(key, Asset(f"https://station.example/{source}", extra_fields={"cadip:id": source}))
    return item


def test_a_file_that_is_known_has_the_key_that_it_is_known_under() -> None:
    known = session(("a.raw", "1"), ("a-retransfer-2.raw", "2"))

    found = aligned(session(("a.raw", "2"), ("b.raw", "3")), keys_by_source(known))

    assert keys_by_source(found) == {"2": "a-retransfer-2.raw", "3": "b.raw"}


def test_a_file_whose_key_another_one_has_gets_a_key_of_its_own() -> None:
    found = aligned(session(("a.raw", "1234567890")), {"old": "a.raw"})

    assert list(found.assets) == ["a-retransfer-12345678.raw"]


def test_an_item_that_agrees_already_is_left_as_it_is() -> None:
    item = session(("a.raw", "1"))

    assert aligned(item, {"1": "a.raw", "9": "z.raw"}) is item


PARTS = [
    session(("a.raw", "1")),
    session(("a.raw", "2")),
    session(("a.raw", "1"), ("a-retransfer-3.raw", "3"), ("b.raw", "4")),
]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_whatever_is_seen_first_no_file_is_lost_and_none_takes_the_place_of_another(order: tuple[int, ...]) -> None:
    whole = PARTS[order[0]]
    for place in order[1:]:
        before = keys_by_source(whole)
        whole = joined(whole, PARTS[place])
        assert before.items() <= keys_by_source(whole).items()

    assert keys_by_source(whole).keys() == {"1", "2", "3", "4"}
    assert len(whole.assets) == 4
    assert all(asset.owner is whole for asset in whole.assets.values())


def test_what_is_newer_of_a_file_holds_and_properties_are_those_of_the_later_publication() -> None:
    later = session(("a.raw", "1"), published="2026-11-02T10:00:00Z", later=1, both="later")
    earlier = session(("a.raw", "1"), earlier=1, both="earlier")
    earlier.assets["a.raw"].extra_fields["file:size"] = 7

    forward, backward = joined(earlier, later), joined(later, earlier)

    for whole in (forward, backward):
        assert whole.properties["published"] == "2026-11-02T10:00:00Z"
        assert (whole.properties["both"], whole.properties["later"], whole.properties["earlier"]) == ("later", 1, 1)
    assert "file:size" not in forward.assets["a.raw"].extra_fields
    assert backward.assets["a.raw"].extra_fields["file:size"] == 7


def test_joining_changes_neither_of_the_two() -> None:
    one, other = session(("a.raw", "1")), session(("a.raw", "2"))
    documents = [item.to_dict() for item in (one, other)]

    joined(one, other).assets["a.raw"].extra_fields["changed"] = True

    assert [item.to_dict() for item in (one, other)] == documents


@pytest.mark.parametrize(
    ("name", "source", "taken", "expected"),
    [
        ("A.raw", "1a2b3c4d-5e6f", (), "A-retransfer-1a2b3c4d.raw"),
        ("A.raw", "1a2b3c4d-5e6f", ("A-retransfer-1a2b3c4d.raw",), "A-retransfer-1a2b3c4d-5e6f.raw"),
        ("A", "../x", (), "A-retransfer-x"),
        ("A.tar.gz", "id2", (), "A.tar-retransfer-id2.gz"),
    ],
)
def test_a_second_key_is_made_of_name_and_source_id(
    name: str, source: str, taken: tuple[str, ...], expected: str
) -> None:
    assert second_key(name, source, taken) == expected


@pytest.mark.parametrize(
    ("href", "expected"),
    [
        ("file:///store/s1_chunk/S1A_1/1a2b/a.raw", "1a2b"),
        ("s3://bucket/s1_chunk/S1A_1/1a%2Bb/a.raw", "1a+b"),
        ("file:///store/s1_chunk/S1A_1/1a2b~99/a.raw", "1a2b"),
        ("a.raw", ""),
    ],
)
def test_an_object_s_href_tells_its_source_id(href: str, expected: str) -> None:
    assert source_id_in(href) == expected
