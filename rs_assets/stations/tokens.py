"""The credentials of a station: nothing, a constant header, or an OAuth2 token that is renewed in time."""

import asyncio
import base64
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import httpx

from rs_assets.errors import AuthenticationError, StationError
from rs_assets.items.untrusted import UnreadableError, json_of
from rs_assets.settings import (
    ApiKeyAuthentication,
    Authentication,
    BasicAuthentication,
    ClientPlacement,
    NoAuthentication,
    OAuth2Authentication,
    Station,
)
from rs_assets.settings.sources import BearerAuthentication, S3Credentials
from rs_assets.stations.asking import answer_of, final_answer
from rs_assets.stations.credentials import Credentials
from rs_assets.stations.keyring import Keyring
from rs_assets.stations.trust import Trust

_log = logging.getLogger(__name__)

_SHARE_OF_LIFE_LEFT = 0.2
"""A token is renewed at the latest when a fifth of its life is left, however short it lives."""

_TOKEN = re.compile(r"[\x21-\x7e]+")
"""What an access token is made of (RFC 6749, appendix A.12)."""

_ERROR_CODES = frozenset(
    {
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
    }
)
"""Why a token request is refused (RFC 6749, section 5.2)."""


def keyring_of(station: Station, client: httpx.AsyncClient) -> Keyring:
    """The credentials that a station's settings name; `client` is what asks token endpoints."""
    others = {
        host: credentials_of(station, described, client)
        for host, described in station.credentials.items()
        if not isinstance(described, S3Credentials)
    }
    return Keyring(Trust.of(station), credentials_of(station, station.authentication, client), others)


def credentials_of(
    station: Station, authentication: Authentication | BearerAuthentication, client: httpx.AsyncClient
) -> Credentials:
    """The credentials that an authentication describes; `client` is what asks its token endpoint."""
    match authentication:
        case NoAuthentication():
            return ConstantHeaders(station.name, dict)
        case BasicAuthentication(username=username, password=password):
            return ConstantHeaders(station.name, lambda: {"Authorization": _basic(username, password.reveal())})
        case BearerAuthentication(token=token):
            return ConstantHeaders(station.name, lambda: {"Authorization": f"Bearer {token.reveal()}"})
        case ApiKeyAuthentication(header=header, key=key):
            return ConstantHeaders(station.name, lambda: {header: key.reveal()})
        case OAuth2Authentication() as oauth2:
            return TokenProvider(station, oauth2, client)


class ConstantHeaders:
    """Headers that never change; the secret in them is read at first use."""

    def __init__(self, station: str, read: Callable[[], Mapping[str, str]]) -> None:
        self._station = station
        self._read = read

    async def headers(self) -> Mapping[str, str]:
        """The headers of every request."""
        return self._read()

    async def refused(self, headers: Mapping[str, str]) -> bool:  # noqa: ARG002 - there are no others to offer
        """Constant headers that were refused once stay refused."""
        return False


@dataclass(frozen=True, slots=True)
class _Token:
    access: str = field(repr=False)
    renew_at: float
    """Event loop time in seconds."""
    refresh: str | None = field(repr=False)


class TokenProvider:
    """A station's OAuth2 token: asked for once by whoever needs it first, renewed before it expires or on a 401.

    Whoever needs it meanwhile waits for the same answer, be it a token or an error. A refresh token is used where
    the station gave one, and a full login follows where it is refused. Belongs to one event loop.
    """

    def __init__(self, station: Station, settings: OAuth2Authentication, client: httpx.AsyncClient) -> None:
        self._station = station
        self._settings = settings
        self._client = client
        self._token: _Token | None = None
        self._refresh: str | None = None
        self._renewal: asyncio.Task[_Token] | None = None

    def __repr__(self) -> str:
        return f"TokenProvider({self._station.name!r})"

    async def headers(self) -> Mapping[str, str]:
        """Headers with a token that lasts for a while.

        Raises:
            AuthenticationError: the token endpoint refuses the credentials.
            StationError: the token endpoint could not be asked, or answered no token.
        """
        token = self._token
        if token is None or self._now() >= token.renew_at:
            if self._renewal is None:
                self._renewal = asyncio.create_task(self._renewed())
            # One that gives up waiting must not take the token from the others.
            token = await asyncio.shield(self._renewal)
        return self._headers_with(token)

    async def refused(self, headers: Mapping[str, str]) -> bool:
        """Drop the token that was refused, unless another request has had it renewed already."""
        if self._token is not None and self._headers_with(self._token) == headers:
            self._token = None
        return True

    def _headers_with(self, token: _Token) -> dict[str, str]:
        header = self._settings.token_header
        bearer = header.casefold() == "authorization"
        return {header: f"Bearer {token.access}" if bearer else token.access}

    async def _renewed(self) -> _Token:
        try:
            self._token = await self._refreshed() or await self._request(self._login())
            self._refresh = self._token.refresh or self._refresh
            return self._token
        finally:
            self._renewal = None

    async def _refreshed(self) -> _Token | None:
        if self._refresh is None:
            return None
        try:
            return await self._request({"grant_type": "refresh_token", "refresh_token": self._refresh})
        except AuthenticationError:
            _log.info("%s: the refresh token is no longer accepted, logging in again", self._station.name)
            self._refresh = None
            return None

    def _login(self) -> dict[str, str]:
        settings = self._settings
        form: dict[str, str] = {"grant_type": settings.grant}
        if settings.grant == "password":
            assert settings.username is not None
            assert settings.password is not None
            form |= {"username": settings.username, "password": settings.password.reveal()}
        if settings.scope:
            form["scope"] = settings.scope
        return form

    async def _request(self, form: dict[str, str]) -> _Token:
        settings = self._settings
        headers = {"Accept": "application/json"}
        headers |= {name: secret.reveal() for name, secret in settings.extra_headers.items()}
        if settings.client_id is not None:
            secret = settings.client_secret.reveal() if settings.client_secret else ""
            if settings.client_placement is ClientPlacement.BASIC:
                headers["Authorization"] = _basic(settings.client_id, secret)
            else:
                form = form | {"client_id": settings.client_id} | ({"client_secret": secret} if secret else {})
        asked_at = self._now()
        response = await self._post(form, headers)
        return self._token_in(response, asked_at)

    async def _post(self, form: Mapping[str, str], headers: Mapping[str, str]) -> httpx.Response:
        """POST, and POST again where the endpoint has moved on its own host or to a trusted one."""
        station, endpoint = self._station, httpx.URL(str(self._settings.token_url))
        trust = Trust(str(endpoint), Trust.of(station).hosts)
        where = f"its token endpoint {endpoint}"

        async def ask(url: httpx.URL) -> httpx.Response:
            if not trust.covers(str(url)) and url != endpoint:
                raise StationError(
                    f"{station.name}: its token endpoint redirects to {url.scheme}://{url.netloc.decode()}, "
                    "which is not trusted; add the host to the station's trusted_hosts if it may see the credentials"
                )
            return await self._client.post(url, data=form, headers=headers, follow_redirects=False)

        return await answer_of(station, where, lambda: final_answer(station, where, endpoint, ask))

    def _token_in(self, response: httpx.Response, asked_at: float) -> _Token:
        name = self._station.name
        answer = _json_object(response)
        if response.status_code in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            # Only the codes of the standard are shown: any other word may be a secret that the answer repeats.
            code = str(answer.get("error"))
            reason = code if code in _ERROR_CODES else HTTPStatus(response.status_code).phrase
            raise AuthenticationError(
                f"{name}: the token endpoint refuses the credentials ({response.status_code}: {reason}); "
                "check the user name, and the variables that hold the secrets"
            )
        access = answer.get("access_token")
        if not response.is_success or not isinstance(access, str) or not _TOKEN.fullmatch(access):
            raise StationError(
                f"{name}: the token endpoint {self._settings.token_url} answers {response.status_code} without an "
                "access_token; check token_url"
            )
        refresh = answer.get("refresh_token")
        renew_at = self._renewal_time(answer.get("expires_in"), asked_at)
        return _Token(access, renew_at, refresh if isinstance(refresh, str) and refresh else None)

    def _renewal_time(self, expires_in: object, asked_at: float) -> float:
        try:
            life = float(str(expires_in))
        except ValueError:
            return float("inf")  # it says nothing of expiry: a 401 will
        return asked_at + life - min(self._settings.renew_before_expiry, life * _SHARE_OF_LIFE_LEFT)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


def _basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def _json_object(response: httpx.Response) -> dict[str, Any]:
    try:
        answer = json_of(response.content)
    except UnreadableError:
        return {}
    return answer if isinstance(answer, dict) else {}
