"""The archive: deterministic, endless, plausible, and quick where a query allows it."""

import io
import tarfile
import zipfile
from collections import Counter
from datetime import date
from hashlib import md5

import pytest
from blake3 import blake3

from rs_assets.simulator.csc.generate import Generator
from rs_assets.simulator.csc.products import Product

from .station import ONE_DAY, Entity, Station, attribute, names


async def test_two_stations_with_the_same_options_have_the_same_day(station: Station) -> None:
    assert await station.day() == await Station.started().day()


async def test_another_seed_is_another_archive(station: Station) -> None:
    other = await Station.started(seed=1).day()
    assert {p["Id"] for p in await station.day()}.isdisjoint(p["Id"] for p in other)


@pytest.mark.parametrize("day", ["2023-12-18", "2026-11-01"])
async def test_a_day_has_the_three_missions_in_a_demo_s_size(day: str) -> None:
    station = Station.started(now=None)
    query = f"PublicationDate ge {day}T00:00:00Z and PublicationDate le {day}T23:59:59.999Z"
    products = await station.products(filter=query, expand="Attributes")
    counts = Counter(attribute(product, "platformShortName") for product in products)
    large = [p for p in products if attribute(p, "platformShortName") in {f"SENTINEL-{n}" for n in (1, 2, 3)}]
    assert all(counts[f"SENTINEL-{mission}"] >= 15 for mission in (1, 2, 3))
    assert 60 <= len(large) <= 100
    assert sum(product["ContentLength"] for product in large) < 40_000_000
    assert min(product["ContentLength"] for product in products) >= 1000
    assert len(names(products)) == len(products)


async def test_every_checksum_and_size_is_that_of_the_download(station: Station) -> None:
    for product in await station.day():
        body = (await station.value(product)).content
        sums = {entry["Algorithm"]: entry["Value"] for entry in product["Checksum"]}
        assert len(body) == product["ContentLength"]
        assert sums == {"MD5": md5(body).hexdigest(), "BLAKE3": blake3(body).hexdigest()}


async def test_archives_are_what_their_names_say(station: Station) -> None:
    products = await station.day()
    zipped = next(p for p in products if p["Name"].endswith(".SEN3.zip"))
    with zipfile.ZipFile(io.BytesIO((await station.value(zipped)).content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist()[0].startswith(zipped["Name"].removesuffix(".zip") + "/")
    tarred = next(p for p in products if p["Name"].endswith(".TGZ"))
    with tarfile.open(fileobj=io.BytesIO((await station.value(tarred)).content), mode="r:gz") as archive:
        member = archive.next()
        assert member is not None
        content = archive.extractfile(member)
        assert content is not None
        assert len(content.read()) == member.size > 1000
        assert archive.next() is None


async def test_a_product_appears_when_its_publication_time_has_come(station: Station) -> None:
    last = (await station.day())[-1]
    await station.control("clock", now="2024-05-01T00:00:00Z")
    assert await station.day() == []
    assert (await station.value(last)).status_code == 404
    await station.control("clock", now=last["PublicationDate"])
    assert last["Name"] in names(await station.day())
    assert (await station.value(last)).status_code == 200


async def test_an_id_leads_to_its_product_in_a_station_that_never_listed_it(station: Station) -> None:
    product = (await station.products(filter=ONE_DAY, top=1))[0]
    answer = await Station.started().http.get(f"/auxip/Products('{product['Id'].upper()}')")
    assert answer.json() == {"@odata.context": "http://station/auxip/$metadata#Products/$entity"} | product


async def test_ten_days_have_the_shapes_that_clients_stumble_over() -> None:
    station = Station.started()
    query = "PublicationDate gt 2024-04-20T00:00:00Z and PublicationDate lt 2024-04-30T00:00:00Z"
    products: list[Entity] = []
    while page := await station.products(filter=query, skip=len(products), expand="Attributes"):
        products += page
    assert len(names(products)) == len(products)
    assert any(p["ContentDate"]["End"].startswith("9999-12-31") for p in products)
    assert any("99999999T999999" in p["Name"] for p in products)
    assert any(attribute(p, "platformShortName") == "SENTINEL-6" for p in products)
    assert any(attribute(p, "platformSerialIdentifier") is None for p in products)
    assert max(Counter(p["PublicationDate"] for p in products).values()) > 1


async def test_precise_orbits_cover_26_hours_three_weeks_before_they_are_published(station: Station) -> None:
    orbit = next(p for p in await station.day() if "AUX_POEORB" in p["Name"])
    assert orbit["ContentDate"] == {"Start": "2024-04-10T22:59:42.000Z", "End": "2024-04-12T00:59:42.000Z"}
    assert "_V20240410T225942_20240412T005942.EOF" in orbit["Name"]


@pytest.mark.parametrize(
    ("query", "limit"),
    [
        ({"filter": ONE_DAY}, 1),
        ({"orderby": "PublicationDate desc", "top": 1}, 2),
        ({"top": 1}, 2),
        ({"filter": "Name eq 'S1A_OPER_MPL_ORBPRE_20240501T120000_20240508T120000_0001.EOF'"}, 10),
        ({"filter": "ContentDate/Start gt 2024-04-30T00:00:00Z and ContentDate/End lt 2024-05-01T00:00:00Z"}, 30),
    ],
)
async def test_a_bounded_query_makes_only_the_days_that_it_needs(
    query: dict[str, str], limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    days: set[date] = set()
    original = Generator.products

    def watched(self: Generator, family: int, day: date) -> tuple[Product, ...]:
        days.add(day)
        return original(self, family, day)

    monkeypatch.setattr(Generator, "products", watched)
    await Station.started().products(**query)
    assert 1 <= len(days) <= limit


async def test_a_rolling_archive_neither_lists_nor_delivers_what_it_evicted() -> None:
    station = Station.started(evict_after_days=2)
    everything = await station.products(orderby="PublicationDate asc")
    assert everything[0]["PublicationDate"] > "2024-05-02T12:00:00.000Z"
    assert everything[0]["EvictionDate"] > "2024-05-04T12:00:00.000Z"
    evicted = (await Station.started().day())[0]
    assert (await station.value(evicted)).status_code == 404


async def test_eviction_is_announced_a_week_after_publication(station: Station) -> None:
    product = (await station.day())[0]
    assert product["EvictionDate"] == product["PublicationDate"].replace("2024-05-01", "2024-05-08")
