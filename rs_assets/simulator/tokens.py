"""Who may ask: the OAuth2 token endpoint, and the check of a data request's credentials."""

import base64
import binascii
import secrets
import time
from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from rs_assets.simulator.options import Authentication, SimulatorOptions


class Gatekeeper:
    """Knows the credentials and the tokens that it gave out; neither is ever shown."""

    def __init__(self, options: SimulatorOptions) -> None:
        self._options = options
        self._access: dict[str, float] = {}
        self._refresh: dict[str, float] = {}

    def refuses(self, headers: Headers) -> str | None:
        """Why a data request with these headers is not answered, or None if it is."""
        match self._options.auth:
            case Authentication.OAUTH2:
                return self._refuses_token(headers)
            case Authentication.BASIC:
                wanted = (self._options.username, self._options.password)
                return _unless(_same(_basic(headers), wanted), "The user name or the password is wrong!")
            case Authentication.API_KEY:
                key = headers.get("x-api-key")
                if key is None:
                    return "The API key is missing!"
                return _unless(_same((key,), (self._options.api_key,)), "The API key is invalid!")
            case Authentication.NONE:
                return None

    def challenge(self) -> dict[str, str]:
        """The headers that go with a refusal."""
        match self._options.auth:
            case Authentication.OAUTH2:
                return {"WWW-Authenticate": 'Bearer realm="simulator"'}
            case Authentication.BASIC:
                return {"WWW-Authenticate": 'Basic realm="simulator"'}
            case _:
                return {}

    async def token(self, request: Request) -> Response:
        """Answer a token request (RFC 6749: password, client_credentials and refresh_token grants)."""
        try:
            form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        except UnicodeDecodeError:
            return _oauth_error(400, "invalid_request", "The form is not UTF-8.")
        if not self._knows_client(form, request.headers):
            return _oauth_error(401, "invalid_client", "The client is unknown, or its secret is wrong.")
        return self._grant(form)

    def revoke(self) -> int:
        """Forget every token; the number of access tokens that were still known."""
        known = len(self._access)
        self._access.clear()
        self._refresh.clear()
        return known

    def _grant(self, form: Mapping[str, str]) -> Response:
        match form.get("grant_type"):
            case "password":
                given = (form.get("username", ""), form.get("password", ""))
                if not _same(given, (self._options.username, self._options.password)):
                    return _oauth_error(401, "invalid_grant", "The user name or the password is wrong.")
            case "refresh_token":
                if self._refresh.get(form.get("refresh_token", ""), 0) <= time.monotonic():
                    return _oauth_error(400, "invalid_grant", "The refresh token is unknown or expired.")
            case "client_credentials":
                if self._options.client_secret is None:
                    return _oauth_error(400, "unauthorized_client", "This station has no confidential client.")
            case None:
                return _oauth_error(400, "invalid_request", "grant_type is missing.")
            case _:
                return _oauth_error(400, "unsupported_grant_type", "This grant is not supported.")
        return self._issued(form.get("scope"), refresh=form["grant_type"] != "client_credentials")

    def _issued(self, scope: str | None, *, refresh: bool) -> Response:
        now = time.monotonic()
        answer: dict[str, str | float] = {
            "access_token": secrets.token_urlsafe(32),
            "token_type": "Bearer",
            "expires_in": _whole(self._options.token_lifetime),
        }
        self._access[str(answer["access_token"])] = now + self._options.token_lifetime
        if refresh and self._options.refresh_tokens:
            answer["refresh_token"] = secrets.token_urlsafe(32)
            answer["refresh_expires_in"] = _whole(self._options.refresh_lifetime)
            self._refresh[str(answer["refresh_token"])] = now + self._options.refresh_lifetime
        if scope:
            answer["scope"] = scope
        return JSONResponse(answer, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})

    def _knows_client(self, form: Mapping[str, str], headers: Headers) -> bool:
        client, secret = _basic(headers) or (form.get("client_id"), form.get("client_secret"))
        wanted_id, wanted_secret = self._options.client_id, self._options.client_secret
        known = wanted_id is None or _same((client or "",), (wanted_id,))
        return known and (wanted_secret is None or _same((secret or "",), (wanted_secret,)))

    def _refuses_token(self, headers: Headers) -> str | None:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return "Token is missing!"
        expiry = self._access.get(token.strip())
        if expiry is None:
            return "Token is invalid!"
        return _unless(time.monotonic() < expiry, "Token is valid but is expired!")


def _unless(good: bool, message: str) -> str | None:
    return None if good else message


def _same(given: tuple[str, ...] | None, wanted: tuple[str, ...]) -> bool:
    return given is not None and all(
        secrets.compare_digest(a.encode(), b.encode()) for a, b in zip(given, wanted, strict=True)
    )


def _basic(headers: Headers) -> tuple[str, str] | None:
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return user, password


def _whole(seconds: float) -> float:
    return int(seconds) if seconds == int(seconds) else seconds


def _oauth_error(status: int, error: str, description: str) -> JSONResponse:
    headers = {"WWW-Authenticate": 'Basic realm="simulator"'} if status == 401 else None
    return JSONResponse({"error": error, "error_description": description}, status, headers)
