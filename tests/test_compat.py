"""The reference system's names do what its tasks did."""

from datetime import timedelta
from pathlib import Path

import pytest

from rs_assets.catalog import Catalog, open_catalog
from rs_assets.catalog.protocol import CollectionSpec, UpsertStatus
from rs_assets.compat import create_collection_name, filter_unpublished_files, update_stac_catalog
from rs_assets.errors import CatalogError
from tests.catalog.samples import AUX, DAY, aux_item, md5

HOUR = timedelta(hours=1)
NAME = "S1A_AUX_A.EOF"
OBJECT = "file:///store/s1_aux/S1A_AUX_A/1/S1A_AUX_A.EOF"


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    opened = open_catalog(tmp_path / "catalog.sqlite")
    opened.ensure_collection(CollectionSpec(id=AUX, title="Auxiliary files", description="Auxiliary files"))
    return opened


@pytest.mark.parametrize("station", ["CADIP", "INS", "MPS", "MTI", "NSG", "SGS"])
def test_a_downlink_station_has_the_collection_of_chunks(station: str) -> None:
    assert create_collection_name("S1", station) == "s1_chunk"


def test_auxiliary_files_have_a_collection_of_their_own() -> None:
    assert create_collection_name("S2", "AUX") == "s2_aux"


@pytest.mark.parametrize(("mission", "station"), [("S1", "PRIP"), ("S1", ""), ("S1", "aux"), ("", "AUX")])
def test_any_other_station_or_no_mission_is_an_error(mission: str, station: str) -> None:
    with pytest.raises(CatalogError, match=r"accepted are AUX, CADIP|begins with a mission"):
        create_collection_name(mission, station)


def test_what_the_catalogue_has_with_the_same_checksum_is_not_to_be_published_again(catalog: Catalog) -> None:
    catalog.upsert(AUX, [aux_item()])
    changed, new = aux_item(published=DAY + HOUR, checksum=md5("b")), aux_item("S1A_AUX_B.EOF")

    assert filter_unpublished_files(catalog, AUX, [aux_item()]) == []
    assert filter_unpublished_files(catalog, AUX, [changed, new]) == [changed, new]


def test_items_are_published_in_bulk_and_one_without_files_in_the_store_is_reported(catalog: Catalog) -> None:
    items = [aux_item("S1A_AUX_Z.EOF"), aux_item()]

    report = update_stac_catalog(catalog, AUX, items, {"S1A_AUX_A": {NAME: OBJECT}})

    assert [result.status for result in report.results] == [UpsertStatus.FAILED, UpsertStatus.CREATED]
    assert [result.item_id for result in report.results] == ["S1A_AUX_Z", "S1A_AUX_A"]
    assert catalog.existing(AUX, ["S1A_AUX_A"])["S1A_AUX_A"].assets[NAME].href == OBJECT
    assert filter_unpublished_files(catalog, AUX, items) == [items[0]]
    again = update_stac_catalog(catalog, AUX, items[1:], {"S1A_AUX_A": {NAME: OBJECT}})
    assert again.count(UpsertStatus.UNCHANGED) == 1
