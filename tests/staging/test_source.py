import asyncio
import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from rs_assets.errors import AuthenticationError, StationError
from rs_assets.locks import FileLocks
from rs_assets.settings import Timeouts
from rs_assets.staging.sources import Wanted
from rs_assets.staging.sources.http import HttpSource
from rs_assets.staging.transfer_errors import BusyError, ChangedError, EvictedError, PassingError, UnavailableError
from rs_assets.stations.limits import StationLimits
from rs_assets.store.origin import Origin

from .fault_station import FaultStation, Reply, Request
from .rig import SECRET, Tokens, keyring_of, settings_of, source_of

BODY = b"bytes of a product"


async def read(source: HttpSource, href: str, **options: Any) -> bytes:
    async with asyncio.timeout(5), source.open(Wanted(href, **options)) as answer:
        return b"".join([chunk async for chunk in answer.chunks])


async def test_an_answer_says_its_length_and_tag_before_its_bytes(station: FaultStation) -> None:
    href = station.serve("/f", Reply(BODY, headers={"ETag": '"v1"'}))
    async with source_of(station) as source, source.open(Wanted(href)) as answer:
        assert (answer.begin, answer.origin) == (0, Origin('"v1"', None, len(BODY)))
        assert b"".join([chunk async for chunk in answer.chunks]) == BODY


@pytest.mark.parametrize(("per_minute", "takes_ranges"), [(None, True), (6000, False)])
async def test_a_station_that_counts_requests_is_not_asked_for_parts_of_a_file(
    station: FaultStation, per_minute: int | None, takes_ranges: bool
) -> None:
    href = station.serve("/f", Reply(BODY, headers={"Accept-Ranges": "bytes"}))
    async with source_of(station, requests_per_minute=per_minute) as source, source.open(Wanted(href)) as answer:
        assert answer.takes_ranges is takes_ranges


async def test_a_request_carries_the_credentials_and_accepts_no_encoding(station: FaultStation) -> None:
    async with source_of(station) as source:
        await read(source, station.serve("/f", Reply(BODY)))
    (request,) = station.requests
    assert request.headers["authorization"] == f"Bearer {SECRET}"
    assert request.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("/Products(0a-1)/$value", "/Products(0a-1)/$value"),
        ("/a%2Fb%20c", "/a%2Fb%20c"),
        ("/a b|é", "/a%20b%7C%C3%A9"),
        ("/f?$filter=Name%20eq%20'A'", "/f?$filter=Name%20eq%20'A'"),
    ],
)
async def test_a_url_goes_out_as_given_but_for_what_is_illegal_in_it(
    station: FaultStation, written: str, sent: str
) -> None:
    station.serve(sent, Reply(BODY))
    async with source_of(station) as source:
        assert await read(source, station.url(written)) == BODY


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_a_foreign_host_loses_the_credentials_and_keeps_the_range(
    station: FaultStation, elsewhere: FaultStation, status: int
) -> None:
    part = Reply(BODY[2:5], status=206, headers={"Content-Range": f"bytes 2-4/{len(BODY)}"})
    target = elsewhere.serve("/f", part)
    href = station.serve("/f", Reply(status=status, headers={"Location": target}))
    async with source_of(station) as source:
        assert await read(source, href, begin=2, end=5) == BODY[2:5]
    (first,), (second,) = station.requests, elsewhere.requests
    assert "authorization" in first.headers
    assert "authorization" not in second.headers
    assert second.headers["range"] == first.headers["range"] == "bytes=2-4"


async def test_a_redirect_to_a_trusted_host_keeps_the_credentials(
    station: FaultStation, elsewhere: FaultStation
) -> None:
    target = elsewhere.serve("/f", Reply(BODY))
    href = station.serve("/f", Reply(status=302, headers={"Location": target}))
    async with source_of(station, trusted_hosts=frozenset({"127.0.0.1"})) as source:
        assert await read(source, href) == BODY
    assert elsewhere.requests[0].headers["authorization"] == f"Bearer {SECRET}"


async def test_a_relative_redirect_is_followed_on_the_same_connection(station: FaultStation) -> None:
    station.serve("/dir/other", Reply(BODY))
    href = station.serve("/dir/f", Reply(b"moved", status=302, headers={"Location": "other"}))
    async with source_of(station) as source:
        assert await read(source, href) == BODY
    assert station.requests[1].headers["authorization"] == f"Bearer {SECRET}"
    assert station.connections == 1


async def test_a_redirect_from_https_to_http_loses_the_credentials_even_on_a_trusted_host(
    secure_station: FaultStation, station: FaultStation, certificate: Path
) -> None:
    href = secure_station.serve("/f", Reply(status=302, headers={"Location": station.serve("/f", Reply(BODY))}))
    async with source_of(secure_station, ca_file=certificate, trusted_hosts=frozenset({"127.0.0.1"})) as source:
        assert await read(source, href) == BODY
    assert "authorization" in secure_station.requests[0].headers
    assert "authorization" not in station.requests[0].headers


async def test_credentials_that_a_downgrade_has_dropped_stay_dropped(
    station: FaultStation, secure_station: FaultStation, certificate: Path
) -> None:
    back = Reply(status=302, headers={"Location": station.serve("/g", Reply(BODY))})
    href = station.serve("/f", Reply(status=302, headers={"Location": secure_station.serve("/f", back)}))
    async with source_of(station, ca_file=certificate, trusted_hosts=frozenset({"127.0.0.1"})) as source:
        assert await read(source, href) == BODY
    assert "authorization" in secure_station.requests[0].headers
    assert "authorization" not in station.requests[1].headers


async def test_redirects_in_a_circle_end(station: FaultStation) -> None:
    href = station.serve("/f", Reply(status=302, headers={"Location": "/f"}))
    async with source_of(station) as source:
        with pytest.raises(StationError, match="redirects more than 5 times"):
            await read(source, href)
    assert len(station.requests) == 6


@pytest.mark.parametrize("location", ["ftp://127.0.0.1/f", "file:///etc/passwd", "http://user:pw@127.0.0.1/f"])
async def test_a_redirect_to_anything_but_plain_http_is_refused(station: FaultStation, location: str) -> None:
    href = station.serve("/f", Reply(status=302, headers={"Location": location}))
    async with source_of(station) as source:
        with pytest.raises(StationError, match="not a plain http or https address") as raised:
            await read(source, href)
    assert "pw" not in str(raised.value)


async def test_a_refused_token_is_renewed_once_and_the_request_repeated(station: FaultStation) -> None:
    def guarded(request: Request) -> Reply:
        return Reply(BODY) if request.headers["authorization"] == "Bearer new" else Reply(status=401)

    async with source_of(station, Tokens("old", "new")) as source:
        assert await read(source, station.serve("/f", guarded)) == BODY
    assert len(station.requests) == 2


async def test_a_second_refusal_is_final(station: FaultStation) -> None:
    async with source_of(station, Tokens("old", "new", "newer")) as source:
        with pytest.raises(AuthenticationError, match=r"^adgs: .*401"):
            await read(source, station.serve("/f", Reply(status=401)))
    assert [request.headers["authorization"] for request in station.requests] == ["Bearer old", "Bearer new"]


async def test_credentials_that_cannot_be_renewed_are_not_offered_twice(station: FaultStation) -> None:
    async with source_of(station, Tokens("constant")) as source:
        with pytest.raises(AuthenticationError):
            await read(source, station.serve("/f", Reply(status=401)))
    assert len(station.requests) == 1


@pytest.mark.parametrize(
    ("fault", "becomes"), [(StationError, UnavailableError), (AuthenticationError, AuthenticationError)]
)
async def test_a_token_endpoint_that_is_down_may_be_back_but_one_that_refuses_is_final(
    station: FaultStation, fault: type[StationError], becomes: type[StationError]
) -> None:
    class Failing(Tokens):
        async def headers(self) -> Mapping[str, str]:
            raise fault("adgs: the token endpoint")

    async with source_of(station, Failing()) as source:
        with pytest.raises(StationError) as raised:
            await read(source, station.url("/f"))
    assert type(raised.value) is becomes


async def test_a_foreign_host_that_asks_for_credentials_does_not_use_up_the_stations_own(
    station: FaultStation, elsewhere: FaultStation
) -> None:
    target = elsewhere.serve("/f", Reply(status=401))
    href = station.serve("/f", Reply(status=302, headers={"Location": target}))
    credentials = Tokens("first", "second")
    async with source_of(station, credentials) as source:
        with pytest.raises(StationError) as raised:
            await read(source, href)
    assert not isinstance(raised.value, AuthenticationError)
    assert await credentials.headers() == {"Authorization": "Bearer first"}


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (404, EvictedError),
        (410, EvictedError),
        (408, PassingError),
        (500, PassingError),
        (429, BusyError),
        (503, UnavailableError),
        (403, StationError),
        (204, StationError),
        (206, ChangedError),
        (416, ChangedError),
    ],
)
async def test_a_status_becomes_the_fault_that_says_what_to_do(
    station: FaultStation, status: int, fault: type[StationError]
) -> None:
    async with source_of(station) as source:
        with pytest.raises(StationError, match=f"answers {status}") as raised:
            await read(source, station.serve("/f", Reply(status=status)))
    assert type(raised.value) is fault


@pytest.mark.parametrize("status", [429, 503])
async def test_a_retry_after_header_is_the_pause_that_the_station_is_given(station: FaultStation, status: int) -> None:
    href = station.serve("/f", Reply(status=status, headers={"Retry-After": "7"}))
    async with source_of(station) as source:
        with pytest.raises(BusyError, match=r"7\.0 s") as raised:
            await read(source, href)
    assert raised.value.pause == 7


async def test_an_encoded_answer_is_refused(station: FaultStation) -> None:
    href = station.serve("/f", Reply(gzip.compress(BODY), headers={"Content-Encoding": "gzip"}))
    async with source_of(station) as source:
        with pytest.raises(StationError, match="encoding 'gzip'"):
            await read(source, href)


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_that_breaks_off_is_a_passing_fault(station: FaultStation, chunked: bool, reset: bool) -> None:
    href = station.serve("/f", Reply(BODY * 1000, cut=9000, chunked=chunked, reset=reset))
    async with source_of(station) as source:
        with pytest.raises(PassingError, match=r"^adgs: "):
            await read(source, href)


async def test_a_body_that_stalls_is_a_passing_fault(station: FaultStation) -> None:
    href = station.serve("/f", Reply(BODY, hold_at=5))
    async with source_of(station, timeouts=Timeouts(read=0.05)) as source:
        with pytest.raises(PassingError, match="timed out"):
            await read(source, href)


async def test_a_station_that_accepts_no_connection_is_unavailable() -> None:
    async with FaultStation() as gone:
        settings = settings_of(gone)
    async with HttpSource(settings, keyring_of(settings), StationLimits(settings)) as source:
        with pytest.raises(UnavailableError, match=r"^adgs: no connection: 127\.0\.0\.1"):
            await read(source, str(settings.url))


async def test_no_message_holds_a_token_or_a_query(station: FaultStation, elsewhere: FaultStation) -> None:
    signed = f"?X-Amz-Signature={SECRET}"
    for status in (401, 403, 404, 500):
        target = elsewhere.serve(f"/{status}{signed}", Reply(status=status))
        href = station.serve(f"/{status}", Reply(status=302, headers={"Location": target}))
        async with source_of(station) as source:
            with pytest.raises(StationError) as raised:
                await read(source, href)
            assert f"/{status}" in str(raised.value)
            assert SECRET not in repr(raised.value)
            assert SECRET not in repr(source)


async def test_a_connection_is_used_again_unless_a_fresh_one_is_asked_for(station: FaultStation) -> None:
    href = station.serve("/f", Reply(BODY))
    async with source_of(station) as source:
        await read(source, href)
        await read(source, href)
        assert station.connections == 1
        await read(source, href, fresh=True)
        assert station.connections == 2
    assert station.requests[-1].headers["cache-control"] == "no-cache"


async def test_a_slot_that_is_given_back_takes_its_connection_along(
    station: FaultStation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rs_assets.stations.limits.slots._KEEP_IDLE_S", 0.05)
    href = station.serve("/f", Reply(BODY))
    described = settings_of(station, concurrency=2)
    async with (
        StationLimits(described, FileLocks(tmp_path / "state.locks")) as limits,
        HttpSource(described, keyring_of(described), limits) as source,
    ):
        await asyncio.gather(*(read(source, href) for _ in range(2)))
        async with asyncio.timeout(5):
            while station.open:  # noqa: ASYNC110 - a connection's end is told to nobody
                await asyncio.sleep(0)
        assert station.connections == 2
        assert await read(source, href) == BODY


async def test_the_ca_file_of_the_settings_is_what_a_station_is_trusted_by(
    secure_station: FaultStation, certificate: Path
) -> None:
    href = secure_station.serve("/f", Reply(BODY))
    async with source_of(secure_station, ca_file=certificate) as source:
        assert await read(source, href) == BODY
    async with source_of(secure_station) as source:
        with pytest.raises(UnavailableError, match="no connection"):
            await read(source, href)


async def test_a_ca_file_that_cannot_be_read_is_named(station: FaultStation, tmp_path: Path) -> None:
    with pytest.raises(StationError, match=r"^adgs: .*none\.pem"):
        async with source_of(station, ca_file=tmp_path / "none.pem"):
            pass


async def test_every_request_to_the_station_waits_for_its_turn(station: FaultStation) -> None:
    turns = 0

    class CountedTurns(StationLimits):
        async def turn(self) -> None:
            nonlocal turns
            turns += 1

    station.serve("/other", Reply(BODY))
    href = station.serve("/f", Reply(status=302, headers={"Location": "/other"}))
    settings = settings_of(station)
    async with HttpSource(settings, keyring_of(settings), CountedTurns(settings)) as source:
        await read(source, href)
    assert turns == len(station.requests) == 2
