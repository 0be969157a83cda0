"""CADIP sessions on demand: odd ones, transfers of the same session, files that come late or go early."""

from datetime import timedelta
from typing import Any

import pytest

from .station import NOW, ONE_DAY, Entity, Station

PATH = "/cadip/mps"


async def now_listed(station: Station, session: Entity) -> Entity:
    """The session with its files and quality, as the interface shows it now."""
    answer = await station.http.get(f"{PATH}/Sessions({session['Id']})?$expand=Files,QualityInfo")
    shown: Entity = answer.json()
    assert answer.status_code == 200, shown
    del shown["@odata.context"]
    return shown


async def test_a_session_is_made_as_it_is_described(station: Station) -> None:
    made = await station.cadip("sessions", Satellite="S2C", chunks=[3, 4, 5], chunk_size=1000, last_size=7)
    assert await now_listed(station, made) | {"Files": []} == made | {"Files": []}
    files = await station.files(made)
    assert sorted(file["Id"] for file in files) == sorted(file["Id"] for file in made["Files"])
    assert made["SessionId"] == "S2C_20240504120000000000"
    assert (made["NumChannels"], made["Satellite"], made["DeliveryPushOK"]) == (3, "S2C", True)
    assert [file["Size"] for file in made["Files"]] == [1000, 1000, 7, 1000, 1000, 1000, 7, *[1000] * 4, 7]
    assert [info["TotalVolume"] for info in made["QualityInfo"]] == [2007, 3007, 4007]


async def test_a_session_is_made_without_a_body(station: Station) -> None:
    answer = await station.http.post("/control/cadip/mps/sessions")
    assert answer.status_code == 201
    assert len(await station.files(answer.json())) == 20


async def test_a_session_id_can_be_of_any_length(station: Station) -> None:
    name = "S1A_20240504115959" + "1234567890" * 2
    made = await station.cadip("sessions", SessionId=name)
    assert len(await station.files(made)) == 20
    assert [s["Id"] for s in await station.entities("Sessions", filter=f"SessionId eq '{name}'")] == [made["Id"]]


async def test_a_session_with_thousands_of_files_is_listed_and_delivered(station: Station) -> None:
    made = await station.cadip("sessions", chunks=2500, chunk_size=10)
    seen: list[Entity] = []
    while page := await station.entities("Files", filter=f"SessionId eq '{made['SessionId']}'", skip=len(seen)):
        seen += page
    assert len({file["Id"] for file in seen}) == 5000
    assert len((await station.chunk(seen[-1])).content) == seen[-1]["Size"]


async def test_a_channel_can_be_late(station: Station) -> None:
    made = await station.cadip("sessions", late_channel=2, late_seconds=3600)
    assert {file["Channel"] for file in await station.files(made)} == {1}
    assert {info["TotalChunks"] for info in (await now_listed(station, made))["QualityInfo"]} == {0}
    await station.control("clock", now=f"{NOW + timedelta(hours=1)}")
    assert {file["Channel"] for file in await station.files(made)} == {1, 2}
    assert {info["TotalChunks"] for info in (await now_listed(station, made))["QualityInfo"]} == {10}


async def test_a_withheld_file_is_missing_until_it_is_released(station: Station) -> None:
    made = await station.cadip("sessions", withheld=[[1, 4], [2, 10]])
    held = [file for file in made["Files"] if file["PublicationDate"] is None]
    assert [(file["Channel"], file["BlockNumber"]) for file in held] == [(1, 4), (2, 10)]
    before = await now_listed(station, made)
    assert len(before["Files"]) == 18
    assert [info["TotalChunks"] for info in before["QualityInfo"]] == [10, 10]
    assert (await station.chunk(held[0])).status_code == 404
    await station.control("clock", now=f"{NOW + timedelta(hours=1)}")
    answer = await station.cadip("release", session=made["Id"])
    assert answer == {"released": [file["Name"] for file in held]}
    files = await station.files(made)
    assert {file["Name"] for file in files[-2:]} == {file["Name"] for file in held}
    assert {file["PublicationDate"] for file in files[-2:]} == {"2024-05-04T13:00:00.000Z"}
    assert (await station.chunk(held[0])).status_code == 200
    assert await station.cadip("release") == {"released": []}


@pytest.mark.parametrize(
    ("kind", "flags"),
    [("true", [False, False, True]), ("null", [None] * 3), ("never", [False] * 3), ("repeated", [False, True, True])],
)
async def test_the_final_block_can_be_marked_wrongly(station: Station, kind: str, flags: list[bool | None]) -> None:
    made = await station.cadip("sessions", chunks=3, channels=1, final_block=kind)
    files = sorted(await station.files(made), key=lambda file: int(file["BlockNumber"]))
    assert [file["FinalBlock"] for file in files] == flags
    query = f"SessionId eq '{made['SessionId']}' and FinalBlock eq true"
    assert len(await station.entities("Files", filter=query)) == flags.count(True)


async def test_fields_can_be_absent_or_null(station: Station) -> None:
    made = await station.cadip("sessions", final_block="absent", without=["Retransfer", "TotalVolume"], nulls=["Size"])
    shown = await now_listed(station, made)
    assert all("FinalBlock" not in file and file["Size"] is None for file in shown["Files"])
    assert not any("Retransfer" in entity for entity in (shown, *shown["Files"]))
    assert not any("TotalVolume" in info for info in shown["QualityInfo"])


async def test_block_numbers_can_have_gaps_though_no_file_is_missing(station: Station) -> None:
    made = await station.cadip("sessions", channels=1, chunks=5, block_gaps=[[1, 3]])
    assert [file["BlockNumber"] for file in made["Files"]] == [1, 2, 4, 5, 6]
    assert [file["Name"][-9:-4] for file in made["Files"]] == ["00001", "00002", "00004", "00005", "00006"]
    assert made["QualityInfo"][0]["TotalChunks"] == 5


async def test_numbers_can_be_wrong_or_texts(station: Station) -> None:
    made = await station.cadip(
        "sessions", num_channels=5, text_sizes=True, size_error=3, text_quality=True, quality_error=-1, chunk_size=100
    )
    shown = await now_listed(station, made)
    assert shown["NumChannels"] == 5
    assert shown["Files"][0]["Size"] == "103"
    assert len((await station.chunk(shown["Files"][0])).content) == 100
    volume = sum(int(file["Size"]) - 3 for file in shown["Files"] if file["Channel"] == 1)
    assert shown["QualityInfo"][0]["TotalVolume"] == str(volume - 1)
    assert shown["QualityInfo"][0]["Channel"] == 1


async def test_the_quality_can_stay_empty(station: Station) -> None:
    made = await station.cadip("sessions", quality_zero=True)
    assert {info["TotalVolume"] for info in (await now_listed(station, made))["QualityInfo"]} == {0}


async def test_a_retransfer_has_new_ids_and_other_bytes_under_the_same_names(station: Station) -> None:
    original = (await station.entities("Sessions", filter=ONE_DAY, top=1, expand="Files"))[0]
    again = await station.cadip("retransfer", session=original["SessionId"])
    both = await station.entities("Sessions", filter=f"SessionId eq '{original['SessionId']}'", expand="Files")
    assert [(s["Id"], s["Retransfer"]) for s in both] == [(original["Id"], False), (again["Id"], True)]
    old, new = both[0]["Files"], both[1]["Files"]
    assert {file["Name"] for file in old} == {file["Name"] for file in new}
    assert {file["Id"] for file in old}.isdisjoint(file["Id"] for file in new)
    assert {file["Retransfer"] for file in new} == {True}
    assert {file["PublicationDate"] for file in new} == {"2024-05-04T12:00:00.000Z"}
    twin = next(file for file in new if file["Name"] == old[0]["Name"])
    assert (await station.chunk(twin)).content != (await station.chunk(old[0])).content
    assert again["DownlinkStart"] == original["DownlinkStart"]


async def test_a_retransfer_can_bring_the_same_bytes(station: Station) -> None:
    original = await station.cadip("sessions", chunks=2, chunk_size=1000)
    again = await station.cadip("retransfer", session=original["Id"], changed=False)
    bodies = [[(await station.chunk(file)).content for file in s["Files"]] for s in (original, again)]
    assert bodies[0] == bodies[1]


async def test_a_session_of_the_archive_can_be_changed_afterwards(station: Station) -> None:
    session = (await station.entities("Sessions", filter=ONE_DAY, top=1))[0]
    files = await station.files(session)
    await station.cadip("change", session=session["Id"], withheld=[[1, 1]], num_channels=1)
    assert len(await station.files(session)) == len(files) - 1
    assert (await now_listed(station, session))["NumChannels"] == 1
    await station.cadip("release", session=session["SessionId"])
    assert sorted(file["Id"] for file in await station.files(session)) == sorted(file["Id"] for file in files)
    assert len(await station.entities("Sessions", filter=ONE_DAY)) > 5


async def test_single_files_and_sessions_are_evicted(station: Station) -> None:
    one, other = (await station.entities("Sessions", filter=ONE_DAY, top=2))[:2]
    by_id, by_name, *rest = await station.files(one)
    assert await station.cadip("evict", id=by_id["Id"]) == {"evicted": [by_id["Id"]]}
    assert await station.cadip("evict", name=by_name["Name"]) == {"evicted": [by_name["Id"]]}
    assert await station.files(one) == rest
    assert (await station.chunk(by_id)).status_code == 404
    file = (await station.files(other))[0]
    await station.cadip("evict", session=other["Id"])
    assert (await station.http.get(f"{PATH}/Sessions({other['Id']})")).status_code == 404
    assert (await station.chunk(file)).status_code == 404
    assert await station.files(other) == []
    assert (await station.http.post("/control/cadip/mps/evict", json={"id": by_id["Id"]})).status_code == 404


async def test_a_session_id_stands_for_its_latest_transfer(station: Station) -> None:
    original = await station.cadip("sessions", chunks=1)
    again = [await station.cadip("retransfer", session=original["SessionId"]) for _ in range(2)]
    await station.cadip("evict", session=original["SessionId"])
    left = await station.entities("Sessions", filter=f"SessionId eq '{original['SessionId']}'")
    assert {session["Id"] for session in left} == {original["Id"], again[0]["Id"]}


async def test_a_file_of_no_such_name_is_neither_found_nor_looked_for_everywhere(station: Station) -> None:
    await station.cadip("sessions", SessionId="odd")
    assert (await station.http.post("/control/cadip/mps/evict", json={"name": "x"})).status_code == 404
    odd = await station.entities("Files", filter="Name eq 'DCS_01_odd_ch2_DSDB_00003.raw'")
    assert [file["BlockNumber"] for file in odd] == [3]


@pytest.mark.parametrize(
    "order",
    [
        {"colour": "red"},
        {"chunks": 0},
        {"chunks": []},
        {"chunks": [1, -1]},
        {"chunks": "5"},
        {"channels": 0},
        {"channels": 10**7},
        {"chunk_size": -1},
        {"chunk_size": True},
        {"downlink_seconds": -1},
        {"downlink_seconds": "1"},
        {"start": "soon"},
        {"start": "9999-12-31T23:59:59Z", "downlink_seconds": 100},
        {"Satellite": 5},
        {"SessionId": ""},
        {"final_block": "perhaps"},
        {"withheld": [[1]]},
        {"withheld": [[3, 1]]},
        {"withheld": [[1, 11]]},
        {"without": "Retransfer"},
        {"text_sizes": 1},
        {"late_seconds": -1},
        [1],
    ],
)
async def test_a_session_that_cannot_be_is_refused(station: Station, order: Any) -> None:
    answer = await station.http.post("/control/cadip/mps/sessions", json=order)
    assert answer.status_code == 400, answer.text
    assert len(answer.json()["error"]["message"]) > 10


async def test_orders_for_what_is_not_there_are_refused(station: Station) -> None:
    for lever in ("retransfer", "change", "release", "evict"):
        missing = await station.http.post(f"/control/cadip/mps/{lever}", json={"session": "S1A_20240501000000"})
        assert missing.status_code == 404
        assert (await station.http.post(f"/control/cadip/xyz/{lever}", json={"session": "x"})).status_code == 404
    assert (await station.http.post("/control/cadip/mps/change", json={})).status_code == 400
    session = (await station.entities("Sessions", filter=ONE_DAY, top=1))[0]
    answer = await station.http.post("/control/cadip/mps/change", json={"session": session["Id"], "chunks": 5})
    assert answer.status_code == 400


async def test_an_odd_archive_has_every_oddity_and_the_plain_one_none() -> None:
    query = "PublicationDate ge 2024-04-10T00:00:00Z and PublicationDate lt 2024-05-04T00:00:00Z"
    odd = await Station.started(odd_sessions=True).entities("Sessions", filter=query, expand="Files,QualityInfo")
    plain = await Station.started().entities("Sessions", filter=query, expand="Files,QualityInfo")
    assert odd != plain
    for sessions, expected in ((odd, True), (plain, False)):
        whole = [
            all(
                len([file for file in session["Files"] if file["Channel"] == info["Channel"]])
                == int(info["TotalChunks"])
                for info in session["QualityInfo"]
            )
            for session in sessions
        ]
        files = [file for session in sessions for file in session["Files"]]
        assert any(session.get("Retransfer") for session in sessions) is expected
        assert any("Retransfer" not in session for session in sessions) is expected
        assert any(session["NumChannels"] == 3 for session in sessions) is expected
        assert any(len(session["SessionId"]) > 24 for session in sessions) is expected
        assert any(file["FinalBlock"] is None for file in files) is expected
        assert any(isinstance(file["Size"], str) for file in files) is expected
        assert (not all(whole)) is expected


async def test_an_odd_archive_s_retransfer_is_found_by_its_id() -> None:
    station = Station.started(odd_sessions=True)
    query = "Retransfer eq true and PublicationDate ge 2024-04-10T00:00:00Z and PublicationDate lt 2024-05-04T00:00:00Z"
    for again in await station.entities("Sessions", filter=query, expand="Files"):
        both = await station.entities("Sessions", filter=f"SessionId eq '{again['SessionId']}'")
        assert [session["Retransfer"] for session in both] == [False, True]
        assert (await station.http.get(f"{PATH}/Sessions({again['Id']})")).status_code == 200
        assert (await station.chunk(again["Files"][-1])).status_code == 200
