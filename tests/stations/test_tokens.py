import asyncio
import base64
import re
import traceback
from typing import Any

import httpx
import pytest

from rs_assets.errors import AuthenticationError, RsAssetsError, SettingsError, StationError
from rs_assets.stations.http import StationConnection
from rs_assets.stations.tokens import TokenProvider

from .service import Service, products, token

PASSWORD = "p@ss w+rd"
CLIENT_SECRET = "cl1ent-s3cret"
HEADER = "h3ader-s3cret"
GRANT = {"kind": "oauth2", "username": "user", "password": {"env": "PASSWORD"}}


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD", PASSWORD)
    monkeypatch.setenv("CLIENT_SECRET", CLIENT_SECRET)
    monkeypatch.setenv("HEADER", HEADER)


class Clock:
    """The time by which tokens are renewed, moved by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(TokenProvider, "_now", staticmethod(lambda: self.now))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


async def header(connection: StationConnection) -> str:
    return (await connection.credentials.headers())["Authorization"]


async def error_of(service: Service, authentication: dict[str, Any] = GRANT, **others: Any) -> RsAssetsError:
    """What a client is told that cannot get a token."""
    async with StationConnection(service.station(authentication, **others)) as connection:
        with pytest.raises(RsAssetsError) as caught:
            await connection.get(f"{service.url}/data")
    return caught.value


async def test_twenty_requests_at_once_ask_for_one_token(service: Service) -> None:
    service.on("/token", token()).on("/data", products())

    async with StationConnection(service.station(GRANT)) as connection:
        await asyncio.gather(*(connection.get(f"{service.url}/data") for _ in range(20)))

    assert len(service.asked("/token")) == 1
    assert {request.headers["Authorization"] for request in service.asked("/data")} == {"Bearer t0ken"}


async def test_twenty_requests_at_once_offer_bad_credentials_once(service: Service) -> None:
    service.on("/token", httpx.Response(401, json={"error": "invalid_grant"}))

    async with StationConnection(service.station(GRANT)) as connection:
        asked = (connection.get(f"{service.url}/data") for _ in range(20))
        errors = await asyncio.gather(*asked, return_exceptions=True)

    assert {type(error) for error in errors} == {AuthenticationError}
    assert len(service.asked("/token")) == 1


async def test_one_that_gives_up_waiting_does_not_take_the_token_from_the_others() -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def answer(_: httpx.Request) -> httpx.Response:
        asked.set()
        await go_on.wait()
        return token()

    connection = StationConnection(Service().station(GRANT), transport=httpx.MockTransport(answer))
    async with connection:
        first = asyncio.create_task(header(connection))
        await asked.wait()
        second = asyncio.create_task(header(connection))
        await asyncio.sleep(0)
        first.cancel()
        go_on.set()

        assert await second == "Bearer t0ken"
        assert (await asyncio.gather(first, return_exceptions=True))[0].__class__ is asyncio.CancelledError


@pytest.mark.parametrize(("life", "renewed_after"), [(3600, 3540), (100, 80), (10, 8)])
async def test_a_token_is_renewed_before_it_expires(
    service: Service, clock: Clock, life: int, renewed_after: int
) -> None:
    service.on("/token", token("first", expires_in=life), token("second", expires_in=life))

    async with StationConnection(service.station(GRANT)) as connection:
        assert await header(connection) == "Bearer first"
        clock.now += renewed_after - 0.5
        assert await header(connection) == "Bearer first"
        clock.now += 0.5
        assert await header(connection) == "Bearer second"


@pytest.mark.parametrize("expires_in", [{}, {"expires_in": None}, {"expires_in": "soon"}, {"expires_in": "86400"}])
async def test_a_token_that_says_nothing_of_its_end_is_kept(
    service: Service, clock: Clock, expires_in: dict[str, Any]
) -> None:
    service.on("/token", token("first", **expires_in), token("second"))

    async with StationConnection(service.station(GRANT)) as connection:
        await header(connection)
        clock.now += 3600

        assert await header(connection) == "Bearer first"


async def test_a_401_renews_the_token_once_for_all_requests_that_were_refused_together(service: Service) -> None:
    def data(request: httpx.Request) -> httpx.Response:
        return products() if request.headers["Authorization"] == "Bearer good" else httpx.Response(401)

    service.on("/token", token("bad", expires_in=3600), token("good", expires_in=3600)).on("/data", data)

    async with StationConnection(service.station(GRANT)) as connection:
        await header(connection)
        answers = await asyncio.gather(*(connection.get(f"{service.url}/data") for _ in range(20)))

    assert {answer.status_code for answer in answers} == {200}
    assert len(service.asked("/token")) == 2


async def test_a_late_401_for_an_older_token_does_not_renew_the_new_one(service: Service) -> None:
    service.on("/token", token("first"), token("second"), token("third"))

    async with StationConnection(service.station(GRANT)) as connection:
        old = await connection.credentials.headers()
        await connection.credentials.refused(old)
        await connection.credentials.headers()

        assert await connection.credentials.refused(old)
        assert await header(connection) == "Bearer second"


async def test_a_token_that_goes_on_being_refused_is_an_error_after_one_renewal(service: Service) -> None:
    service.on("/token", token("first"), token("second")).on("/data", httpx.Response(401))

    error = await error_of(service)

    assert isinstance(error, AuthenticationError)
    assert str(error).startswith("adgs: ")
    assert (len(service.asked("/token")), len(service.asked("/data"))) == (2, 2)


async def test_a_refresh_token_is_used_where_there_is_one(service: Service) -> None:
    service.on("/token", token("first", refresh_token="r1"), token("second", refresh_token="r2"), token("third"))

    async with StationConnection(service.station(GRANT)) as connection:
        for _ in range(3):
            await connection.credentials.refused(await connection.credentials.headers())

    assert [form.get("refresh_token") for form in service.forms()] == [None, "r1", "r2"]
    assert [form["grant_type"] for form in service.forms()] == ["password", "refresh_token", "refresh_token"]


async def test_a_refresh_token_that_is_not_replaced_stays_valid(service: Service) -> None:
    service.on("/token", token("first", refresh_token="r1"), token("second"), token("third"))

    async with StationConnection(service.station(GRANT)) as connection:
        for _ in range(3):
            await connection.credentials.refused(await connection.credentials.headers())

    assert [form.get("refresh_token") for form in service.forms()] == [None, "r1", "r1"]


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_a_refused_refresh_token_is_followed_by_a_full_login(service: Service, status: int) -> None:
    refusal = httpx.Response(status, json={"error": "invalid_grant"})
    service.on("/token", token("first", refresh_token="r1"), refusal, token("second"), token("third"))

    async with StationConnection(service.station(GRANT)) as connection:
        for expected in ("first", "second", "third"):
            headers = await connection.credentials.headers()
            assert headers["Authorization"] == f"Bearer {expected}"
            await connection.credentials.refused(headers)

    grants = [form["grant_type"] for form in service.forms()]
    assert grants == ["password", "refresh_token", "password", "password"]


@pytest.mark.parametrize("refresh", [{}, {"refresh_token": None}, {"refresh_token": ""}, {"refresh_token": 5}])
async def test_without_a_refresh_token_the_full_login_is_repeated(service: Service, refresh: dict[str, Any]) -> None:
    service.on("/token", token("first", **refresh), token("second"))

    async with StationConnection(service.station(GRANT)) as connection:
        await connection.credentials.refused(await connection.credentials.headers())

        assert await header(connection) == "Bearer second"
    assert [form["grant_type"] for form in service.forms()] == ["password", "password"]


CLIENT = {"client_id": "cl", "client_secret": {"env": "CLIENT_SECRET"}}
LOGIN = {"grant_type": "password", "username": "user", "password": PASSWORD}
BASIC = "Basic " + base64.b64encode(f"cl:{CLIENT_SECRET}".encode()).decode()


@pytest.mark.parametrize(
    ("settings", "form", "authorization"),
    [
        pytest.param({}, LOGIN, None, id="form-only"),
        pytest.param({"scope": "openid"}, LOGIN | {"scope": "openid"}, None, id="scope"),
        pytest.param(CLIENT, LOGIN | {"client_id": "cl", "client_secret": CLIENT_SECRET}, None, id="client-in-form"),
        pytest.param({"client_id": "cl"}, LOGIN | {"client_id": "cl"}, None, id="client-without-secret"),
        pytest.param(CLIENT | {"client_placement": "basic"}, LOGIN, BASIC, id="client-as-basic"),
        pytest.param({"extra_headers": {"Authorization": {"env": "HEADER"}}}, LOGIN, HEADER, id="literal-header"),
        pytest.param(
            CLIENT | {"extra_headers": {"Authorization": {"env": "HEADER"}}},
            LOGIN | {"client_id": "cl", "client_secret": CLIENT_SECRET},
            HEADER,
            id="literal-header-and-client",
        ),
        pytest.param(
            CLIENT | {"grant": "client_credentials"},
            {"grant_type": "client_credentials", "client_id": "cl", "client_secret": CLIENT_SECRET},
            None,
            id="client-credentials",
        ),
    ],
)
async def test_the_token_request_carries_what_the_settings_ask_for(
    service: Service, settings: dict[str, Any], form: dict[str, str], authorization: str | None
) -> None:
    service.on("/token", token())

    async with StationConnection(service.station(GRANT | settings)) as connection:
        await header(connection)

    assert service.forms() == [form]
    assert service.asked("/token")[0].headers.get("Authorization") == authorization


async def test_a_legacy_header_carries_the_bare_token(service: Service) -> None:
    service.on("/token", token())

    async with StationConnection(service.station(GRANT | {"token_header": "OAUTH2-ACCESS-TOKEN"})) as connection:
        assert await connection.credentials.headers() == {"OAUTH2-ACCESS-TOKEN": "t0ken"}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_token_endpoint_that_moves_on_its_own_host_is_followed(service: Service, status: int) -> None:
    service.on("/token", httpx.Response(status, headers={"Location": "new"})).on("/new", token())

    async with StationConnection(service.station(GRANT)) as connection:
        assert await header(connection) == "Bearer t0ken"
    assert service.forms("/new") == [LOGIN]


async def test_a_token_endpoint_that_moves_to_another_place_is_not_sent_the_credentials(
    service: Service, elsewhere: Service
) -> None:
    service.on("/token", httpx.Response(307, headers={"Location": f"{elsewhere.url}/token?u={PASSWORD}"}))

    error = await error_of(service)

    assert elsewhere.requests == []
    assert f"redirects to {elsewhere.url}, which is not trusted" in str(error)
    assert PASSWORD not in str(error)


async def test_a_token_endpoint_that_moves_to_a_trusted_host_is_followed(service: Service, elsewhere: Service) -> None:
    elsewhere.on("/token", token())
    service.on("/token", httpx.Response(307, headers={"Location": f"{elsewhere.url}/token"}))

    station = service.station(GRANT, trusted_hosts=frozenset({"127.0.0.1"}))
    async with StationConnection(station) as connection:
        assert await header(connection) == "Bearer t0ken"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (httpx.Response(302, headers={"Location": "token"}), "in circles"),
        (httpx.Response(302), "302 without an access_token"),
        (httpx.Response(302, headers={"Location": "ftp://x/"}), "not an HTTP address"),
        (httpx.Response(200, text="<html>log in</html>"), "without an access_token; check token_url"),
        (httpx.Response(200, json=["t0ken"]), "without an access_token"),
        (httpx.Response(200, json={"access_token": ""}), "without an access_token"),
        (httpx.Response(200, json={"access_token": "a\nb"}), "without an access_token"),
        (httpx.Response(200, json={"access_token": {"a": 1}}), "without an access_token"),
        (httpx.Response(404), "answers 404"),
        (httpx.Response(204), "answers 204"),
    ],
)
async def test_an_answer_without_a_token_is_an_error_of_the_station(
    service: Service, answer: httpx.Response, said: str
) -> None:
    service.on("/token", answer)

    error = await error_of(service)

    assert type(error) is StationError
    assert str(error).startswith("adgs: ")
    assert said in str(error)


@pytest.mark.parametrize("code", ["invalid_client", "invalid_grant", "unsupported_grant_type"])
async def test_a_refusal_says_why_and_is_not_repeated(service: Service, code: str) -> None:
    service.on("/token", httpx.Response(400, json={"error": code}))

    error = await error_of(service)

    assert isinstance(error, AuthenticationError)
    assert f"(400: {code})" in str(error)
    assert len(service.asked("/token")) == 1


@pytest.mark.parametrize("error", [["invalid_client"], {"code": 1}, 5, None])
async def test_a_refusal_in_an_unknown_form_is_a_refusal_all_the_same(service: Service, error: object) -> None:
    service.on("/token", httpx.Response(401, json={"error": error}))

    assert "(401: Unauthorized)" in str(await error_of(service))


def echo(request: httpx.Request) -> httpx.Response:
    """A server that repeats in its error all that it was sent, plain, encoded and cut."""
    body = request.content.decode()
    everything = f"{body} {PASSWORD} {dict(request.headers)}"
    return httpx.Response(401, json={"error": everything, "error_description": "x" * 195 + everything})


def echo_with_nonsense(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, content=request.content + PASSWORD.encode())


@pytest.mark.parametrize("answer", [echo, echo_with_nonsense])
async def test_no_error_shows_a_secret_even_where_the_server_repeats_it(service: Service, answer: Any) -> None:
    service.on("/token", answer)
    settings = GRANT | CLIENT | {"client_placement": "basic", "extra_headers": {"X-Key": {"env": "HEADER"}}}

    error = await error_of(service, settings)

    shown = "".join(traceback.format_exception(error))
    secrets = [PASSWORD[:4], "p%40ss", "cl1ent", "h3ader", BASIC.removeprefix("Basic ")]
    assert [secret for secret in secrets if secret in shown] == []


@pytest.mark.parametrize("secret", [f" {HEADER}", f"{HEADER} "])
async def test_a_secret_that_http_forbids_in_a_header_is_not_shown(
    service: Service, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    monkeypatch.setenv("HEADER", secret)

    for authentication in (
        GRANT | {"extra_headers": {"X-Key": {"env": "HEADER"}}},
        {"kind": "api_key", "key": {"env": "HEADER"}},
    ):
        error = await error_of(service, authentication)

        assert "one of its headers" in str(error)
        assert HEADER not in str(error)


async def test_a_secret_that_is_missing_is_named_when_it_is_needed(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PASSWORD")

    error = await error_of(service)

    assert isinstance(error, SettingsError)
    assert "PASSWORD" in str(error)
    assert service.requests == []


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_a_passing_fault_of_the_token_endpoint_is_tried_again(service: Service, status: int) -> None:
    service.on("/token", httpx.Response(status), token())

    async with StationConnection(service.station(GRANT)) as connection:
        assert await header(connection) == "Bearer t0ken"


async def test_a_token_endpoint_that_goes_on_failing_is_an_error_of_the_station(service: Service) -> None:
    service.on("/token", httpx.Response(503))

    error = await error_of(service)

    assert type(error) is StationError
    assert re.search(r"its token endpoint http\S+ answers 503 Service Unavailable \(tried 3 times\)", str(error))


async def test_a_token_endpoint_that_is_down_is_named(service: Service, unused_port: int) -> None:
    url = f"http://127.0.0.1:{unused_port}/token"

    error = await error_of(service, GRANT | {"token_url": url})

    assert str(error).startswith(f"adgs: its token endpoint {url} cannot be reached")


@pytest.mark.parametrize(
    ("authentication", "headers"),
    [
        ({"kind": "none"}, {}),
        (
            {"kind": "basic", "username": "user", "password": {"env": "PASSWORD"}},
            {"Authorization": "Basic " + base64.b64encode(f"user:{PASSWORD}".encode()).decode()},
        ),
        ({"kind": "api_key", "key": {"env": "PASSWORD"}}, {"x-api-key": PASSWORD}),
        ({"kind": "api_key", "header": "X-Own", "key": {"env": "PASSWORD"}}, {"X-Own": PASSWORD}),
    ],
)
async def test_constant_credentials_are_sent_with_every_request_and_not_offered_twice(
    service: Service, authentication: dict[str, Any], headers: dict[str, str]
) -> None:
    service.on("/data", products(), httpx.Response(401))

    async with StationConnection(service.station(authentication)) as connection:
        assert await connection.credentials.headers() == headers
        await connection.get(f"{service.url}/data")
        with pytest.raises(AuthenticationError):
            await connection.get(f"{service.url}/data")

    sent = [service.asked("/data")[0].headers.get(name) for name in headers]
    assert sent == list(headers.values())
    assert len(service.asked("/data")) == 2


async def test_a_provider_does_not_show_its_token(service: Service) -> None:
    service.on("/token", token("s3cret-token", refresh_token="s3cret-refresh"))

    async with StationConnection(service.station(GRANT)) as connection:
        await header(connection)

        assert "s3cret" not in repr(connection.credentials)
