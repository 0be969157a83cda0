"""The CADIP interface: sessions as they are acquired, their files, and their quality."""

from typing import Any

import pytest

from .station import Entity, Station

PATH = "/cadip/mps"
ONE_DAY = "PublicationDate ge 2024-05-01T00:00:00.000Z and PublicationDate lt 2024-05-02T00:00:00.000Z"


async def entities(station: Station, collection: str, path: str = PATH, **options: str | int) -> list[Entity]:
    """The entities of one page."""
    query = {f"${name}": str(value) for name, value in options.items()}
    answer = await station.http.get(f"{path}/{collection}", params=query)
    assert answer.status_code == 200, answer.text
    found: list[Entity] = answer.json()["value"]
    return found


async def test_a_session_s_files_are_what_its_quality_says(station: Station) -> None:
    for session in await entities(station, "Sessions", filter=ONE_DAY, expand="Files,QualityInfo"):
        assert [info["Channel"] for info in session["QualityInfo"]] == list(range(1, session["NumChannels"] + 1))
        for info in session["QualityInfo"]:
            files = [file for file in session["Files"] if file["Channel"] == info["Channel"]]
            assert sorted(file["BlockNumber"] for file in files) == list(range(1, info["TotalChunks"] + 1))
            assert sum(file["Size"] for file in files) == info["TotalVolume"]
            assert [file["BlockNumber"] for file in files if file["FinalBlock"]] == [info["TotalChunks"]]


async def test_a_file_has_the_size_that_is_announced(station: Station) -> None:
    session = (await entities(station, "Sessions", filter=ONE_DAY, top=1))[0]
    files = await entities(station, "Files", filter=f"SessionId eq '{session['SessionId']}'")
    bodies: list[Any] = []
    for file in files:
        answer = await station.http.get(f"{PATH}/Files({file['Id']})/$value")
        assert len(answer.content) == file["Size"]
        bodies.append(answer.content)
    assert len(set(bodies)) == len(files)


@pytest.mark.parametrize("collection", ["Sessions", "Files"])
async def test_an_id_leads_to_its_entity_in_a_station_that_never_listed_it(station: Station, collection: str) -> None:
    for entity in await entities(station, collection, filter=ONE_DAY, top=40):
        answer = await Station.started().http.get(f"{PATH}/{collection}({entity['Id'].upper()})")
        context = f"http://station/cadip/mps/$metadata#{collection}/$entity"
        assert answer.json() == {"@odata.context": context} | entity
