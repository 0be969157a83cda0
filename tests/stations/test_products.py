"""What the recorded entities of ``entities/`` become."""

import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
import pytest
from blake3 import blake3
from pystac import Item

from rs_assets.items.extensions import FILE, PROCESSING, PRODUCT, TIMESTAMPS
from rs_assets.items.validation import item_error
from rs_assets.stations.auxip import INTERFACE
from rs_assets.stations.csc.settings import ItemIdRule
from rs_assets.stations.http import StationConnection
from rs_assets.stations.search import Answer

from .searching import DAY, MISSIONS, entity
from .service import Service, products

ENTITIES = sorted(path.stem for path in (Path(__file__).parent / "entities").glob("*.json"))
EMPTY_MD5 = "d50110" + hashlib.md5(b"", usedforsecurity=False).hexdigest()


async def answer_to(*entities: dict[str, Any], mission: str = "S1", **settings: Any) -> Answer:
    """What a search makes of these entities."""
    service = Service().on("/auxip/Products", products(*entities, **{"@odata.count": len(entities)}))
    station = service.station(**({"missions": ("S1", "S2", "S3", "S5P", "other")} | settings))
    async with StationConnection(station, transport=httpx.MockTransport(service)) as connection:
        return await INTERFACE.search(connection, MISSIONS).search(DAY, mission)


async def item_of(name: str, mission: str, **settings: Any) -> Item:
    answer = await answer_to(entity(name), mission=mission, **settings)
    assert answer.rejected == []
    (item,) = answer.items
    return item


MISSION_OF = {
    "orbit": "S1",
    "blake3": "S3",
    "minute_precision": "S1",
    "evicted_in_the_past": "S1",
    "all_nines": "S2",
    "no_attributes": "S2",
    "null_content_date": "S1",
    "only_published": "S3",
    "odd_name": "S1",
    "contradicting": "S1",
    "short_name_only": "S3",
    "no_mission": "other",
}


@pytest.mark.parametrize("name", ENTITIES)
async def test_every_recorded_entity_becomes_a_valid_item_of_its_mission(name: str) -> None:
    item = await item_of(name, MISSION_OF[name])

    assert item_error(json.loads(json.dumps(item.to_dict(include_self_link=False)))) is None
    assert item.properties["auxip:id"] == entity(name)["Id"]
    assert list(item.assets) == [entity(name)["Name"]]


async def test_a_whole_entity_fills_every_field() -> None:
    item = await item_of("orbit", "S1")
    asset = item.assets["S1A_OPER_AUX_RESORB_OPOD_20261101T041212_V20261101T002335_20261101T034105.EOF.zip"]

    assert item.id == "S1A_OPER_AUX_RESORB_OPOD_20261101T041212_V20261101T002335_20261101T034105.EOF"
    assert item.geometry is None
    assert item.to_dict()["properties"] == {
        "datetime": "2026-11-01T00:23:35Z",
        "start_datetime": "2026-11-01T00:23:35Z",
        "end_datetime": "2026-11-01T03:41:05Z",
        "created": "2026-11-01T04:12:13.017000Z",
        "published": "2026-11-01T04:31:07.456123Z",
        "expires": "2026-11-08T04:31:07.456000Z",
        "product:type": "AUX_RESORB",
        "platform": "sentinel-1a",
        "constellation": "sentinel-1",
        "processing:datetime": "2026-11-01T04:12:12Z",
        "processing:facility": "OPOD",
        "processing:version": "3.4.1",
        "auxip:id": "2b17b57d-fff4-4645-b539-91f305c27c69",
    }
    assert asset.href == "http://station.example/auxip/Products(2b17b57d-fff4-4645-b539-91f305c27c69)/$value"
    assert (asset.media_type, asset.roles) == ("application/zip", ["data"])
    assert set(item.stac_extensions) == {FILE, TIMESTAMPS, PRODUCT, PROCESSING}


async def test_a_size_in_digits_is_an_integer() -> None:
    item = await item_of("orbit", "S1")

    assert next(iter(item.assets.values())).extra_fields["file:size"] == 92218


@pytest.mark.parametrize(
    ("name", "checksum"),
    [
        ("orbit", "d50110" + "6f5902ac237024bdd0c176cb93063dc4"),
        ("blake3", "1e20" + blake3(b"").hexdigest()),
        ("minute_precision", EMPTY_MD5),
        ("odd_name", "1220" + hashlib.sha256(b"").hexdigest()),
        ("null_content_date", None),
        ("only_published", None),
    ],
)
async def test_the_checksum_is_the_cheapest_one_offered_that_can_be_read(name: str, checksum: str | None) -> None:
    item = await item_of(name, MISSION_OF[name])

    assert next(iter(item.assets.values())).extra_fields.get("file:checksum") == checksum


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("minute_precision", "published", "2026-11-01T05:30:00Z"),
        ("minute_precision", "start_datetime", "2026-11-01T00:00:00Z"),
        ("minute_precision", "end_datetime", "2026-11-01T00:00:00Z"),
        ("minute_precision", "platform", None),
        ("minute_precision", "constellation", "sentinel-1"),
        ("evicted_in_the_past", "expires", "2026-10-01T08:00:00Z"),
        ("evicted_in_the_past", "end_datetime", "9999-12-31T23:59:59.999000Z"),
        ("all_nines", "end_datetime", "9999-12-31T23:59:59Z"),
        ("all_nines", "expires", "9999-12-31T23:59:59Z"),
        ("all_nines", "published", "2026-11-01T09:00:00Z"),
        ("blake3", "expires", None),
        ("blake3", "updated", "2026-11-01T06:00:00Z"),
        ("no_attributes", "constellation", "sentinel-2"),
        ("no_attributes", "platform", None),
        ("no_attributes", "product:type", None),
        ("null_content_date", "start_datetime", "2026-11-01T00:00:00Z"),
        ("null_content_date", "end_datetime", "2026-11-01T00:00:00Z"),
        ("null_content_date", "created", "2026-11-01T11:00:00Z"),
        ("only_published", "start_datetime", None),
        ("only_published", "datetime", "2026-11-01T12:00:00Z"),
        ("contradicting", "platform", "sentinel-1a"),
        ("contradicting", "auxip:contradiction", "its platform says S1B, its name S1A"),
        ("contradicting", "start_datetime", "2026-10-30T22:59:42Z"),
        ("short_name_only", "constellation", "sentinel-3"),
        ("short_name_only", "product:type", "AUX_ECMWFD"),
        ("no_mission", "constellation", None),
    ],
)
async def test_a_field_is_filled_from_the_first_source_that_has_it(name: str, field: str, value: str | None) -> None:
    item = await item_of(name, MISSION_OF[name])

    assert item.to_dict()["properties"].get(field) == value


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("orbit", "application/zip"),
        ("contradicting", "application/xml"),
        ("all_nines", "application/gzip"),
        ("no_attributes", "text/plain"),
        ("short_name_only", "application/netcdf"),
        ("no_mission", "application/x-grib"),
        ("only_published", "application/octet-stream"),
    ],
)
async def test_the_media_type_is_that_of_the_name_else_of_the_station(name: str, media_type: str) -> None:
    item = await item_of(name, MISSION_OF[name])

    assert next(iter(item.assets.values())).media_type == media_type


async def test_the_item_id_is_the_whole_name_where_the_station_has_two_forms_of_a_product() -> None:
    item = await item_of("contradicting", "S1", item_id=ItemIdRule.NAME)

    assert item.id == entity("contradicting")["Name"]


async def test_a_key_with_odd_characters_is_one_segment_of_the_href() -> None:
    (item,) = (await answer_to(entity("orbit") | {"Id": "a/b?c #é'"})).items
    path = urlsplit(next(iter(item.assets.values())).href).path

    assert unquote(path) == "/auxip/Products(a/b?c #é')/$value"
    assert path.count("/") == 3


@pytest.mark.parametrize(
    ("change", "name", "reason"),
    [
        ({"Name": None}, "2b17b57d-fff4-4645-b539-91f305c27c69", "Name: "),
        ({"Name": "  "}, "  ", "Name: "),
        ({"Name": ["a"]}, "['a']", "Name: "),
        ({"Id": None}, entity("orbit")["Name"], "the station gave it no Id"),
        ({"Id": ""}, entity("orbit")["Name"], "the station gave it no Id"),
        ({"Id": {"a": 1}}, entity("orbit")["Name"], "Id: "),
        ({"PublicationDate": "soon"}, entity("orbit")["Name"], "it has no PublicationDate"),
        ({"PublicationDate": None}, entity("orbit")["Name"], "it has no PublicationDate"),
        ({"PublicationDate": 5}, entity("orbit")["Name"], "it has no PublicationDate"),
    ],
)
async def test_what_cannot_become_an_item_is_reported_and_holds_nothing_back(
    change: dict[str, Any], name: str, reason: str
) -> None:
    answer = await answer_to(entity("orbit") | change, entity("minute_precision"))

    (rejected,) = answer.rejected
    assert rejected.name == name
    assert rejected.reason.startswith(reason)
    assert [item.properties["auxip:id"] for item in answer.items] == ["id2"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ContentLength", True),
        ("ContentLength", -1),
        ("ContentLength", {"bytes": 1}),
        ("Checksum", "d41d8cd98f00b204e9800998ecf8427e"),
        ("Checksum", [None, {"Algorithm": None}, {"Value": "x"}]),
        ("ContentDate", "2026-11-01"),
        ("ContentDate", []),
        ("Attributes", {"productType": "AUX_PP2"}),
        ("Attributes", [{"Name": {}, "Value": {}}, {"Name": "a", "Value": [1]}, {}]),
        ("EvictionDate", ["2026"]),
        ("ContentType", 5),
    ],
)
async def test_a_field_that_cannot_be_read_is_left_out_and_costs_no_item(field: str, value: object) -> None:
    answer = await answer_to(entity("orbit") | {field: value})

    assert len(answer.items) == 1
    assert item_error(answer.items[0].to_dict(include_self_link=False)) is None
