"""The CADIP interface: sessions as they are acquired, their files, and their quality."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from rs_assets.simulator.cadip.passes import Passes
from rs_assets.simulator.cadip.sessions import Session

from .station import NOW, ONE_DAY, Entity, Station

PATH = "/cadip/mps"
SAMPLE = {"SessionId": "S1A_20240504120000000001", "downlink_seconds": 100, "lag_seconds": 10, "chunks": 5}


async def test_a_session_s_files_are_what_its_quality_says(station: Station) -> None:
    for session in await station.entities("Sessions", filter=ONE_DAY, expand="Files,QualityInfo"):
        assert [info["Channel"] for info in session["QualityInfo"]] == list(range(1, session["NumChannels"] + 1))
        for info in session["QualityInfo"]:
            files = [file for file in session["Files"] if file["Channel"] == info["Channel"]]
            assert sorted(file["BlockNumber"] for file in files) == list(range(1, info["TotalChunks"] + 1))
            assert sum(file["Size"] for file in files) == info["TotalVolume"]
            final = [file for file in files if file["FinalBlock"]]
            assert [file["BlockNumber"] for file in final] == [info["TotalChunks"]]
            assert all(file["Size"] > final[0]["Size"] for file in files if file not in final)


async def test_a_file_has_the_size_that_is_announced_and_bytes_of_its_own(station: Station) -> None:
    session = (await station.entities("Sessions", filter=ONE_DAY, top=1))[0]
    files = await station.files(session)
    bodies = [(await station.chunk(file)).content for file in files]
    assert [len(body) for body in bodies] == [file["Size"] for file in files]
    assert len(set(bodies)) == len(files) > 10


async def test_a_file_is_named_for_its_session_channel_and_block(station: Station) -> None:
    session = (await station.entities("Sessions", filter=ONE_DAY, top=1))[0]
    for file in await station.files(session):
        unit, session_id, number = session["StationUnitId"], session["SessionId"], file["BlockNumber"]
        assert file["Name"] == f"DCS_{unit}_{session_id}_ch{file['Channel']}_DSDB_{number:05d}.raw"


async def test_a_download_tells_its_length_and_validators_and_can_be_resumed(station: Station) -> None:
    file = (await station.entities("Files", filter=ONE_DAY, top=1))[0]
    whole = await station.chunk(file)
    assert whole.headers["content-disposition"] == f"attachment; filename={file['Name']}"
    rest = await station.chunk(file, range="bytes=1000-", if_range=whole.headers["etag"])
    assert (rest.status_code, rest.content) == (206, whole.content[1000:])
    assert (await station.chunk(file, range="bytes=1000-", if_range='"other"')).status_code == 200
    assert (await station.chunk(file, range=f"bytes={file['Size']}-")).status_code == 416
    head = await station.http.head(f"{PATH}/Files({file['Id']})/$value")
    assert (head.headers["content-length"], head.content) == (str(file["Size"]), b"")


@pytest.mark.parametrize("collection", ["Sessions", "Files"])
async def test_an_id_leads_to_its_entity_in_a_station_that_never_listed_it(station: Station, collection: str) -> None:
    for entity in await station.entities(collection, filter=ONE_DAY, top=40):
        answer = await Station.started().http.get(f"{PATH}/{collection}({entity['Id'].upper()})")
        context = f"http://station/cadip/mps/$metadata#{collection}/$entity"
        assert answer.json() == {"@odata.context": context} | entity


@pytest.mark.parametrize("wanted", ["00000000-0000-0000-0000-000000000000", "x", "'"])
async def test_an_unknown_id_is_not_found(station: Station, wanted: str) -> None:
    for entity in (f"Sessions({wanted})", f"Files({wanted})", f"Files({wanted})/$value"):
        assert (await station.http.get(f"{PATH}/{entity}")).status_code == 404
    file = (await station.entities("Files", filter=ONE_DAY, top=1))[0]
    assert (await station.http.get(f"{PATH}/Sessions({file['Id']})")).status_code == 404


async def test_stations_and_seeds_have_archives_of_their_own(station: Station) -> None:
    ids: list[str] = []
    for path in ("/cadip/ins", "/cadip/mps", "/cadip/mti", "/cadip/nsg", "/cadip/sgs"):
        sessions = await station.entities("Sessions", path, filter=ONE_DAY)
        assert {session["StationId"] for session in sessions} == {path[-3:].upper()}
        ids += [session["SessionId"] for session in sessions]
    ids += [s["SessionId"] for s in await Station.started(seed=1).entities("Sessions", filter=ONE_DAY)]
    assert len(set(ids)) == len(ids)
    assert (await station.http.get("/cadip/xyz/Sessions")).status_code == 404


@pytest.mark.parametrize("day", ["2023-12-18", "2026-11-01"])
async def test_a_day_has_a_handful_of_sessions_of_each_mission_in_a_demo_s_size(day: str) -> None:
    station = Station.started(now=datetime.fromisoformat("2027-01-01T00:00:00Z"))
    query = f"PublicationDate ge {day}T00:00:00Z and PublicationDate le {day}T23:59:59.999Z"
    sessions = await station.entities("Sessions", filter=query, expand="Files")
    counts = Counter(session["Satellite"][:2] for session in sessions)
    volumes: Counter[str] = Counter()
    for session in sessions:
        volumes[session["Satellite"][:2]] += sum(file["Size"] for file in session["Files"])
        assert 16 <= len(session["Files"]) <= 40
    assert set(counts) == {"S1", "S2", "S3"}
    assert all(3 <= count <= 6 for count in counts.values())
    assert all(volume < 32_000_000 for volume in volumes.values())


async def test_the_size_of_the_files_is_an_option() -> None:
    station = Station.started(chunk_size=314_572_800)
    file = (await station.entities("Files", filter=f"{ONE_DAY} and FinalBlock eq false", top=1))[0]
    assert file["Size"] == 314_572_800
    assert len((await station.chunk(file, range="bytes=-10")).content) == 10


async def test_a_session_is_acquired_by_the_clock(station: Station) -> None:
    whole = await station.cadip("sessions", **SAMPLE)
    found = []
    for seconds in (9, 10, 58, 99, 108, 200):
        await station.control("clock", now=f"{NOW + timedelta(seconds=seconds)}")
        listed = await station.entities("Sessions", filter=f"SessionId eq '{whole['SessionId']}'", expand="Files")
        found.append([(s["DownlinkStop"], s["DeliveryPushOK"], len(s["Files"])) for s in listed])
    stop = "2024-05-04T12:01:40.000Z"
    assert found[0] == []
    assert [session for (session,) in found[1:]] == [
        (None, None, 0),
        (None, None, 3),
        (None, None, 7),
        (stop, None, 8),
        (stop, True, 10),
    ]


async def test_files_are_published_one_by_one_with_the_channels_interleaved(station: Station) -> None:
    whole = await station.cadip("sessions", **SAMPLE)
    dates = [file["PublicationDate"] for file in whole["Files"]]
    await station.control("clock", now="2024-05-05T00:00:00Z")
    files = await station.files(whole)
    assert len(set(dates)) == 10
    assert [file["PublicationDate"] for file in files] == sorted(dates)
    assert [file["Channel"] for file in files] == [1, 2] * 5
    assert [file["BlockNumber"] for file in files] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


async def test_the_quality_is_zero_until_the_delivery_has_ended(station: Station) -> None:
    whole = await station.cadip("sessions", **SAMPLE)
    last = max(file["PublicationDate"] for file in whole["Files"])
    await station.control("clock", now="2024-05-04T12:01:45Z")
    before = await station.entities("QualityInfo", filter=f"SessionId eq '{whole['SessionId']}'")
    assert [(info["Channel"], info["TotalChunks"], info["TotalVolume"]) for info in before] == [(1, 0, 0), (2, 0, 0)]
    assert [info["DeliveryStop"] for info in before] == [None, None]
    await station.control("clock", now=last)
    after = await station.entities("QualityInfo", filter=f"SessionId eq '{whole['SessionId']}'")
    assert after == whole["QualityInfo"]
    assert [(info["TotalChunks"], info["DeliveryStop"]) for info in after] == [(5, last), (5, last)]


async def test_a_file_that_is_not_yet_published_cannot_be_had(station: Station) -> None:
    whole = await station.cadip("sessions", **SAMPLE)
    first = min(whole["Files"], key=lambda file: str(file["PublicationDate"]))
    assert (await station.chunk(first)).status_code == 404
    await station.control("clock", now=first["PublicationDate"])
    assert (await station.chunk(first)).status_code == 200
    assert await station.files(whole) == [first]


async def test_eviction_is_announced_a_week_after_publication_to_the_second(station: Station) -> None:
    for file in await station.entities("Files", filter=ONE_DAY, top=40):
        published, evicted = (datetime.fromisoformat(file[f"{name}Date"]) for name in ("Publication", "Eviction"))
        assert evicted == published.replace(microsecond=0) + timedelta(days=7)


async def test_a_rolling_archive_drops_files_one_by_one_and_the_session_with_the_last() -> None:
    station = Station.started(evict_after_days=2)
    whole = await station.cadip("sessions", **SAMPLE)
    query = f"SessionId eq '{whole['SessionId']}'"
    dates = sorted(file["PublicationDate"] for file in whole["Files"])
    await station.control("clock", now=f"{datetime.fromisoformat(dates[3]) + timedelta(days=2)}")
    assert [file["PublicationDate"] for file in await station.entities("Files", filter=query)] == dates[4:]
    assert len(await station.entities("Sessions", filter=query)) == 1
    await station.control("clock", now=f"{datetime.fromisoformat(dates[-1]) + timedelta(days=2)}")
    assert await station.entities("Files", filter=query) == []
    assert await station.entities("Sessions", filter=query) == []
    assert (await station.chunk(whole["Files"][0])).status_code == 404
    oldest = (await station.entities("Files", top=1))[0]
    assert oldest["PublicationDate"] > "2024-05-04T12:01"


@pytest.mark.parametrize(
    "query",
    [
        "Satellite eq 'S2A'",
        "Satellite in ('S1A','S2B') and Retransfer eq false",
        "DownlinkOrbit gt 30000 and (StationId eq 'MPS' or StationId eq 'SGS')",
        "StationUnitId eq '01' and NumChannels ge 2",
        "AntennaId in ('MPS01')",
        "DownlinkStart lt 2024-05-01T10:00:00Z and DownlinkStop gt 2024-05-01T03:00:00Z",
        "PlannedDataStart ge 2024-05-01T10:00:00Z and not (Satellite eq 'S3A')",
        "DeliveryPushOK eq true and DownlinkStatusOK eq true and AntennaStatusOK eq true and FrontEndStatusOK eq true",
    ],
)
async def test_a_filter_on_sessions_gives_those_that_pass(station: Station, query: str) -> None:
    everything = await station.entities("Sessions", filter=ONE_DAY)
    found = await station.entities("Sessions", filter=f"{ONE_DAY} and {query}")
    others = await station.entities("Sessions", filter=f"{ONE_DAY} and not ({query})")
    assert len(found) > 0
    assert sorted(found + others, key=lambda s: str(s["PublicationDate"])) == everything


@pytest.mark.parametrize(
    ("query", "passes"),
    [
        ("Channel eq 1", lambda file: file["Channel"] == 1),
        ("BlockNumber le 3", lambda file: file["BlockNumber"] <= 3),
        ("FinalBlock eq true", lambda file: file["FinalBlock"] is True),
        ("Size lt 131072", lambda file: file["Size"] < 131072),
        ("Retransfer eq false", lambda file: file["Retransfer"] is False),
        ("startswith(Name,'DCS_') and Channel in (2)", lambda file: file["Channel"] == 2),
    ],
)
async def test_a_filter_on_files_gives_those_that_pass(
    station: Station, query: str, passes: Callable[[Entity], bool]
) -> None:
    session = (await station.entities("Sessions", filter=ONE_DAY, top=1))[0]
    everything = await station.files(session)
    found = await station.entities("Files", filter=f"SessionId eq '{session['SessionId']}' and {query}")
    assert found == [file for file in everything if passes(file)] != []


async def test_files_of_several_sessions_come_in_one_answer(station: Station) -> None:
    one, *_, other = await station.entities("Sessions", filter=ONE_DAY)
    expected = await station.files(one) + await station.files(other)
    ids = f"'{one['SessionId']}', '{other['SessionId']}','S1A_none'"
    assert await station.entities("Files", filter=f"SessionId in ({ids})") == expected
    assert await station.entities("Files", filter=f"Name eq '{expected[3]['Name']}'") == [expected[3]]
    assert await station.entities("Files", filter=f"Id eq {expected[3]['Id']}") == [expected[3]]


async def test_next_links_visit_every_file_once() -> None:
    station = Station.started(max_page=30)
    query = quote(f"{ONE_DAY} and Channel eq 2")
    answer = await station.http.get(f"{PATH}/Files?$filter={query}&$count=true&$orderby=PublicationDate desc&$top=500")
    seen: list[str] = []
    dates: list[str] = []
    while True:
        page = answer.json()
        assert 0 < len(page["value"]) <= 30
        seen += [file["Id"] for file in page["value"]]
        dates += [file["PublicationDate"] for file in page["value"]]
        if "@odata.nextLink" not in page:
            break
        assert page["@odata.nextLink"].startswith("http://station/cadip/mps/Files?")
        answer = await station.http.get(page["@odata.nextLink"])
    assert len(set(seen)) == len(seen) == page["@odata.count"] > 60
    assert dates == sorted(dates, reverse=True)


async def test_skip_and_orderby_page_through_the_sessions(station: Station) -> None:
    ordered = await station.entities("Sessions", filter=ONE_DAY, orderby="DownlinkOrbit desc")
    orbits = [session["DownlinkOrbit"] for session in ordered]
    assert orbits == sorted(orbits, reverse=True)
    page = await station.entities("Sessions", filter=ONE_DAY, orderby="DownlinkOrbit desc", skip=2, top=3)
    assert page == ordered[2:5]


async def test_nulls_come_first_in_an_ascending_order(station: Station) -> None:
    await station.cadip("sessions", **SAMPLE)
    await station.control("clock", now="2024-05-04T12:00:30Z")
    query = "PublicationDate gt 2024-05-04T00:00:00Z"
    stops = [s["DownlinkStop"] for s in await station.entities("Sessions", filter=query, orderby="DownlinkStop")]
    assert stops[0] is None
    assert stops[1:] == sorted(stops[1:]) != []
    null = await station.entities("Sessions", filter=f"{query} and DownlinkStop eq null")
    assert [session["SessionId"] for session in null] == [SAMPLE["SessionId"]]


@pytest.mark.parametrize(
    ("collection", "options"),
    [
        ("Sessions", {"$filter": "Colour eq 'red'"}),
        ("Sessions", {"$filter": "Retransfer eq 'false'"}),
        ("Sessions", {"$expand": "Attributes"}),
        ("Files", {"$expand": "Files"}),
        ("Files", {"$filter": "Attributes/any(a:a/Name eq 'x')"}),
        ("QualityInfo", {"$orderby": "PublicationDate"}),
        ("Files", {"$top": "x"}),
    ],
)
async def test_what_a_station_does_not_have_is_refused(
    station: Station, collection: str, options: dict[str, str]
) -> None:
    assert (await station.http.get(f"{PATH}/{collection}", params=options)).status_code == 400


@pytest.mark.parametrize("collection", ["Sessions", "Files", "QualityInfo"])
async def test_the_metadata_name_the_entities_and_their_properties(station: Station, collection: str) -> None:
    text = (await station.http.get(f"{PATH}/$metadata")).text
    assert f'<EntitySet Name="{collection}"' in text
    some: dict[str, Any] = (await station.entities(collection, top=1))[0]
    assert all(f'Property Name="{name}"' in text for name in some)


async def test_a_bounded_query_makes_only_the_days_that_it_needs(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = (await station.entities("Sessions", filter=ONE_DAY, top=1))[0]
    name = (await station.files(session))[0]["Name"]
    days: set[date] = set()
    original = Passes._sessions

    def watched(self: Passes, day: date) -> Iterator[Session]:
        days.add(day)
        return original(self, day)

    monkeypatch.setattr(Passes, "_sessions", watched)
    for collection, options in (
        ("Sessions", {"filter": ONE_DAY}),
        ("Sessions", {"orderby": "PublicationDate desc", "top": 1}),
        ("Sessions", {"filter": "Retransfer eq true"}),
        ("Files", {"filter": f"SessionId in ('{session['SessionId']}','x')"}),
        ("Files", {"filter": f"Name eq '{name}'"}),
        ("QualityInfo", {"filter": f"SessionId eq '{session['SessionId']}'"}),
        ("QualityInfo", {"filter": ONE_DAY.replace("PublicationDate", "DeliveryStart")}),
    ):
        days.clear()
        await Station.started().entities(collection, **options)
        assert len(days) <= 3, (collection, options)


async def test_a_clock_near_the_end_of_time_breaks_nothing() -> None:
    station = Station.started(now=datetime(9999, 12, 31, 23, 59, tzinfo=UTC))
    latest = (await station.entities("Sessions", orderby="PublicationDate desc", top=1, expand="Files"))[0]
    assert latest["Files"][0]["EvictionDate"].startswith("9999-12-31")


async def test_a_token_of_any_interface_opens_every_station() -> None:
    station = Station.started(auth="oauth2")
    assert (await station.http.get(f"{PATH}/Sessions?$top=1")).status_code == 401
    await station.log_in("/cadip/sgs")
    assert (await station.http.get(f"{PATH}/Sessions?$top=1")).status_code == 200
    assert (await station.http.get("/auxip/Products?$top=1")).status_code == 200


async def test_retransfers_are_asked_for_without_a_date(station: Station) -> None:
    assert await station.entities("Sessions", filter="Retransfer eq true") == []
    original = (await station.entities("Sessions", filter=ONE_DAY, top=1))[0]
    again = await station.cadip("retransfer", session=original["Id"])
    found: list[Entity] = await station.entities("Sessions", filter="Retransfer eq true")
    assert [session["Id"] for session in found] == [again["Id"]]


async def test_a_day_has_at_most_as_many_sessions_as_are_asked_for() -> None:
    few = Station.started(max_sessions=1)
    async with few.http:
        sessions = await few.entities("Sessions", filter=ONE_DAY)
    assert Counter(session["Satellite"][:2] for session in sessions) == {"S1": 1, "S2": 1, "S3": 1}
