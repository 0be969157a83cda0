"""Faults that concern how an answer is sent, and which of many requests they are for."""

import gzip
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from .station import ONE_DAY, Entity, Station


@pytest.fixture
async def file(station: Station) -> Entity:
    """A file of a session."""
    return (await station.entities("Files", filter=ONE_DAY, top=1))[0]


async def test_a_fault_lets_the_first_requests_pass(station: Station) -> None:
    await station.control("faults", path_contains="Products", status=500, skip=2, times=1)
    assert [(await station.get(top=1)).status_code for _ in range(4)] == [200, 200, 500, 200]


async def test_a_fault_is_applied_to_every_nth_request(station: Station) -> None:
    await station.control("faults", path_contains="Products", status=500, every=3, skip=1, times=2)
    statuses = [(await station.get(top=1)).status_code for _ in range(10)]
    assert statuses == [200, 200, 200, 500, 200, 200, 500, 200, 200, 200]


async def test_a_fault_that_is_not_due_leaves_the_request_to_the_next(station: Station) -> None:
    await station.control("faults", status=500, every=2)
    await station.control("faults", status=502)
    assert [(await station.get(top=1)).status_code for _ in range(4)] == [502, 500, 502, 500]


async def test_a_fault_concerns_one_station_of_several(station: Station) -> None:
    await station.control("faults", path_contains="/cadip/mps", status=503)
    assert (await station.http.get("/cadip/mps/Sessions?$top=1")).status_code == 503
    assert (await station.http.get("/cadip/sgs/Sessions?$top=1")).status_code == 200


@pytest.mark.parametrize("status", [401, 403, 404, 410, 416, 429, 503])
async def test_a_download_is_answered_with_any_status_once(station: Station, file: Entity, status: int) -> None:
    await station.control("faults", path_contains="$value", status=status, times=1)
    assert [(await station.chunk(file)).status_code for _ in range(2)] == [status, 200]


async def test_retry_after_is_a_number_or_a_date(station: Station) -> None:
    await station.control("faults", status=429, retry_after_seconds=7, times=1)
    assert (await station.get(top=1)).headers["retry-after"] == "7"
    await station.control("faults", status=503, retry_after_date=120, times=1)
    before = datetime.now(UTC).replace(microsecond=0)
    then = parsedate_to_datetime((await station.get(top=1)).headers["retry-after"])
    assert before <= then - timedelta(seconds=120) <= datetime.now(UTC)


async def test_a_range_can_be_ignored(station: Station, file: Entity) -> None:
    await station.control("faults", path_contains="$value", ignore_range=True, times=1)
    whole = await station.chunk(file, range="bytes=10-")
    assert (whole.status_code, len(whole.content)) == (200, file["Size"])
    assert (await station.log())[-1]["range"] == "bytes=10-"
    assert (await station.chunk(file, range="bytes=10-")).status_code == 206


async def test_the_etag_changes_with_each_answer(station: Station, file: Entity) -> None:
    await station.control("faults", path_contains="$value", change_etag=True, skip=1)
    first, second, third = [(await station.chunk(file)).headers["etag"] for _ in range(3)]
    assert len({first, second, third}) == 3
    assert (await station.chunk(file, range="bytes=10-", if_range=second)).status_code == 200
    assert (await station.chunk(file, range="bytes=10-", if_range=first)).status_code == 206


async def test_headers_can_be_left_out(station: Station, file: Entity) -> None:
    await station.control("faults", without_headers=["ETag", "Content-Length", "last-modified"])
    answer = await station.chunk(file)
    assert {"etag", "content-length", "last-modified"}.isdisjoint(answer.headers)
    assert len(answer.content) == file["Size"]


async def test_a_body_can_be_really_compressed(station: Station, file: Entity) -> None:
    whole = (await station.chunk(file)).content
    await station.control("faults", path_contains="$value", gzip="encoded")
    request = station.http.build_request("GET", f"/cadip/mps/Files({file['Id']})/$value")
    answer = await station.http.send(request, stream=True)
    raw = b"".join([part async for part in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip"
    assert "content-length" not in answer.headers
    assert gzip.decompress(raw) == whole != raw


async def test_a_compression_can_be_claimed_only(station: Station, file: Entity) -> None:
    await station.control("faults", path_contains="$value", gzip="claimed")
    with pytest.raises(httpx.DecodingError):
        await station.chunk(file)


async def test_a_body_can_be_empty(station: Station, file: Entity) -> None:
    await station.control("faults", path_contains="$value", empty=True)
    answer = await station.chunk(file)
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "0")


async def test_a_byte_is_inverted_where_it_is_told(station: Station, file: Entity) -> None:
    whole = (await station.chunk(file)).content
    await station.control("faults", path_contains="$value", corrupt=True, after_bytes=70_000)
    wrong = (await station.chunk(file)).content
    assert [place for place, (a, b) in enumerate(zip(whole, wrong, strict=True)) if a != b] == [70_000]


async def test_a_body_drips_whole(station: Station, file: Entity) -> None:
    whole = (await station.chunk(file)).content
    await station.control(
        "faults", path_contains="$value", bytes_per_second=10**7, after_bytes=1000, stall_seconds=0.01
    )
    before = datetime.now(UTC)
    assert (await station.chunk(file)).content == whole
    assert datetime.now(UTC) - before >= timedelta(seconds=len(whole) / 10**7)


async def test_a_chain_of_redirects_ends_at_the_true_answer(station: Station, file: Entity) -> None:
    await station.control("faults", path_contains="$value", hops=3, status=302, times=1)
    url, seen = f"/cadip/mps/Files({file['Id']})/$value", []
    while (answer := await station.http.get(url, headers={"range": "bytes=0-9"})).is_redirect:
        seen.append(answer.status_code)
        url = answer.headers["location"]
    assert seen == [302, 302, 302]
    assert (answer.status_code, len(answer.content)) == (206, 10)
    assert (await station.chunk(file)).status_code == 200


async def test_a_chain_of_redirects_keeps_the_query(station: Station) -> None:
    expected = await station.products(filter=ONE_DAY, top=3)
    await station.control("faults", path_contains="Products", hops=2)
    answer = await station.http.get("/auxip/Products", params={"$filter": ONE_DAY, "$top": "3"}, follow_redirects=True)
    assert answer.json()["value"] == expected
    assert "simulator-hop" not in answer.json()["@odata.nextLink"]


async def test_a_chain_of_redirects_can_lead_elsewhere(station: Station, file: Entity) -> None:
    await station.control("faults", path_contains="$value", hops=1, redirect_to="http://storage/x", status=303)
    first = await station.chunk(file)
    second = await station.http.get(first.headers["location"])
    assert [first.status_code, second.status_code] == [303, 303]
    assert second.headers["location"] == "http://storage/x"


@pytest.mark.parametrize(
    "rule",
    [
        {"every": 0},
        {"skip": -1},
        {"hops": 0},
        {"after_bytes": -5},
        {"bytes_per_second": 0},
        {"gzip": "perhaps"},
        {"reset": "yes"},
        {"times": True},
        {"headers": {"X": 1}},
        {"without_headers": [1]},
        {"seen": 3},
        {"stall_seconds": -1},
    ],
)
async def test_a_rule_that_cannot_be_is_refused(station: Station, rule: dict[str, Any]) -> None:
    assert (await station.http.post("/control/faults", json=rule)).status_code == 400
    assert (await station.http.get("/control/faults")).json() == []
