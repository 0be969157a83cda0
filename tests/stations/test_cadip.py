"""A superset is asked of a downlink station, and which sessions and files belong together is decided here."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from rs_assets.errors import AuthenticationError, StationError
from rs_assets.items.times import utc_now
from rs_assets.selection import parse
from rs_assets.settings import TimeField
from rs_assets.stations.cadip import INTERFACE
from rs_assets.stations.cadip.search import CadipSearch
from rs_assets.stations.http import StationConnection
from rs_assets.stations.registry import interface_of
from rs_assets.stations.search import Answer

from .downlink import (
    BEGIN,
    CHUNK,
    SESSION,
    Downlink,
    again,
    chunk,
    chunks,
    is_complete,
    missing_from,
    quality,
    session,
    stamp,
)
from .searching import DAY, MISSIONS, Entity, options
from .service import products

OTHER_SESSION = "S1C_20261101160000000001"


def ids(answer: Answer) -> list[str]:
    return [item.id for item in answer.items]


async def test_a_session_is_one_item_with_an_asset_for_each_of_its_files() -> None:
    downlink = Downlink([session()], chunks())

    answer = await downlink.search()

    [item] = answer.items
    assert item.id == SESSION
    assert list(item.assets) == [entity["Name"] for entity in chunks()]
    assert is_complete(item)
    assert set(downlink.filters("Sessions")) == {answer.query}
    assert answer.query == (
        "PublicationDate gt 2026-10-31T23:59:59.000Z and PublicationDate lt 2026-11-02T00:00:01.000Z"
    )
    assert set(downlink.filters("Files")) == {f"SessionId eq '{SESSION}'"}


async def test_a_session_belongs_to_the_window_of_its_publication_or_else_of_its_downlink() -> None:
    late = session(PublicationDate="2026-11-02T00:00:00Z")
    early = session("S1A_2", DownlinkStart="2026-10-31T23:59:59.9999999Z", Id="early")
    odd = session("S1A_3", PublicationDate=None, DownlinkStart=None, Id="odd")

    by_publication = await Downlink([late, early, odd]).search()
    by_content = await Downlink([late, early, odd], time_field=TimeField.CONTENT).search()

    assert ids(by_publication) == ["S1A_2"]
    assert ids(by_content) == [SESSION]
    assert [entry.name for entry in by_publication.rejected] == ["S1A_3"]
    assert "DownlinkStart" in by_content.rejected[0].reason


async def test_sessions_of_other_missions_are_left_out_and_those_of_none_are_counted() -> None:
    entities = [session(), session("S2B_20261101", Id="b"), session("XYZ_1", Id="c", Satellite=None)]

    answer = await Downlink(entities, missions=("S1", "S2")).search()
    other = await Downlink(entities).search("other")

    assert (ids(answer), answer.unassigned) == ([SESSION], 1)
    assert (ids(other), other.unassigned) == (["XYZ_1"], None)


@pytest.mark.parametrize(
    ("satellite", "session_id", "platform", "is_contradicting"),
    [
        ("S1A", SESSION, "sentinel-1a", False),
        ("s1c", OTHER_SESSION, "sentinel-1c", False),
        (None, SESSION, "sentinel-1a", False),
        ("", SESSION, "sentinel-1a", False),
        ("SENTINEL-1A", SESSION, "sentinel-1a", False),
        ("S1C", SESSION, "sentinel-1c", True),
        ("S1", SESSION, None, True),
    ],
)
async def test_the_platform_is_the_satellite_s_or_else_the_session_id_s(
    satellite: str | None, session_id: str, platform: str | None, is_contradicting: bool
) -> None:
    [item] = (await Downlink([session(session_id, Satellite=satellite)]).search()).items

    assert item.properties.get("platform") == platform
    assert ("cadip:contradiction" in item.properties) is is_contradicting


async def test_files_are_asked_for_ten_sessions_at_a_time_page_by_page_and_all_are_read() -> None:
    names = [f"S1A_{number:02d}" for number in range(12)]
    sessions = [session(name, Id=name) for name in names]
    files = [entity for name in names for entity in chunks(40, session_id=name)]
    for number, entity in enumerate(files):
        entity["Id"] = f"file-{number}"

    downlink = Downlink(sessions, files, page_size=100)
    answer = await downlink.search()

    assert [len(item.assets) for item in answer.items] == [80] * 12
    assert all(is_complete(item) for item in answer.items)
    asked = set(downlink.filters("Files"))
    assert len(asked) == 2
    assert all(text.count("'S1A_") in {10, 2} for text in asked)
    assert answer.pages > 10


@pytest.mark.parametrize("kind", ["ignores", "first_alone", "nothing", "refuses", "fails_in"])
async def test_a_station_that_does_not_understand_a_list_of_sessions_still_gives_all_files(kind: str) -> None:
    both = {SESSION: chunks(), OTHER_SESSION: chunks(session_id=OTHER_SESSION)}
    foreign = chunk(1, 1, session_id="S9Z_unknown")
    every = [*both[SESSION], foreign, *both[OTHER_SESSION]]

    def files(request: httpx.Request) -> httpx.Response:
        text = options(request)["$filter"]
        if " in " not in text:
            found = every if kind == "ignores" else [file for file in every if f"'{file['SessionId']}'" in text]
        elif kind == "refuses":
            return httpx.Response(400, json={"error": {"message": "no viable alternative"}})
        else:
            found = {"ignores": every, "first_alone": both[SESSION]}.get(kind, [])
        skip = int(options(request)["$skip"])
        return products(*found[skip:], **{"@odata.count": len(found)})

    downlink = Downlink([session(), session(OTHER_SESSION, Id="other")])
    downlink.service.on("/cadip/Files", files)

    answer = await downlink.search()

    assert {item.id: len(item.assets) for item in answer.items} == {SESSION: 6, OTHER_SESSION: 6}


async def test_quality_is_read_with_the_sessions() -> None:
    downlink = Downlink([session(QualityInfo=[quality(1), quality(2, 4)])], chunks())

    [item] = (await downlink.search()).items

    assert options(downlink.service.asked("/cadip/Sessions")[0])["$expand"] == "QualityInfo"
    assert [entry["total_chunks"] for entry in item.properties["cadip:quality"]] == [3, 4]
    assert missing_from(item) == ("channel 2: 3 of 4 chunks",)


async def test_quality_that_is_only_shown_with_a_single_session_is_asked_for() -> None:
    bare = session()
    del bare["QualityInfo"]
    downlink = Downlink([bare], chunks())
    downlink.service.on(f"/cadip/Sessions({bare['Id']})", httpx.Response(200, json=session(QualityInfo=[quality(1)])))

    [item] = (await downlink.search()).items

    assert missing_from(item) == ("QualityInfo of 1 of 2 channels", "QualityInfo of channel 2")


@pytest.mark.parametrize("status", [400, 404, 500, 501])
async def test_a_station_without_quality_is_judged_by_the_final_blocks(status: int) -> None:
    first, second = session(), session(OTHER_SESSION, Id="other")
    for entity in (first, second):
        del entity["QualityInfo"]
    downlink = Downlink([first, second], [*chunks(), *chunks(session_id=OTHER_SESSION)])

    def sessions(request: httpx.Request) -> httpx.Response:
        if "$expand" in options(request):
            return httpx.Response(status) if status != 404 else downlink.list_sessions(request)
        return downlink.list_sessions(request)

    downlink.service.on("/cadip/Sessions", sessions)

    answer = await downlink.search()

    assert [is_complete(item) for item in answer.items] == [True, True]
    single = [request for request in downlink.service.requests if "Sessions(" in request.url.path]
    assert len(single) <= 1, "it is not asked again and again"


async def test_what_cannot_be_read_is_rejected_and_holds_nothing_back() -> None:
    entities: list[Entity] = [session(), session(OTHER_SESSION, Id=None), {"Id": "no-session-id"}]
    files = [*chunks(), {"Id": "nameless", "SessionId": SESSION}]

    answer = await Downlink(entities, files).search()

    assert ids(answer) == [SESSION]
    assert {entry.name for entry in answer.rejected} == {OTHER_SESSION, "no-session-id", SESSION}
    assert "nameless" in {entry.key for entry in answer.rejected}


@pytest.mark.parametrize("answer", [{"value": []}, [], {"responses": []}])
async def test_nothing_has_several_shapes(answer: Any) -> None:
    downlink = Downlink()
    downlink.service.on("/cadip/Sessions", httpx.Response(200, json=answer))

    assert (await downlink.search()).items == []


async def test_a_single_session_may_come_without_an_envelope() -> None:
    downlink = Downlink(files=chunks())
    downlink.service.on("/cadip/Sessions", httpx.Response(200, json=session()))

    assert ids(await downlink.search()) == [SESSION]


async def test_original_and_retransfer_are_one_item_and_both_stay_readable() -> None:
    entities = [session(), again(session())]
    files = [*chunks(), *(again(entity) for entity in chunks())]

    downlink = Downlink(entities, files)
    [found] = (await downlink.search()).items
    item = INTERFACE.stated(found, downlink.station, utc_now())

    assert len(item.assets) == 12
    assert len({asset.href for asset in item.assets.values()}) == 12
    original = item.assets[f"DCS_01_{SESSION}_ch1_DSDB_00001.raw"]
    assert original.extra_fields["cadip:superseded_by"] == f"DCS_01_{SESSION}_ch1_DSDB_00001-retransfer-re-6552-.raw"
    newer = item.assets[original.extra_fields["cadip:superseded_by"]]
    assert newer.extra_fields["cadip:id"] == "re-6552-1-1"
    assert "cadip:superseded_by" not in newer.extra_fields
    assert item.properties["cadip:id"].startswith("re-")


async def test_a_refused_login_is_an_error_and_no_reason_to_ask_in_another_way() -> None:
    downlink = Downlink([session()])
    downlink.service.on("/cadip/Sessions", httpx.Response(401))

    with pytest.raises(AuthenticationError, match="sgs"):
        await downlink.search()

    assert len(downlink.service.requests) == 1


async def test_files_that_cannot_be_had_fail_the_search() -> None:
    downlink = Downlink([session()])
    downlink.service.on("/cadip/Files", httpx.Response(500))

    with pytest.raises(StationError, match=r"sgs: .* 500"):
        await downlink.search()


async def found(downlink: Downlink, text: str) -> list[str]:
    async with StationConnection(downlink.station, transport=httpx.MockTransport(downlink.service)) as connection:
        return ids(await interface_of(connection.station).search(connection, MISSIONS).find(parse(text)))


async def test_sessions_are_found_by_a_filter_of_which_the_station_is_asked_a_part() -> None:
    downlink = Downlink([session(), session(OTHER_SESSION, Id="other")], chunks())

    assert await found(downlink, f"id = '{SESSION}' AND platform = 'sentinel-1a'") == [SESSION]
    assert await found(downlink, f"id = '{SESSION}' AND platform = 'sentinel-1c'") == []
    assert downlink.filters("Sessions")[0] == f"SessionId eq '{SESSION}'"


async def test_a_filter_that_the_station_understands_nothing_of_is_refused_with_what_it_would_understand() -> None:
    with pytest.raises(StationError, match=r"sgs: .* add a clause .* id.*published"):
        await found(Downlink(), "platform = 'sentinel-1a'")


async def test_what_was_published_of_late_comes_with_the_sessions_of_the_files() -> None:
    old = session(PublicationDate=stamp(-7200))
    young = session(OTHER_SESSION, Id="young", PublicationDate=stamp(60))
    files = [chunk(1, 1), chunk(1, 1, session_id="S9Z_gone"), chunk(2, 1, PublicationDate=stamp(-100))]
    downlink = Downlink([old, young], files)

    async with StationConnection(downlink.station, transport=httpx.MockTransport(downlink.service)) as connection:
        lately = await CadipSearch(connection, MISSIONS).published_since(BEGIN)

    assert [each.key for each in lately.listed if not each.is_file] == [young["Id"]]
    assert [(each.key, each.mission) for each in lately.listed if each.is_file] == [
        ("6552-1-1", "S1"),
        ("gone-1-1", None),
    ]
    assert lately.is_whole


async def test_files_with_sizes_as_text_are_summed() -> None:
    files = [entity | {"Size": str(CHUNK), "Channel": str(entity["Channel"])} for entity in chunks()]
    totals = [quality(channel, TotalVolume=str(3 * CHUNK), TotalChunks="3", Channel=str(channel)) for channel in (1, 2)]

    [item] = (await Downlink([session(QualityInfo=totals)], files).search()).items

    assert missing_from(item) == ()
    assert sum(asset.extra_fields["file:size"] for asset in item.assets.values()) == 6 * CHUNK


async def test_the_window_is_half_open() -> None:
    entities = [
        session("S1A_first", Id="1", PublicationDate="2026-11-01T00:00:00.0000000Z"),
        session("S1A_last", Id="2", PublicationDate="2026-11-01T23:59:59.999999Z"),
        session("S1A_after", Id="3", PublicationDate="2026-11-02T00:00:00Z"),
    ]

    answer = await Downlink(entities).search(window=DAY)

    assert ids(answer) == ["S1A_first", "S1A_last"]
    assert DAY.end - DAY.start == timedelta(days=1)
