"""Asking a station over HTTP: credentials, limits, redirects, retries, and one readable error when it fails.

This is the control plane (searches, tokens); files are moved elsewhere, by a client made for bytes.
"""

import asyncio
import ssl
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from http import HTTPStatus
from time import monotonic
from typing import Self

import httpx

from rs_assets.errors import AuthenticationError, StationError
from rs_assets.items.untrusted import printable
from rs_assets.settings import Station
from rs_assets.stations.asking import answer_of, final_answer, status_of
from rs_assets.stations.backoff import BUSY_STATUSES, retry_after_seconds
from rs_assets.stations.credentials import Credentials
from rs_assets.stations.limits import StationLimits
from rs_assets.stations.tokens import keyring_of
from rs_assets.stations.trust import Trust

_EXCERPT = 200
"""Characters of an answer that an error message repeats."""


class StationConnection:
    """An open connection to one station; belongs to one event loop and is used as a context manager."""

    def __init__(
        self,
        station: Station,
        transport: httpx.AsyncBaseTransport | None = None,
        limits: StationLimits | None = None,
    ) -> None:
        """Prepare a connection.

        Args:
            station: what is asked.
            transport: what carries the requests, if not the network.
            limits: the station's limits, entered already; if none are given, the connection keeps its own.

        Raises:
            StationError: the certificates that the settings name cannot be read.
        """
        self.station = station
        self.limits = limits or StationLimits(station)
        timeouts = station.timeouts
        self._client = httpx.AsyncClient(
            verify=tls_context(station),
            transport=transport,
            timeout=httpx.Timeout(timeouts.read, connect=timeouts.connect),
        )
        self.keyring = keyring_of(station, self._client)
        self.credentials: Credentials = self.keyring.own
        self._trust = Trust.of(station)
        self._sent: set[str] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def get(self, url: str) -> httpx.Response:
        """GET `url`, whose query is percent-encoded already; any answer but a passing fault or a 401 is returned.

        A station that is busy is asked again, after a pause, for as long as `retries.busy_timeout` allows.

        Raises:
            AuthenticationError: the station refuses the credentials.
            StationError: the station cannot be reached, goes on failing after all attempts, or stays busy.
            StateError: the state database, by which the limits are kept, cannot be used.
        """
        renewed = False
        busy_since: float | None = None

        async def ask() -> httpx.Response:
            nonlocal renewed, busy_since
            while True:
                answer = await self._followed(url)
                if answer.response.status_code == HTTPStatus.UNAUTHORIZED:
                    if renewed or not await self.credentials.refused(answer.offered):
                        raise AuthenticationError(
                            f"{self.station.name}: {self.station.url} refuses the credentials (401); "
                            "check the user name, and the variables that hold the secrets"
                        )
                    renewed = True
                elif answer.pause is not None:
                    busy_since = busy_since or monotonic()
                    self._check_busy_timeout(answer, busy_since)
                else:
                    return answer.response

        return await answer_of(self.station, str(self.station.url), ask)

    def excerpt(self, body: str) -> str:
        """The beginning of an answer, for an error message; credentials that the station repeats are left out."""
        for secret in self._sent:
            body = body.replace(secret, "***")
        text = printable(" ".join(body.split()))
        return f"{text[:_EXCERPT]}…" if len(text) > _EXCERPT else text or "an empty answer"

    def _check_busy_timeout(self, answer: "_Answer", since: float) -> None:
        """Refuse one more pause of a station that has been busy since a moment for longer than its settings allow."""
        timeout = self.station.retries.busy_timeout
        if monotonic() + (answer.pause or 0) >= since + timeout:
            raise StationError(
                f"{self.station.name}: {self.station.url} answers {status_of(answer.response)}, "
                f"and has been busy for longer than {timeout:g} s; "
                "try again later, or ask less of it (concurrency, requests_per_minute)"
            )

    async def _followed(self, url: str) -> "_Answer":
        """The first answer that is not a redirect."""
        await self._credentials()  # all who ask at once are refused at once, rather than one slot after another
        last: _Answer | None = None

        async def ask(target: httpx.URL) -> httpx.Response:
            nonlocal last
            is_own = self._trust.covers(str(target))
            async with self.limits.slot() if is_own or last is None else nullcontext():
                # The slot may have been long in coming, and a token expires.
                offered = await self._credentials() if last is None else last.offered
                last = await self._asked(target, offered if is_own else {}, offered)
            return last.response

        await final_answer(self.station, str(self.station.url), httpx.URL(url), ask)
        assert last is not None
        return last

    async def _credentials(self) -> Mapping[str, str]:
        async with asyncio.timeout(self.station.timeouts.search):
            return await self.credentials.headers()

    async def _asked(self, target: httpx.URL, credentials: Mapping[str, str], offered: Mapping[str, str]) -> "_Answer":
        headers = {"Accept": "application/json"} | dict(credentials)
        await self.limits.turn()
        if credentials:
            self._sent = {word for value in credentials.values() for word in value.split()} - {"Bearer", "Basic"}
        async with asyncio.timeout(self.station.timeouts.search):
            response = await self._client.get(target, headers=headers, follow_redirects=False)
        # While the slot is still in use, so that nobody else takes it before the pause begins.
        if response.status_code in BUSY_STATUSES:
            pause = self.limits.busy(retry_after_seconds(response.headers.get("Retry-After")))
            return _Answer(response, offered, pause)
        if response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            self.limits.served()
        return _Answer(response, offered)


@dataclass(frozen=True, slots=True)
class _Answer:
    response: httpx.Response
    offered: Mapping[str, str] = field(repr=False)
    """The credentials that the station was asked with."""
    pause: float | None = None
    """How long no request is sent, in seconds, where the station says that it is busy."""


def tls_context(station: Station) -> ssl.SSLContext:
    """The certificates to trust for a station: those of its CA file, else the system's.

    Raises:
        StationError: the CA file cannot be read, or holds no certificate.
    """
    if station.ca_file is None:
        return ssl.create_default_context()
    try:
        return ssl.create_default_context(cafile=str(station.ca_file))
    except (OSError, ssl.SSLError) as error:
        raise StationError(f"{station.name}: its ca_file {station.ca_file} cannot be used: {error}") from error
