"""What sessions and their files become, in the shapes that stations give them."""

from typing import Any

import pytest
from pystac import Item

from rs_assets.items.extensions import FILE, SAT, TIMESTAMPS
from rs_assets.items.validation import item_error
from rs_assets.stations.cadip.session import Session, SessionFile, session_item
from rs_assets.stations.missions import belonging

from .downlink import CHUNK, SESSION, Downlink, again, chunk, chunks, quality, session, stamp
from .searching import MISSIONS, Entity


def item_of(*entities: Entity, files: list[Entity] | None = None) -> Item:
    sessions = [Session.model_validate(entity) for entity in entities or (session(),)]
    listed = [SessionFile.model_validate(file) for file in (chunks() if files is None else files)]
    owner = belonging(MISSIONS.values(), name=SESSION)
    item = session_item(sessions, listed, Downlink().station, owner)
    assert item_error(item.to_dict(include_self_link=False)) is None
    return item


def test_a_session_s_item_says_what_the_station_says() -> None:
    item = item_of(session(QualityInfo=[quality(1, DeliveryStart=stamp(), ErrorTFs="17")]))

    assert item.properties == {
        "datetime": "2026-11-01T14:30:38Z",
        "start_datetime": "2026-11-01T14:30:38Z",
        "end_datetime": "2026-11-01T14:32:52Z",
        "created": "2026-11-01T14:31:11Z",
        "published": "2026-11-01T14:31:11Z",
        "platform": "sentinel-1a",
        "constellation": "sentinel-1",
        "sat:absolute_orbit": 53186,
        "cadip:id": "2b17b57d-fff4-4645-b539-91f305c27c69",
        "cadip:num_channels": 2,
        "cadip:station": "SGS_",
        "cadip:station_unit_id": "01",
        "cadip:acquisition_id": "53186_1",
        "cadip:antenna_id": "SG1",
        "cadip:front_end_id": "FE1",
        "cadip:retransfer": False,
        "cadip:antenna_status_ok": True,
        "cadip:front_end_status_ok": True,
        "cadip:downlink_status_ok": True,
        "cadip:delivery_push_ok": True,
        "cadip:planned_data_start": "2026-11-01T14:30:35Z",
        "cadip:planned_data_stop": "2026-11-01T14:32:58Z",
        "cadip:quality": [
            {
                "channel": 1,
                "acquired_tfs": 1000,
                "error_tfs": 17,
                "delivery_start": "2026-11-01T14:30:38Z",
                "total_chunks": 3,
                "total_volume": 3 * CHUNK,
            }
        ],
    }
    assert set(item.stac_extensions) == {FILE, TIMESTAMPS, SAT}


def test_a_chunk_s_asset_leads_to_its_bytes_and_says_where_it_belongs() -> None:
    item = item_of(files=[chunk(2, 19, final=True, Id="a/b'c", Size=str(CHUNK))])

    [(key, asset)] = item.assets.items()
    assert key == asset.title == f"DCS_01_{SESSION}_ch2_DSDB_00019.raw"
    assert asset.href == "http://station.example/cadip/Files(a%2Fb%27c)/$value"
    assert (asset.roles, asset.media_type) == (["cadu"], "application/octet-stream")
    assert asset.extra_fields == {
        "created": "2026-11-01T14:32:36Z",
        "published": "2026-11-01T14:32:36Z",
        "expires": "2026-11-08T14:31:26Z",
        "file:size": CHUNK,
        "cadip:id": "a/b'c",
        "cadip:channel": 2,
        "cadip:block_number": 19,
        "cadip:final_block": True,
        "cadip:retransfer": False,
    }


ACQUIRING = dict.fromkeys(
    ("Retransfer", "DownlinkStart", "DownlinkStop", "DownlinkStatusOK", "DeliveryPushOK", "QualityInfo")
)


@pytest.mark.parametrize(
    ("changes", "start", "end"),
    [
        (ACQUIRING, "2026-11-01T14:30:35Z", "2026-11-01T14:32:58Z"),
        ({"DownlinkStop": None}, "2026-11-01T14:30:38Z", "2026-11-01T14:32:58Z"),
        (
            ACQUIRING | {"PlannedDataStart": "", "PlannedDataStop": "soon"},
            "2026-11-01T14:31:11Z",
            "2026-11-01T14:31:11Z",
        ),
        ({"DownlinkStop": stamp(-60)}, "2026-11-01T14:30:38Z", "2026-11-01T14:30:38Z"),
        ({"DownlinkStart": "2026-11-01T14:30:38.1234567Z"}, "2026-11-01T14:30:38.123456Z", "2026-11-01T14:32:52Z"),
        ({"DownlinkStart": "2026-11-01T14:30Z"}, "2026-11-01T14:30:00Z", "2026-11-01T14:32:52Z"),
        ({"DownlinkStart": "2026-11-01T15:30:38.5+01:00"}, "2026-11-01T14:30:38.500000Z", "2026-11-01T14:32:52Z"),
    ],
)
def test_the_time_of_a_session_is_its_downlink_s_as_it_was_or_is_planned(
    changes: dict[str, Any], start: str, end: str
) -> None:
    item = item_of(session(**changes))

    assert (item.properties["start_datetime"], item.properties["end_datetime"]) == (start, end)


def test_a_session_without_any_time_is_no_item() -> None:
    with pytest.raises(ValueError, match="neither DownlinkStart"):
        item_of(session(PublicationDate=None, DownlinkStart=None, PlannedDataStart=None))


@pytest.mark.parametrize("session_id", [SESSION, "S1A_20261101143038123456789012345", "S1A_20261101143038" + "0" * 20])
def test_the_session_id_is_the_item_id_whatever_its_fraction(session_id: str) -> None:
    assert item_of(session(session_id)).id == session_id


def test_a_session_without_files_is_a_valid_item() -> None:
    assert item_of(files=[]).assets == {}


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"Retransfer": "false", "NumChannels": "2", "DownlinkOrbit": "53186"}, (False, 2, 53186)),
        ({"Retransfer": "True", "NumChannels": 2.5, "DownlinkOrbit": 0}, (True, None, None)),
        ({"Retransfer": None, "NumChannels": -1, "DownlinkOrbit": "x"}, (None, None, None)),
        ({"Retransfer": "maybe", "NumChannels": True, "DownlinkOrbit": []}, (None, None, None)),
    ],
)
def test_numbers_and_booleans_may_be_words(stated: dict[str, Any], expected: tuple[object, ...]) -> None:
    properties = item_of(session(**stated)).properties

    names = ("cadip:retransfer", "cadip:num_channels", "sat:absolute_orbit")
    assert tuple(properties.get(name) for name in names) == expected


@pytest.mark.parametrize(
    ("name", "channel", "block"),
    [
        (f"DCS_01_{SESSION}_ch2_DSDB_00019.raw", 2, 19),
        (f"DCS_01_{SESSION}_ch_1_DSDB_00001.raw", 1, 1),
        (f"DCS_01_{SESSION}_CH1_DSDB_7.RAW", 1, 7),
        ("something.raw", None, None),
    ],
)
def test_channel_and_block_come_from_the_name_where_they_are_not_stated(
    name: str, channel: int | None, block: int | None
) -> None:
    item = item_of(files=[chunk(9, 9, Name=name, Channel=None, BlockNumber="")])

    fields = item.assets[name].extra_fields
    assert (fields.get("cadip:channel"), fields.get("cadip:block_number")) == (channel, block)


def test_the_first_of_two_files_of_one_name_keeps_it_and_none_is_lost() -> None:
    original = chunk(1, 1, Id="1a2b3c4d-0000")
    second = again(original, mark="2a2b3c4d")
    third = again(original, mark="2a2b3c4d-xx", seconds=7200)

    item = item_of(files=[third, second, original])

    name = f"DCS_01_{SESSION}_ch1_DSDB_00001"
    assert {key: asset.extra_fields["cadip:id"] for key, asset in item.assets.items()} == {
        f"{name}.raw": "1a2b3c4d-0000",
        f"{name}-retransfer-2a2b3c4d.raw": "2a2b3c4d-1a2b3c4d-0000",
        f"{name}-retransfer-2a2b3c4d-xx-1a2b3c4d-0000.raw": "2a2b3c4d-xx-1a2b3c4d-0000",
    }


def test_the_quality_of_each_delivery_is_kept() -> None:
    first = session(QualityInfo=[quality(1, 3)])
    second = again(session(QualityInfo=[quality(1, 2)]))

    properties = item_of(first, second).properties

    assert [entry["total_chunks"] for entry in properties["cadip:quality"]] == [3]
    assert [entry["total_chunks"] for entry in properties["cadip:retransfer_quality"]] == [2]


@pytest.mark.parametrize("stated", [None, "", {}, [], [None], quality(1), [quality(1)], {"value": []}])
def test_quality_info_has_several_shapes(stated: Any) -> None:
    item = item_of(session(QualityInfo=stated))

    assert len(item.properties.get("cadip:quality", [])) in {0, 1}
