"""What is still to be published, and the item that is."""

import json
from datetime import datetime, timedelta

import pystac
import pytest

from rs_assets.catalog import Catalog
from rs_assets.catalog.protocol import UpsertStatus
from rs_assets.catalog.publication import (
    PublicationState,
    classify,
    published_item,
)
from rs_assets.items.extensions import ALTERNATE_ASSETS, FILE
from rs_assets.items.validation import item_error

from .samples import AUX, DAY, aux_item, md5

HOUR = timedelta(hours=1)
NAME = "S1A_AUX_A.EOF"
OBJECT = "file:///store/s1_aux/S1A_AUX_A/1/S1A_AUX_A.EOF"


def standings(catalog: Catalog, *items: pystac.Item, are_sessions: bool = False) -> list[PublicationState]:
    found = classify(catalog, AUX, items, are_sessions=are_sessions)
    assert [item for item, _ in found] == list(items)
    return [standing for _, standing in found]


@pytest.mark.parametrize(
    ("item", "standing"),
    [
        (aux_item(), PublicationState.PUBLISHED),
        (aux_item(published=DAY + HOUR, source="2"), PublicationState.PUBLISHED),
        (aux_item(published=DAY + HOUR, checksum=md5("b")), PublicationState.CHANGED),
        (aux_item(published=DAY - HOUR, checksum=md5("b")), PublicationState.SUPERSEDED),
        (aux_item("S1A_AUX_B.EOF"), PublicationState.NEW),
        (aux_item("S1A_AUX_A.zip"), PublicationState.CLASH),
    ],
)
def test_an_item_is_compared_with_the_catalogue_by_id_name_time_and_checksum(
    catalog: Catalog, item: pystac.Item, standing: PublicationState
) -> None:
    catalog.upsert(AUX, [aux_item()])

    assert standings(catalog, item) == [standing]


def test_an_item_with_one_more_file_than_the_catalogue_is_still_to_be_published(catalog: Catalog) -> None:
    catalog.upsert(AUX, [aux_item()])
    longer = aux_item()
    longer.add_asset("more.xml", pystac.Asset("https://station/more", extra_fields={"file:size": 1}))

    assert standings(catalog, longer) == [PublicationState.CHANGED]


def test_sizes_decide_where_a_checksum_is_missing(catalog: Catalog) -> None:
    catalog.upsert(AUX, [aux_item()])
    unsummed, grown = aux_item(), aux_item(size=11)
    for item in (unsummed, grown):
        del item.assets[NAME].extra_fields["file:checksum"]

    assert standings(catalog, unsummed) == [PublicationState.PUBLISHED]
    assert standings(catalog, grown) == [PublicationState.CHANGED]


def test_of_two_publications_in_one_input_the_newest_counts(catalog: Catalog) -> None:
    older, newer = aux_item(), aux_item(published=DAY + HOUR)

    assert standings(catalog, older, newer, older) == [
        PublicationState.SUPERSEDED,
        PublicationState.NEW,
        PublicationState.SUPERSEDED,
    ]


def test_of_two_names_in_one_input_the_first_published_keeps_the_id(catalog: Catalog) -> None:
    late, early = aux_item("S1A_AUX_A.zip", published=DAY + HOUR), aux_item()

    assert standings(catalog, late, early) == [PublicationState.CLASH, PublicationState.NEW]


def test_the_name_in_the_catalogue_keeps_the_id_against_earlier_ones(catalog: Catalog) -> None:
    catalog.upsert(AUX, [aux_item()])
    early, renewed = aux_item("S1A_AUX_A.zip", published=DAY - HOUR), aux_item(published=DAY + HOUR, size=9)
    renewed.assets[NAME].extra_fields["file:checksum"] = md5("c")

    assert standings(catalog, early, renewed) == [PublicationState.CLASH, PublicationState.CHANGED]


def test_an_item_without_a_readable_time_holds_no_other_back(catalog: Catalog) -> None:
    broken = aux_item("S1A_AUX_B.EOF")
    broken.properties["published"] = "yesterday"

    assert standings(catalog, broken, aux_item()) == [PublicationState.NEW, PublicationState.NEW]


def test_a_published_item_points_at_its_object_and_keeps_the_stations_place() -> None:
    item = aux_item()
    item.assets[NAME].extra_fields |= {"auth:refs": ["oidc"], "alternate:name": "HTTPS"}

    published = published_item(item, AUX, {NAME: OBJECT})

    asset = published.assets[NAME]
    assert asset.href == OBJECT
    assert asset.extra_fields["alternate"] == {
        "station": {
            "href": "https://station/1/S1A_AUX_A.EOF",
            "auth:refs": ["oidc"],
            "alternate:name": "HTTPS",
        }
    }
    assert {"auth:refs", "alternate:name"}.isdisjoint(asset.extra_fields)
    assert {ALTERNATE_ASSETS, FILE} <= set(published.stac_extensions)
    assert published.collection_id == AUX
    assert item_error(published.to_dict()) is None


def test_a_published_item_shares_nothing_with_the_stations_item() -> None:
    item = aux_item()
    item.add_link(pystac.Link("via", "https://station/x", extra_fields={"headers": {"a": "b"}}))
    item.add_link(pystac.Link("self", "https://station/items/1"))
    before = json.dumps(item.to_dict())

    published = published_item(item, AUX, {NAME: OBJECT})
    roles = published.assets[NAME].roles
    assert roles is not None
    roles.append("changed")
    published.properties["platform"] = "changed"
    published.links[0].extra_fields["headers"]["a"] = "changed"
    published.assets[NAME].extra_fields["alternate"]["station"]["href"] = "changed"

    assert json.dumps(item.to_dict()) == before
    assert [link.rel for link in published.links] == ["via", "collection"]


def test_publishing_a_published_item_again_changes_nothing() -> None:
    once = published_item(aux_item(), AUX, {NAME: OBJECT})

    assert published_item(once, AUX, {NAME: OBJECT}).to_dict() == once.to_dict()


def test_a_file_that_is_not_in_the_store_stays_where_the_station_has_it() -> None:
    item = aux_item()
    item.add_asset(
        "quicklook", pystac.Asset("https://station/ql", extra_fields={"alternate": {"s3": {"href": "s3://q"}}})
    )

    published = published_item(item, AUX, {NAME: OBJECT})

    assert published.assets["quicklook"].to_dict() == item.assets["quicklook"].to_dict()


def test_the_world_stands_in_for_a_missing_geometry_and_only_for_that() -> None:
    nowhere = published_item(aux_item(), AUX, {})
    assert nowhere.bbox == [-180, -90, 180, 90]
    assert nowhere.geometry is not None
    assert nowhere.geometry["coordinates"] == [[[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]]]

    somewhere = published_item(aux_item(bbox=(1, 2, 1, 2)), AUX, {})
    assert somewhere.bbox == [1, 2, 1, 2]


def test_a_single_datetime_becomes_start_and_end_too() -> None:
    moment = datetime(2026, 1, 1, 0, 0, 0, 5)  # noqa: DTZ001 - pystac takes one without a zone as UTC
    item = pystac.Item("A", geometry=None, bbox=None, datetime=moment, properties={})

    published = published_item(item, AUX, {})

    assert published.properties["start_datetime"] == "2026-01-01T00:00:00.000005Z"
    assert published.properties["end_datetime"] == "2026-01-01T00:00:00.000005Z"
    assert published.to_dict()["properties"]["datetime"] == "2026-01-01T00:00:00.000005Z"
    assert "start_datetime" not in item.properties


def session_of(*files: tuple[str, str, int | None], published: str = "2026-11-01T10:00:00Z") -> pystac.Item:
    """A downlink session with these files, each by name, source id and size."""
    item = pystac.Item("S1A_1", None, None, DAY, {"published": published, "cadip:id": "guid"})
    for name, source, size in files:
        fields = {"cadip:id": source} | ({} if size is None else {"file:size": size})
        item.add_asset(name, pystac.Asset(f"https://station.example/Files({source})/$value", extra_fields=fields))
    return item


ONE, TWO = ("a.raw", "1", 5), ("b.raw", "2", 6)


@pytest.mark.parametrize(
    ("item", "standing"),
    [
        (session_of(ONE, TWO), PublicationState.PUBLISHED),
        (session_of(ONE), PublicationState.PUBLISHED),
        (session_of(("a.raw", "1", None)), PublicationState.PUBLISHED),
        (session_of(ONE, TWO, ("c.raw", "3", 7)), PublicationState.CHANGED),
        (session_of(("c.raw", "3", 7)), PublicationState.CHANGED),
        (session_of(("a.raw", "1", 9)), PublicationState.CHANGED),
        (session_of(("a.raw", "9", 5)), PublicationState.CHANGED),
        (session_of(ONE, TWO, published="2026-10-01T10:00:00Z"), PublicationState.PUBLISHED),
        (session_of(("c.raw", "3", 7), published="2026-10-01T10:00:00Z"), PublicationState.CHANGED),
    ],
)
def test_a_session_that_grows_or_comes_again_has_changed_and_never_clashes(
    catalog: Catalog, item: pystac.Item, standing: PublicationState
) -> None:
    held = session_of(ONE, TWO)
    sources = {key: asset.extra_fields["cadip:id"] for key, asset in held.assets.items()}
    hrefs = {key: f"file:///store/{AUX}/S1A_1/{source}/{key}" for key, source in sources.items()}
    assert catalog.upsert(AUX, [published_item(held, AUX, hrefs)], are_sessions=True).refused == []

    assert standings(catalog, item, are_sessions=True) == [standing]


def test_whether_items_are_sessions_is_stated_and_not_read_from_their_files(catalog: Catalog) -> None:
    one, other = session_of(ONE), session_of(TWO)
    catalog.upsert(AUX, [published_item(one, AUX, {"a.raw": f"file:///store/{AUX}/S1A_1/1/a.raw"})])
    moved = published_item(other, AUX, {"b.raw": f"file:///store/{AUX}/S1A_1/2/b.raw"})

    assert standings(catalog, other) == [PublicationState.CLASH]
    assert standings(catalog, other, are_sessions=True) == [PublicationState.CHANGED]
    assert catalog.upsert(AUX, [moved]).count(UpsertStatus.CLASH) == 1
    assert catalog.upsert(AUX, [moved], are_sessions=True).refused == []
