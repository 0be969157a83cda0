"""PRIP stations: what an item says of a product, and how stations are asked that understand little."""

from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from pystac import Item

from rs_assets.ingest import IngestOptions, Platform, Step, ingest
from rs_assets.ingest.opening import open_station
from rs_assets.items.validation import item_error
from rs_assets.selection import parse
from rs_assets.settings import parse_settings
from rs_assets.stations.csc.product import Product
from rs_assets.stations.prip.properties import properties_of
from rs_assets.stations.window import Partition
from tests.platform import PASSWORD, PASSWORD_VARIABLE, SimulatedStation, assert_catalogue_is_true, settings_text

ACROSS = [[179.0, 10.0], [-179.0, 10.0], [-179.0, 12.0], [179.0, 12.0], [179.0, 10.0]]
_days = count()


@pytest.fixture
def day() -> datetime:
    """A day on which the simulated archive has nothing yet."""
    return datetime(2012, 6, 1, tzinfo=UTC) + timedelta(days=2 * next(_days))


def platform_at(station: SimulatedStation, home: Path, **facts: object) -> Platform:
    """A platform whose only station is the simulated PRIP station."""
    text = settings_text(
        station.url,
        products_of="prip",
        **{"name": "prip", "collection": "{mission}_prip", "start": "2010-01-01"} | facts,  # type: ignore[arg-type]
    )
    return Platform.open(parse_settings(text, base=home))


@pytest.fixture
def platform(station: SimulatedStation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """The platform of most tests."""
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    return platform_at(station, tmp_path)


async def searched(platform: Platform, day: datetime, mission: str = "S1") -> list[Item]:
    """What the station lists for a day."""
    partition = Partition.parse(f"{day:%Y-%m-%d}|{mission}", platform.settings.stations[0].window)
    async with open_station(platform, "prip", tries_once=True) as opened:
        return (await opened.search.search(partition.window, mission)).items


def product_of(**attributes: object) -> Product:
    kinds = {str: "String", int: "Integer", float: "Double"}
    entries = [
        {"@odata.type": f"#OData.CSC.{kinds[type(value)]}Attribute", "Name": name, "Value": value}
        for name, value in attributes.items()
    ]
    return Product.model_validate({"Id": "1", "Name": "S1A_IW.SAFE.zip", "Attributes": entries})


@pytest.mark.parametrize(
    ("attributes", "properties"),
    [
        (
            {"orbitNumber": 4321, "relativeOrbitNumber": "017", "cycleNumber": 9, "orbitDirection": "ASCENDING"},
            {"sat:absolute_orbit": 4321, "sat:orbit_cycle": 9, "sat:orbit_state": "ascending"},
        ),
        ({"orbitNumber": -1, "orbitDirection": "SIDEWAYS"}, {}),
        (
            {"instrumentShortName": "SAR", "operationalMode": "IW", "polarisationChannels": "VV&VH"},
            {
                "instruments": ["sar"],
                "sar:instrument_mode": "IW",
                "sar:frequency_band": "C",
                "sar:polarizations": ["VH", "VV"],
            },
        ),
        (
            {"instrumentShortName": "SAR", "operationalMode": "S3", "polarisationChannels": "hh, hv"},
            {
                "instruments": ["sar"],
                "sar:instrument_mode": "SM",
                "sar:frequency_band": "C",
                "sar:polarizations": ["HH", "HV"],
            },
        ),
        (
            {"instrumentShortName": "SAR", "operationalMode": "IW", "polarisationChannels": "XX"},
            {"instruments": ["sar"]},
        ),
        ({"instrumentShortName": "MSI", "cloudCover": 12.5}, {"instruments": ["msi"], "eo:cloud_cover": 12.5}),
        ({"cloudCover": 101.0}, {}),
        ({"cloudCover": "much"}, {}),
    ],
)
def test_an_item_says_of_orbit_and_instrument_what_is_stated_and_nothing_else(
    attributes: dict[str, object], properties: dict[str, Any]
) -> None:
    assert properties_of(product_of(**attributes)) == properties


async def test_a_footprint_across_the_antimeridian_is_cut_and_has_its_box(
    platform: Platform, station: SimulatedStation, day: datetime
) -> None:
    published = (day + timedelta(hours=1)).isoformat()
    station.add_observation(Name="S1A_IW_ACROSS.SAFE.zip", PublicationDate=published, footprint=ACROSS)

    [item] = await searched(platform, day)

    assert item.geometry is not None
    assert item.geometry["type"] == "MultiPolygon"
    assert item.bbox == [179, 10, -179, 12]
    assert item_error(item.to_dict(include_self_link=False)) is None


async def test_a_footprint_that_is_nowhere_is_left_out_and_costs_the_item_nothing(
    platform: Platform, station: SimulatedStation, day: datetime
) -> None:
    published = (day + timedelta(hours=1)).isoformat()
    nowhere = [[0, 0], [0, 95], [5, 95], [0, 0]]
    station.add_observation(Name="S1A_IW_NOWHERE.SAFE.zip", PublicationDate=published, footprint=nowhere)

    [item] = await searched(platform, day)

    assert item.geometry is None
    assert "is not on the Earth" in item.properties["prip:footprint_problem"]


async def test_the_simulated_archive_is_seen_everywhere_and_always_valid(
    platform: Platform, station: SimulatedStation
) -> None:
    items = [
        item
        for mission in ("S1", "S2", "S3")
        for item in await searched(platform, datetime(2026, 10, 1, tzinfo=UTC), mission)
    ]

    assert len(items) > 20
    assert [item.id for item in items if item_error(item.to_dict(include_self_link=False))] == []
    assert all(item.geometry is not None and "prip:footprint_problem" not in item.properties for item in items)
    assert {item.properties["sat:orbit_state"] for item in items} == {"ascending", "descending"}
    assert {"sar:polarizations", "eo:cloud_cover", "prip:online"} <= {
        name for item in items for name in item.properties
    }


@pytest.mark.parametrize("refused", [" in (", "Attributes/", "startswith(Name"])
async def test_a_station_that_does_not_understand_a_construct_gives_the_same_products(
    station: SimulatedStation, tmp_path: Path, day: datetime, refused: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    platform = platform_at(station, tmp_path, product_types=["IW_GRDH_1S", "EW_GRDM_1S"])
    for name, kind in (("S1A_IW_A", "IW_GRDH_1S"), ("S1A_EW_B", "EW_GRDM_1S"), ("S1A_IW_C", "IW_SLC__1S")):
        published = (day + timedelta(hours=1)).isoformat()
        station.add_observation(Name=f"{name}.SAFE.zip", PublicationDate=published, Attributes={"productType": kind})
    station.fault(path_contains="/prip/Products", query_contains=refused, status=400)

    found = await searched(platform, day)

    assert sorted(item.id for item in found) == ["S1A_EW_B.SAFE", "S1A_IW_A.SAFE"]


async def test_products_are_staged_and_catalogued_in_a_collection_of_their_own(
    platform: Platform, station: SimulatedStation
) -> None:
    partition = Partition.parse("2026-10-02|S2", platform.settings.stations[0].window)

    [report] = [each async for each in ingest(platform, "prip", [partition])]

    assert report.error is None
    assert assert_catalogue_is_true(platform) > 5
    [collection] = platform.catalog.collections()
    assert collection.id == "s2_prip"
    assert (collection.title or "").endswith("products")
    west, south, _, north = collection.extent.spatial.bboxes[0]
    assert -180 <= west <= 180
    assert south < north


async def test_products_can_be_partitioned_by_sensing_time(
    station: SimulatedStation, tmp_path: Path, day: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    platform = platform_at(station, tmp_path, time_field="content")
    sensed = {"Start": (day + timedelta(hours=3)).isoformat(), "End": (day + timedelta(hours=4)).isoformat()}
    late = (day + timedelta(days=1, hours=2)).isoformat()
    station.add_observation(Name="S1A_IW_LATE.SAFE.zip", PublicationDate=late, ContentDate=sensed)

    assert [item.id for item in await searched(platform, day)] == ["S1A_IW_LATE.SAFE"]
    assert await searched(platform, day + timedelta(days=1)) == []


async def test_an_area_is_selected_at_home(platform: Platform, station: SimulatedStation, day: datetime) -> None:
    published = (day + timedelta(hours=1)).isoformat()
    station.add_observation(Name="S1A_IW_ACROSS.SAFE.zip", PublicationDate=published, footprint=ACROSS)
    elsewhere = [[10, 50], [11, 50], [11, 51], [10, 50]]
    station.add_observation(Name="S1A_IW_ALPS.SAFE.zip", PublicationDate=published, footprint=elsewhere)
    end = day + timedelta(days=1)
    area = "POLYGON((-179.9 10.5,-179.8 10.5,-179.8 10.6,-179.9 10.5))"
    expression = parse(
        f"published >= TIMESTAMP('{day:%Y-%m-%dT%H:%M:%SZ}') AND published < TIMESTAMP('{end:%Y-%m-%dT%H:%M:%SZ}') "
        f"AND S_INTERSECTS(geometry, {area})"
    )

    async with open_station(platform, "prip", tries_once=True) as opened:
        answer = await opened.search.find(expression)

    assert [item.id for item in answer.items] == ["S1A_IW_ACROSS.SAFE"]


async def test_a_search_alone_stores_no_file(platform: Platform, station: SimulatedStation) -> None:
    partition = Partition.parse("2026-10-03|S3", platform.settings.stations[0].window)
    only = IngestOptions(frozenset({Step.SEARCH}))

    [report] = [each async for each in ingest(platform, "prip", [partition], only)]

    assert report.error is None
    assert station.downloads() == []
