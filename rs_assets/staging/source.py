"""Where bytes come from: a station's files over HTTP."""

import ssl
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Self
from urllib.parse import quote, urljoin, urlsplit

import aiohttp
from yarl import URL

from rs_assets.errors import AuthenticationError, StationError
from rs_assets.settings import Station
from rs_assets.staging.faults import EvictedError, PassingError, UnavailableError
from rs_assets.stations.backoff import PASSING_STATUSES
from rs_assets.stations.credentials import Credentials
from rs_assets.stations.http import tls_context
from rs_assets.stations.limits import StationLimits
from rs_assets.stations.trust import MAX_REDIRECTS, Trust

_CHUNK_BYTES = 1 << 20
_LEGAL_IN_URL = ":/?#[]@!$&'()*+,;=%"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_BUSY = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_CONNECTION_ERRORS = (aiohttp.ClientError, TimeoutError, OSError)


@dataclass(frozen=True, slots=True)
class Answer:
    """A file that a source has begun to give."""

    chunks: AsyncIterator[bytes]
    """Its bytes, in pieces of at most 1 MiB; iterating raises `PassingError` where the connection breaks."""
    length: int | None
    """How many bytes will come, where the source says so."""
    etag: str | None = None
    """The source's tag of this very content."""


class Source(ABC):
    """A place that files are read from; entered before the first file, left after the last one."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        return None

    @abstractmethod
    def open(
        self, href: str, *, headers: Mapping[str, str] | None = None, fresh: bool = False
    ) -> AbstractAsyncContextManager[Answer]:
        """Begin to read a file.

        Args:
            href: URL of the file.
            headers: further headers of the request, e.g. a Range.
            fresh: not over a connection that has been used before, nor from a cache on the way.

        Raises:
            PassingError: a fault that may be gone next time.
            EvictedError: there is no such file any more.
            AuthenticationError: the credentials are refused.
            StationError: the file cannot be had.
        """


class HttpSource(Source):
    """The files of one station over HTTP, within its limits of connections and requests a minute.

    Redirects are followed here rather than by aiohttp, so that every hop is judged by `Trust`.
    """

    def __init__(self, station: Station, credentials: Credentials, limits: StationLimits) -> None:
        self._station = station
        self._credentials = credentials
        self._limits = limits
        self._trust = Trust.of(station)
        self._tls: ssl.SSLContext | None = None
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Prepare connections; none is opened yet.

        Raises:
            StationError: the certificates that the settings name cannot be read.
        """
        self._tls = tls_context(self._station)
        self._session = self._new_session()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    @asynccontextmanager
    async def open(
        self, href: str, *, headers: Mapping[str, str] | None = None, fresh: bool = False
    ) -> AsyncIterator[Answer]:
        if self._session is None:
            raise RuntimeError("a source is used inside 'async with'")
        session = self._new_session() if fresh else self._session
        try:
            wanted = {**(headers or {}), "Accept-Encoding": "identity"}
            if fresh:
                wanted["Cache-Control"] = "no-cache"
            response = await self._admitted(session, href, wanted)
            try:
                self._check(response, ranged="Range" in wanted)
                async with aclosing(self._chunks(response)) as chunks:
                    yield Answer(chunks, response.content_length, response.headers.get("ETag"))
            finally:
                # Closes the connection where the body was not read to its end, else keeps it for the next file.
                response.release()
        finally:
            if fresh:
                await session.close()

    async def _admitted(
        self, session: aiohttp.ClientSession, href: str, headers: dict[str, str]
    ) -> aiohttp.ClientResponse:
        """The answer to a request; after a 401, to the same one with renewed credentials."""
        for _ in range(2):
            offered = await self._offered()
            response, was_offered = await self._followed(session, href, headers, offered)
            if response.status != HTTPStatus.UNAUTHORIZED:
                return response
            response.release()
            if not was_offered:
                raise StationError(f"{self._station.name}: {_shown(str(response.url))} asks for credentials of its own")
            if not await self._credentials.refused(offered):
                break
        raise AuthenticationError(
            f"{self._station.name}: the credentials are refused (401); check them in the settings"
        )

    async def _offered(self) -> Mapping[str, str]:
        try:
            return await self._credentials.headers()
        except AuthenticationError:
            raise
        except StationError as error:
            # A token endpoint that cannot be asked closes the whole station, and may be back next time.
            raise UnavailableError(str(error)) from error

    async def _followed(
        self, session: aiohttp.ClientSession, href: str, headers: dict[str, str], offered: Mapping[str, str]
    ) -> tuple[aiohttp.ClientResponse, bool]:
        """The first answer that is no redirect, and whether it had been sent the credentials."""
        url, downgraded = href, False
        for hop in range(MAX_REDIRECTS + 1):
            offers = self._trust.covers(url) and not downgraded
            if offers or not hop:
                await self._limits.turn()
            response = await self._get(session, url, {**headers, **offered} if offers else headers)
            if response.status not in _REDIRECTS:
                return response, offers
            location = response.headers.get("Location")
            response.release()
            if not location:
                raise StationError(f"{self._station.name}: {_shown(url)} redirects to nowhere")
            target = urljoin(url, location)
            downgraded = downgraded or (urlsplit(url).scheme, urlsplit(target).scheme) == ("https", "http")
            url = target
        raise StationError(f"{self._station.name}: {_shown(href)} redirects more than {MAX_REDIRECTS} times")

    async def _get(self, session: aiohttp.ClientSession, url: str, headers: dict[str, str]) -> aiohttp.ClientResponse:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
            raise StationError(f"{self._station.name}: {_shown(url)} is not a plain http or https address")
        target = URL(quote(url, safe=_LEGAL_IN_URL), encoded=True)
        try:
            return await session.get(target, headers=headers, allow_redirects=False)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise UnavailableError(f"{self._station.name}: no connection: {_sentence(error)}") from None
        except _CONNECTION_ERRORS as error:
            raise PassingError(f"{self._station.name}: no answer from {_shown(url)}: {_sentence(error)}") from None

    def _check(self, response: aiohttp.ClientResponse, *, ranged: bool) -> None:
        answer = f"{self._station.name}: {_shown(str(response.url))} answers {response.status}"
        retry_after = response.headers.get("Retry-After")
        if response.status in _GONE:
            raise EvictedError(f"{answer}: the file is not there any more")
        if response.status in _BUSY:
            raise UnavailableError(answer, retry_after)
        if response.status in PASSING_STATUSES:
            raise PassingError(answer, retry_after)
        if response.status != HTTPStatus.OK and not (ranged and response.status == HTTPStatus.PARTIAL_CONTENT):
            raise StationError(answer)
        encoding = response.headers.get("Content-Encoding", "identity")
        if encoding.strip().lower() not in {"", "identity"}:
            raise StationError(f"{answer} with the encoding {encoding!r}, though none was accepted")

    async def _chunks(self, response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
        received = 0
        try:
            async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
                received += len(chunk)
                yield chunk
        except _CONNECTION_ERRORS as error:
            message = f"{self._station.name}: the answer broke off after {received} bytes: {_sentence(error)}"
            raise PassingError(message) from None

    def _new_session(self) -> aiohttp.ClientSession:
        timeouts = self._station.timeouts
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._station.concurrency, ssl=self._tls or True),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=timeouts.connect, sock_read=timeouts.read),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            read_bufsize=_CHUNK_BYTES,
        )


def _shown(url: str) -> str:
    """The URL without what may be secret: user, query and fragment."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"


def _sentence(error: BaseException) -> str:
    """What went wrong, in words that quote neither a URL's query nor a header, as aiohttp's own may."""
    match error:
        case TimeoutError():
            return "timed out"
        case aiohttp.ClientConnectorError():
            return f"{error.host}:{error.port}: {error.os_error.strerror or type(error.os_error).__name__}"
        case aiohttp.ClientPayloadError():
            return "the body is not complete"
        case OSError(strerror=str(words)):
            return words
        case _:
            return type(error).__name__
