"""Tokens and the other ways to sign a request."""

from typing import Any

import httpx
import pytest

from rs_assets.simulator import SimulatorOptions

from .station import PASSWORD, Station


def _message(answer: httpx.Response) -> str:
    assert answer.status_code == 401
    message: str = answer.json()["error"]["message"]
    return message


async def _token(station: Station, **form: str) -> httpx.Response:
    return await station.http.post("/auxip/token", data=form)


async def test_missing_invalid_and_expired_tokens_are_told_apart() -> None:
    station = Station.started(auth="oauth2", token_lifetime=0)
    missing = _message(await station.get())
    station.http.headers["authorization"] = "Bearer made-up"
    invalid = _message(await station.get())
    await station.log_in()
    expired = _message(await station.get())
    assert (missing, invalid, expired) == (
        "Token is missing!",
        "Token is invalid!",
        "Token is valid but is expired!",
    )


@pytest.mark.parametrize("path", ["Products", "Products(x)", "Products(x)/$value", "$metadata", "nowhere"])
async def test_no_data_route_is_open(path: str) -> None:
    station = Station.started(auth="oauth2")
    answer = await station.http.get(f"/auxip/{path}")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_password_buys_a_token_that_opens_the_station() -> None:
    station = Station.started(auth="oauth2")
    answer = (await _token(station, **PASSWORD, scope="openid")).json()
    assert answer["token_type"] == "Bearer"
    assert (answer["expires_in"], answer["refresh_expires_in"]) == (600, 3600)
    assert answer["scope"] == "openid"
    station.http.headers["authorization"] = f"Bearer {answer['access_token']}"
    assert (await station.get(top=1)).status_code == 200


async def test_a_refresh_token_buys_another_token() -> None:
    station = Station.started(auth="oauth2")
    first = (await _token(station, **PASSWORD)).json()
    second = (await _token(station, grant_type="refresh_token", refresh_token=first["refresh_token"])).json()
    assert second["access_token"] != first["access_token"]
    station.http.headers["authorization"] = f"Bearer {second['access_token']}"
    assert (await station.get(top=1)).status_code == 200


async def test_refresh_tokens_can_be_switched_off() -> None:
    answer = (await _token(Station.started(auth="oauth2", refresh_tokens=False), **PASSWORD)).json()
    assert "refresh_token" not in answer
    assert "refresh_expires_in" not in answer


async def test_a_refresh_token_expires() -> None:
    station = Station.started(auth="oauth2", refresh_lifetime=0)
    first = (await _token(station, **PASSWORD)).json()
    answer = await _token(station, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        (PASSWORD | {"password": "wrong"}, 401, "invalid_grant"),
        (PASSWORD | {"username": "wrong"}, 401, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "made-up"}, 400, "invalid_grant"),
        ({"grant_type": "client_credentials"}, 400, "unauthorized_client"),
        ({"grant_type": "authorization_code"}, 400, "unsupported_grant_type"),
        ({}, 400, "invalid_request"),
    ],
)
async def test_a_bad_token_request_is_refused_as_oauth2_says(form: dict[str, str], status: int, error: str) -> None:
    answer = await _token(Station.started(auth="oauth2"), **form)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


CLIENT: dict[str, Any] = {"auth": "oauth2", "client_id": "rs", "client_secret": "hush"}


async def test_a_client_proves_itself_in_the_form_or_by_basic_header() -> None:
    station = Station.started(**CLIENT)
    in_form = await _token(station, **PASSWORD, client_id="rs", client_secret="hush")
    by_header = await station.http.post("/auxip/token", data=PASSWORD, auth=("rs", "hush"))
    alone = await _token(station, grant_type="client_credentials", client_id="rs", client_secret="hush")
    assert [answer.status_code for answer in (in_form, by_header, alone)] == [200, 200, 200]
    assert "refresh_token" not in alone.json()


async def test_an_unknown_client_or_a_wrong_secret_is_refused() -> None:
    station = Station.started(**CLIENT)
    nobody = await _token(station, **PASSWORD)
    wrong = await _token(station, **PASSWORD, client_id="rs", client_secret="wrong")
    header = await station.http.post("/auxip/token", data=PASSWORD, auth=("rs", "wrong"))
    for answer in (nobody, wrong, header):
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_revoked_tokens_are_worth_nothing() -> None:
    station = Station.started(auth="oauth2")
    await station.log_in()
    assert (await station.get(top=1)).status_code == 200
    assert await station.control("revoke") == {"revoked": 1}
    assert _message(await station.get(top=1)) == "Token is invalid!"


async def test_basic_authentication_wants_the_user_and_the_password() -> None:
    station = Station.started(auth="basic")
    assert (await station.http.get("/auxip/Products?$top=1", auth=("simulator", "simulator"))).status_code == 200
    assert (await station.http.get("/auxip/Products?$top=1", auth=("simulator", "wrong"))).status_code == 401
    assert (await station.get(top=1)).headers["www-authenticate"].startswith("Basic")


async def test_an_api_key_opens_the_station() -> None:
    station = Station.started(auth="api_key", api_key="k-1")
    assert "missing" in _message(await station.get(top=1))
    assert "invalid" in _message(await station.http.get("/auxip/Products", headers={"x-api-key": "k-2"}))
    assert (await station.http.get("/auxip/Products?$top=1", headers={"x-api-key": "k-1"})).status_code == 200


async def test_secrets_are_in_no_repr_and_no_log() -> None:
    options = SimulatorOptions(password="pw-1", client_secret="cs-1", api_key="ak-1")
    assert not any(secret in repr(options) for secret in ("pw-1", "cs-1", "ak-1"))
    station = Station.started(auth="oauth2", password="pw-1")
    answer = await _token(station, **PASSWORD | {"password": "pw-1"})
    station.http.headers["authorization"] = f"Bearer {answer.json()['access_token']}"
    await station.get(top=1)
    log = str(await station.log())
    assert "pw-1" not in log
    assert answer.json()["access_token"] not in log


async def test_odd_credentials_are_refused_and_do_not_fail() -> None:
    station = Station.started(auth="basic")
    for odd in ("Basic", "Basic ***", "Basic /w==", "Basic " + "YQ=="):
        answer = await station.http.get("/auxip/Products", headers={"authorization": odd})
        assert answer.status_code == 401
    answer = await station.http.post("/auxip/token", content=b"\xff\xfe")
    assert answer.status_code == 400
