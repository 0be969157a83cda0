"""Asking a station over HTTP: credentials, pace, redirects, retries, and one readable error when it fails.

This is the control plane (searches, tokens); files are moved elsewhere, by a client made for bytes.
"""

import asyncio
import ssl
from collections.abc import Mapping
from http import HTTPStatus
from typing import Self

import httpx

from rs_assets.errors import AuthenticationError, StationError
from rs_assets.settings import Station
from rs_assets.stations.backoff import PASSING_STATUSES, wait_before
from rs_assets.stations.credentials import Credentials
from rs_assets.stations.faults import in_words
from rs_assets.stations.links import followed
from rs_assets.stations.pace import Pace
from rs_assets.stations.tokens import credentials_of
from rs_assets.stations.trust import MAX_REDIRECTS, Trust

_EXCERPT = 200
"""Characters of an answer that an error message repeats."""


class StationConnection:
    """An open connection to one station; belongs to one event loop and is used as a context manager."""

    def __init__(self, station: Station, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.station = station
        timeouts = station.timeouts
        self._client = httpx.AsyncClient(
            verify=tls_context(station),
            transport=transport,
            timeout=httpx.Timeout(timeouts.read, connect=timeouts.connect),
        )
        self.pace = Pace(station.requests_per_minute)
        self.credentials: Credentials = credentials_of(station, self._client)
        self._trust = Trust.of(station)
        self._sent: set[str] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def get(self, url: str) -> httpx.Response:
        """GET `url`, whose query is percent-encoded already; any answer but a passing fault or a 401 is returned.

        Raises:
            AuthenticationError: the station refuses the credentials.
            StationError: the station cannot be reached, or goes on failing after all attempts.
        """
        station = self.station
        renewed = False
        attempt = 1
        while True:
            retry_after = None
            try:
                async with asyncio.timeout(station.timeouts.search):
                    headers = await self.credentials.headers()
                    response = await self._followed(url, headers)
            except httpx.RequestError as error:
                problem = f"{station.url} cannot be reached: {in_words(error)}"
            except TimeoutError:
                problem = f"no answer from {station.url} within {station.timeouts.search:g} s"
            else:
                if response.status_code == HTTPStatus.UNAUTHORIZED:
                    if not renewed and await self.credentials.refused(headers):
                        renewed = True
                        continue
                    raise AuthenticationError(
                        f"{station.name}: {station.url} refuses the credentials (401); "
                        "check the user name, and the variables that hold the secrets"
                    )
                if response.status_code not in PASSING_STATUSES:
                    return response
                problem = f"{station.url} answers {response.status_code} {response.reason_phrase}"
                retry_after = response.headers.get("Retry-After")
            attempt += 1
            if attempt > station.retries.attempts:
                raise StationError(f"{station.name}: {problem} (tried {attempt - 1} times)")
            await asyncio.sleep(wait_before(attempt, station.retries, retry_after))

    def excerpt(self, body: str) -> str:
        """The beginning of an answer, for an error message; credentials that the station repeats are left out."""
        for secret in self._sent:
            body = body.replace(secret, "***")
        text = " ".join(body.split())
        return f"{text[:_EXCERPT]}…" if len(text) > _EXCERPT else text or "an empty answer"

    async def _followed(self, url: str, credentials: Mapping[str, str]) -> httpx.Response:
        target = httpx.URL(url)
        for _ in range(MAX_REDIRECTS + 1):
            await self.pace.turn()
            headers = {"Accept": "application/json"}
            if self._trust.covers(str(target)):
                headers |= credentials
                self._sent = {word for value in credentials.values() for word in value.split()} - {"Bearer", "Basic"}
            response = await self._client.get(target, headers=headers, follow_redirects=False)
            if not response.has_redirect_location:
                return response
            target = followed(self.station.name, target, response.headers["Location"])
        raise StationError(f"{self.station.name}: {self.station.url} redirects in circles")


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
