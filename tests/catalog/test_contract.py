"""What every catalogue promises to write, and what it answers about single items and collections."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pystac
import pytest

from rs_assets.catalog import Catalog
from rs_assets.catalog.protocol import CollectionSpec, PublishedAsset, UpsertStatus
from rs_assets.errors import CatalogError
from rs_assets.items.identity import publication_order
from rs_assets.items.times import OPEN_END
from rs_assets.items.validation import collection_error, item_error

from .samples import AUX, DAY, SPEC, aux_item, md5

HOUR = timedelta(hours=1)


def status(catalog: Catalog, *items: pystac.Item) -> list[UpsertStatus]:
    return [result.status for result in catalog.upsert(AUX, items).results]


def stored(catalog: Catalog, item_id: str = "S1A_AUX_A") -> pystac.Item:
    item = catalog.get(AUX, item_id)
    assert item is not None
    return item


def collection(catalog: Catalog) -> pystac.Collection:
    found = catalog.collection(AUX)
    assert found is not None
    return found


def interval(catalog: Catalog) -> list[datetime | None]:
    return list(collection(catalog).extent.temporal.intervals[0])


def test_a_collection_is_created_once_and_only_its_texts_follow_the_spec(catalog: Catalog) -> None:
    catalog.upsert(AUX, [aux_item()])

    catalog.ensure_collection(replace(SPEC, title="Other title", description="Other text", keywords=("late",)))

    found = collection(catalog)
    assert (found.title, found.description, found.keywords) == ("Other title", "Other text", None)
    assert catalog.count(AUX) == 1


def test_a_collection_keeps_what_its_spec_says(catalog: Catalog) -> None:
    providers = (pystac.Provider("ESA", roles=[pystac.ProviderRole.PRODUCER]),)
    catalog.ensure_collection(replace(SPEC, id="s2_aux", license="CC-BY-4.0", providers=providers, keywords=("aux",)))

    assert [each.id for each in catalog.collections()] == ["s1_aux", "s2_aux"]
    found = catalog.collections()[1].to_dict()
    assert (found["license"], found["keywords"]) == ("CC-BY-4.0", ["aux"])
    assert found["providers"] == [{"name": "ESA", "roles": ["producer"]}]


@pytest.mark.parametrize("spec", [replace(SPEC, id="a:b"), replace(SPEC, id=""), replace(SPEC, description="")])
def test_a_collection_that_no_server_would_take_is_refused(catalog: Catalog, spec: CollectionSpec) -> None:
    with pytest.raises(CatalogError, match=r"cannot be created|not be valid"):
        catalog.ensure_collection(spec)
    assert len(catalog.collections()) == 1


def test_an_unknown_collection_takes_no_item_and_answers_as_empty(catalog: Catalog) -> None:
    with pytest.raises(CatalogError, match="no collection s9_aux"):
        catalog.upsert("s9_aux", [aux_item()])

    assert catalog.collection("s9_aux") is None
    assert catalog.existing("s9_aux", ["S1A_AUX_A"]) == {}
    assert catalog.count("s9_aux") == 0
    assert catalog.get("s9_aux", "S1A_AUX_A") is None
    assert list(catalog.search(collections=["s9_aux"])) == []
    assert not catalog.delete("s9_aux", "S1A_AUX_A")


def test_an_item_comes_back_as_it_was_written_plus_its_collection(catalog: Catalog) -> None:
    item = aux_item(start=datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=UTC), bbox=(1, 2, 1, 2))
    item.properties["deep"] = {"Übung": [1, 2.5, None, True, {"a": []}]}
    item.extra_fields["proj"] = "x"
    item.add_link(pystac.Link("via", "https://station/x", extra_fields={"method": "GET"}))
    before = json.dumps(item.to_dict())

    assert status(catalog, item) == [UpsertStatus.CREATED]

    assert json.dumps(item.to_dict()) == before
    document = stored(catalog).to_dict()
    assert document.pop("collection") == AUX
    assert document["links"].pop()["rel"] == "collection"
    assert document == item.to_dict()


def test_what_is_handed_back_is_valid_stac(catalog: Catalog) -> None:
    catalog.upsert(AUX, [aux_item(), aux_item("S1A_AUX_B.EOF", bbox=(1, 2, 3, 4), end=OPEN_END)])

    assert [item_error(item.to_dict()) for item in catalog.search()] == [None, None]
    assert [collection_error(each.to_dict()) for each in catalog.collections()] == [None]


def test_writing_an_item_again_changes_nothing_whatever_the_order_of_its_keys(catalog: Catalog) -> None:
    catalog.upsert(AUX, [aux_item()])
    document = stored(catalog).to_dict()
    document["properties"] = dict(reversed(document["properties"].items()))
    shuffled = pystac.Item.from_dict(dict(reversed(document.items())))

    assert status(catalog, aux_item(), shuffled, stored(catalog)) == [UpsertStatus.UNCHANGED] * 3


def test_a_newer_publication_replaces_the_older(catalog: Catalog) -> None:
    catalog.upsert(AUX, [aux_item()])

    assert status(catalog, aux_item(published=DAY + HOUR, source="2", size=20)) == [UpsertStatus.UPDATED]

    assert stored(catalog).assets["S1A_AUX_A.EOF"].extra_fields["file:size"] == 20
    assert catalog.count(AUX) == 1


@pytest.mark.parametrize(
    "older",
    [aux_item(published=DAY - HOUR, source="9", size=1), aux_item(source="0", size=1)],
    ids=["by its time", "by its key, at the same time"],
)
def test_an_older_publication_never_replaces_the_newer(catalog: Catalog, older: pystac.Item) -> None:
    catalog.upsert(AUX, [aux_item(source="5")])

    report = catalog.upsert(AUX, [older])

    assert report.results[0].status is UpsertStatus.SUPERSEDED
    assert report.refused == []
    assert stored(catalog).properties["auxip:id"] == "5"


def test_a_product_never_replaces_another_of_the_same_id(catalog: Catalog) -> None:
    catalog.upsert(AUX, [aux_item("S1A_AUX_A.EOF")])

    report = catalog.upsert(AUX, [aux_item("S1A_AUX_A.zip", published=DAY + HOUR)])

    assert report.ids(UpsertStatus.CLASH) == ["S1A_AUX_A"]
    assert "S1A_AUX_A.EOF" in report.results[0].reason
    assert list(stored(catalog).assets) == ["S1A_AUX_A.EOF"]


def test_items_of_one_id_in_one_batch_are_taken_in_their_order(catalog: Catalog) -> None:
    newer = aux_item(published=DAY + HOUR)
    batch = [aux_item(), newer, aux_item(), newer, aux_item("S1A_AUX_A.zip")]

    expected = ["created", "updated", "superseded", "unchanged", "clash"]
    assert status(catalog, *batch) == expected
    assert stored(catalog).properties["published"] == newer.properties["published"]


def _broken() -> list[pystac.Item]:
    items = [aux_item(f"BAD_{number}.EOF") for number in range(10)]
    items[0].properties["x"] = float("nan")
    items[1].properties["x"] = object()
    items[2].properties |= {"start_datetime": "2026-01-02T00:00:00Z", "end_datetime": "2026-01-01T00:00:00Z"}
    items[3].properties["published"] = "yesterday"
    items[4].properties["published"] = 2026
    items[5].assets["BAD_5.EOF"].extra_fields["file:size"] = 2**63
    items[6].collection_id = "s2_aux"
    items[7].add_link(pystac.Link("parent", pystac.Catalog("nowhere", "has no address")))
    items[8].properties["x"] = "\ud800"
    items[9].geometry = {"type": "Point", "coordinates": [0, 0]}
    return items


def test_a_bad_item_is_reported_with_its_reason_and_holds_no_good_one_back(catalog: Catalog) -> None:
    broken = _broken()

    report = catalog.upsert(AUX, [aux_item("S1A_AUX_A.EOF"), *broken, aux_item("S1A_AUX_B.EOF")])

    assert report.ids(UpsertStatus.CREATED) == ["S1A_AUX_A", "S1A_AUX_B"]
    assert [(result.item_id, result.status) for result in report.refused] == [
        (item.id, UpsertStatus.FAILED) for item in broken
    ]
    assert all(result.reason for result in report.refused)
    assert catalog.count(AUX) == 2


@pytest.mark.parametrize("character", ":/?#[]@!$&'()*+,;=")
def test_an_id_that_a_stac_server_would_refuse_is_refused(catalog: Catalog, character: str) -> None:
    report = catalog.upsert(AUX, [aux_item(f"S1A{character}AUX.EOF")])

    assert report.count(UpsertStatus.FAILED) == 1
    assert repr(character) in report.results[0].reason


def test_what_is_published_is_told_for_thousands_of_ids_at_once(catalog: Catalog) -> None:
    items = [aux_item(f"A{number}.EOF", published=DAY + timedelta(microseconds=number)) for number in range(5000)]
    catalog.upsert(AUX, items)

    found = catalog.existing(AUX, [f"A{number}" for number in range(0, 10_000, 2)])

    assert found.keys() == {item.id for item in items[::2]}
    assert all(found[item.id].order == publication_order(item) for item in items[::2])
    assert found["A4998"].assets == {"A4998.EOF": PublishedAsset("https://station/1/A4998.EOF", 10, md5("a"))}


def test_what_is_published_is_told_of_an_item_without_files_too(catalog: Catalog) -> None:
    bare = aux_item()
    bare.assets.clear()
    catalog.upsert(AUX, [bare])

    assert catalog.existing(AUX, [bare.id])[bare.id].assets == {}


def test_a_deleted_item_is_gone_and_can_be_written_again(catalog: Catalog) -> None:
    catalog.upsert(AUX, [aux_item()])

    assert catalog.delete(AUX, "S1A_AUX_A")
    assert not catalog.delete(AUX, "S1A_AUX_A")
    assert catalog.get(AUX, "S1A_AUX_A") is None
    assert status(catalog, aux_item(published=DAY - HOUR)) == [UpsertStatus.CREATED]


def test_the_temporal_extent_follows_updates_and_deletions(catalog: Catalog) -> None:
    assert interval(catalog) == [None, None]

    catalog.upsert(AUX, [aux_item("A.EOF", start=DAY, end=DAY + HOUR), aux_item("B.EOF", start=DAY, end=OPEN_END)])
    assert interval(catalog) == [DAY, None]

    catalog.upsert(AUX, [aux_item("B.EOF", start=DAY - HOUR, end=DAY + 2 * HOUR)])
    assert interval(catalog) == [DAY - HOUR, DAY + 2 * HOUR]

    catalog.delete(AUX, "B")
    assert interval(catalog) == [DAY, DAY + HOUR]


def test_the_spatial_extent_is_the_union_of_the_boxes_and_the_world_by_default(catalog: Catalog) -> None:
    def box() -> list[float]:
        return list(collection(catalog).extent.spatial.bboxes[0])

    catalog.upsert(AUX, [aux_item("NO_BOX.EOF")])
    assert box() == [-180, -90, 180, 90]

    catalog.upsert(AUX, [aux_item("A.EOF", bbox=(1, 2, 3, 4)), aux_item("B.EOF", bbox=(-5, 0, 100, 2, 3, 200))])
    assert box() == [-5, 0, 3, 4]

    catalog.upsert(AUX, [aux_item("C.EOF", bbox=(170, -10, -170, 10))])
    assert box() == [-180, -10, 180, 10]

    catalog.delete(AUX, "C")
    catalog.delete(AUX, "B")
    assert box() == [1, 2, 3, 4]


def test_summaries_follow_updates_and_deletions(catalog: Catalog) -> None:
    def summaries() -> object:
        return collection(catalog).to_dict().get("summaries")

    assert summaries() is None
    catalog.upsert(AUX, [aux_item("A.EOF", product_type="Z"), aux_item("B.EOF", product_type="B", platform="s1c")])
    both = {"constellation": ["sentinel-1"], "platform": ["s1c", "sentinel-1a"], "product:type": ["B", "Z"]}
    assert summaries() == both

    catalog.upsert(AUX, [aux_item("B.EOF", product_type="C", platform="s1c")])
    assert summaries() == both | {"product:type": ["C", "Z"]}

    catalog.delete(AUX, "B")
    assert summaries() == both | {"platform": ["sentinel-1a"], "product:type": ["Z"]}

    catalog.delete(AUX, "A")
    assert summaries() is None


def test_summaries_are_told_in_full_however_many_values_they_have(catalog: Catalog) -> None:
    catalog.upsert(AUX, [aux_item(f"A{number}.EOF", product_type=f"T{number:03}") for number in range(100)])

    assert collection(catalog).to_dict()["summaries"]["product:type"] == [f"T{number:03}" for number in range(100)]


def test_old_entries_of_the_history_are_forgotten_the_oldest_first(catalog: Catalog) -> None:
    catalog.upsert(AUX, [aux_item()])
    catalog.delete(AUX, "S1A_AUX_A")
    catalog.upsert(AUX, [aux_item()])
    soon = datetime.now(UTC) + HOUR

    early = catalog.forget_history(soon - 2 * HOUR, 10)
    some = catalog.forget_history(soon, 2)

    assert (early, some) == (0, 2)
    assert [entry.status for entry in catalog.history(AUX, "S1A_AUX_A")] == ["created"]
    assert catalog.forget_history(soon, 2) == 1
    assert catalog.count(AUX) == 1
