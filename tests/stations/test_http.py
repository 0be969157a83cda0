import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from rs_assets.errors import StationError
from rs_assets.settings import Retries, Timeouts
from rs_assets.stations.backoff import retry_after_seconds, wait_before
from rs_assets.stations.http import StationConnection

from .service import AT_ONCE, Reply, Service, products

KEY = {"kind": "api_key", "key": {"env": "KEY"}}


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "k3y")


async def get(service: Service, path: str = "/data", **settings: Any) -> httpx.Response:
    async with asyncio.timeout(10), StationConnection(service.station(**settings)) as connection:
        return await connection.get(f"{service.url}{path}")


async def error_of(service: Service, **settings: Any) -> str:
    with pytest.raises(StationError) as caught:
        await get(service, **settings)
    assert str(caught.value).startswith("adgs: ")
    return str(caught.value)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_a_passing_fault_is_tried_again(service: Service, status: int) -> None:
    service.on("/data", httpx.Response(status), httpx.Response(status), products())

    assert (await get(service)).status_code == 200
    assert len(service.requests) == 3


async def test_a_fault_that_does_not_pass_is_an_error_with_its_cause(service: Service) -> None:
    service.on("/data", httpx.Response(502))

    assert "answers 502 Bad Gateway (tried 3 times)" in await error_of(service)
    assert len(service.requests) == 3


@pytest.mark.parametrize("status", [200, 204, 304, 400, 403, 404, 405, 410, 501])
async def test_any_other_answer_is_given_back_at_once(service: Service, status: int) -> None:
    service.on("/data", httpx.Response(status))

    assert (await get(service)).status_code == status
    assert len(service.requests) == 1


async def test_a_station_that_is_not_there_is_named_with_its_address(service: Service, unused_port: int) -> None:
    service.url = f"http://127.0.0.1:{unused_port}"

    assert f"http://127.0.0.1:{unused_port}/auxip cannot be reached" in await error_of(service)


@pytest.mark.parametrize(
    "fault",
    [httpx.ConnectError("refused"), httpx.ReadError("reset"), httpx.RemoteProtocolError("cut"), httpx.ReadTimeout("")],
)
async def test_a_connection_that_breaks_is_tried_again(fault: httpx.TransportError) -> None:
    def broken(_: httpx.Request) -> httpx.Response:
        raise fault

    service = Service().on("/data", broken, products())
    async with StationConnection(service.station(), transport=httpx.MockTransport(service)) as connection:
        assert (await connection.get(f"{service.url}/data")).status_code == 200


async def test_a_body_that_cannot_be_unpacked_is_a_fault_of_the_station(service: Service) -> None:
    def broken(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(b"no gzip"))

    async with StationConnection(service.station(), transport=httpx.MockTransport(broken)) as connection:
        with pytest.raises(StationError, match=r"^adgs: .*tried 3 times"):
            await connection.get(f"{service.url}/data")


@pytest.mark.parametrize("timeouts", [Timeouts(read=0.02), Timeouts(search=0.02)])
async def test_a_station_that_does_not_answer_in_time_is_an_error(timeouts: Timeouts) -> None:
    hang = asyncio.Event()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hang.wait()
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    service = Service()
    service.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        said = await error_of(service, timeouts=timeouts)
    finally:
        hang.set()
        server.close()

    assert "no answer" in said
    assert "tried 3 times" in said


@pytest.mark.parametrize("status", [429, 503])
async def test_a_station_that_is_busy_uses_up_no_attempt(service: Service, status: int) -> None:
    service.on("/data", *[httpx.Response(status)] * 7, products())

    assert (await get(service, retries=Retries(attempts=1, max_wait=0))).status_code == 200
    assert len(service.requests) == 8


@pytest.mark.parametrize("retry_after", ["7", "8"])
async def test_a_station_that_stays_busy_is_given_up_rather_than_waited_for_past_the_patience(
    service: Service, retry_after: str
) -> None:
    service.on("/data", httpx.Response(429, headers={"Retry-After": retry_after}))

    said = await error_of(service, retries=Retries(busy_timeout=7))

    assert "answers 429 Too Many Requests, and has been busy for longer than 7 s; try again later" in said
    assert len(service.requests) == 1


async def test_an_answer_that_the_station_is_busy_pauses_everybody_before_another_request_begins(
    service: Service,
) -> None:
    asked = asyncio.Event()

    def busy_once(_: httpx.Request) -> httpx.Response:
        asked.set()
        return httpx.Response(429, headers={"Retry-After": "0.05"})

    service.on("/data", busy_once, products())

    async with StationConnection(service.station(concurrency=1, retries=Retries())) as connection:
        order: list[str] = []
        busy, slot = connection.limits.busy, connection.limits.slot

        def noted(retry_after: float | None) -> float:
            order.append(f"busy {retry_after}")
            return busy(retry_after)

        connection.limits.busy = noted  # type: ignore[method-assign]
        first = asyncio.create_task(connection.get(f"{service.url}/data"))
        async with asyncio.timeout(10):
            await asked.wait()
            async with slot():
                order.append("next")
            assert (await first).status_code == 200

    assert order == ["busy 0.05", "next"]


async def test_a_redirect_on_the_own_host_keeps_the_credentials(service: Service) -> None:
    service.on("/data", httpx.Response(302, headers={"Location": "/moved?a=1"})).on("/moved", products())

    await get(service, authentication=KEY)

    assert [request.headers.get("x-api-key") for request in service.requests] == ["k3y", "k3y"]
    assert service.requests[1].url.query == b"a=1"


@pytest.mark.parametrize(("trusted", "sent"), [(frozenset(), None), (frozenset({"127.0.0.1"}), "k3y")])
async def test_a_redirect_elsewhere_takes_the_credentials_along_only_to_a_trusted_host(
    service: Service, elsewhere: Service, trusted: frozenset[str], sent: str | None
) -> None:
    service.on("/data", httpx.Response(307, headers={"Location": f"{elsewhere.url}/there"}))
    elsewhere.on("/there", products())

    assert (await get(service, authentication=KEY, trusted_hosts=trusted)).status_code == 200
    assert elsewhere.requests[0].headers.get("x-api-key") == sent


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (httpx.Response(301, headers={"Location": "/data"}), "redirects in circles"),
        (httpx.Response(301, headers={"Location": "ftp://host/data"}), "not an HTTP address"),
        (httpx.Response(301, headers={"Location": "http://host:99999/"}), "not an HTTP address"),
        (httpx.Response(301, headers={"Location": "http://host:port/"}), "Invalid port"),
    ],
)
async def test_a_redirect_that_leads_nowhere_is_an_error(service: Service, answer: httpx.Response, said: str) -> None:
    service.on("/data", answer)

    assert said in await error_of(service)


async def test_a_redirect_without_a_target_is_given_back(service: Service) -> None:
    assert (await get(service.on("/data", httpx.Response(302)))).status_code == 302


@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_a_ca_file_that_cannot_be_used_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(StationError, match=rf"^adgs: its ca_file {file} cannot be used"):
        StationConnection(Service().station(ca_file=file))


@pytest.mark.parametrize(
    "reply", [httpx.Response(502), httpx.Response(503), httpx.Response(302, headers={"Location": "/data"})]
)
async def test_every_request_waits_for_its_turn(service: Service, reply: Reply) -> None:
    service.on("/data", reply, reply, products())
    turns = 0

    async with StationConnection(service.station(requests_per_minute=60_000)) as connection:
        turn = connection.limits.turn

        async def counted() -> None:
            nonlocal turns
            turns += 1
            await turn()

        connection.limits.turn = counted  # type: ignore[method-assign]
        await connection.get(f"{service.url}/data")

    assert turns == len(service.requests) == 3


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7), ("0", 0), ("-3", 0), ("1.5", 1.5), ("", None), (None, None), ("soon", None), ("nan", 0)],
)
def test_retry_after_is_read_as_seconds(value: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(value) == seconds


def test_retry_after_is_read_as_a_date() -> None:
    now = datetime.now(UTC)

    assert 50 < (retry_after_seconds(format_datetime(now + timedelta(minutes=1), usegmt=True)) or 0) <= 60
    assert retry_after_seconds(format_datetime(now - timedelta(minutes=1), usegmt=True)) == 0
    assert retry_after_seconds("Mon, 02 Nov 2015 10:00:00 -0000") == 0


@pytest.mark.parametrize(("attempt", "bound"), [(2, 1), (3, 2), (4, 4), (7, 10), (5000, 10)])
def test_waits_grow_up_to_the_longest(attempt: int, bound: float) -> None:
    retries = Retries(first_wait=1, max_wait=10)

    waits = [wait_before(attempt, retries) for _ in range(200)]

    assert 0 <= min(waits) < bound / 2 < max(waits) <= bound


def test_a_station_cannot_ask_for_more_than_the_longest_wait() -> None:
    assert wait_before(2, Retries(max_wait=10), "3600") == 10
    assert wait_before(2, AT_ONCE, "3600") == 0


async def test_credentials_that_a_station_repeats_are_not_in_the_excerpt_of_its_answer(service: Service) -> None:
    service.on("/data", httpx.Response(400, text="no access with key k3y"))

    async with StationConnection(service.station(authentication=KEY)) as connection:
        response = await connection.get(f"{service.url}/data")

        assert connection.excerpt(response.text) == "no access with key ***"
