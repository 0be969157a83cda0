"""A station's files over HTTP."""

import asyncio
import re
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from http import HTTPStatus
from typing import Self
from urllib.parse import quote, urljoin, urlsplit

import aiohttp
from yarl import URL

from rs_assets.errors import AuthenticationError, StationError
from rs_assets.settings import Station
from rs_assets.staging.sources.source import Answer, Source, Wanted
from rs_assets.staging.sources.watchdog import Watchdog
from rs_assets.staging.transfer_errors import (
    BusyError,
    ChangedError,
    EvictedError,
    NoSpareSlotError,
    PassingError,
    UnavailableError,
)
from rs_assets.stations.backoff import PASSING_STATUSES, retry_after_seconds
from rs_assets.stations.credentials import Credentials
from rs_assets.stations.http import tls_context
from rs_assets.stations.keyring import Keyring
from rs_assets.stations.limits import StationLimits
from rs_assets.stations.trust import MAX_REDIRECTS
from rs_assets.store.origin import Origin

_CHUNK_BYTES = 1 << 20
_LEGAL_IN_URL = ":/?#[]@!$&'()*+,;=%"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_GIVEN = frozenset({HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE})
_CONNECTION_ERRORS = (aiohttp.ClientError, TimeoutError, OSError)
_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")


class HttpSource(Source):
    """A station's files over HTTP, each over one of the connections that the station's limits allow.

    Credentials go to the places that they are for (see `Keyring`), never to one that a redirect leads to elsewhere, and
    never after a step from https to http.
    """

    def __init__(self, station: Station, keyring: Keyring, limits: StationLimits) -> None:
        self._station = station
        self._keyring = keyring
        self._limits = limits
        self._tls: ssl.SSLContext | bool = True
        self._is_open = False
        self._sessions: dict[int, aiohttp.ClientSession] = {}
        """By the number of the slot: a connection is kept while its slot is."""
        self._closing: set[asyncio.Future[None]] = set()
        """What closes the connections of slots that have been given back."""
        self._refusals: dict[Credentials, StationError] = {}
        """Why credentials are not offered any more."""
        limits.on_released(self._hang_up)

    async def __aenter__(self) -> Self:
        """Prepare connections; none is opened yet.

        Raises:
            StationError: the certificates that the settings name cannot be read.
        """
        if self._station.ca_file is not None:
            self._tls = tls_context(self._station)
        self._is_open = True
        return self

    async def __aexit__(self, *_: object) -> None:
        while self._sessions:
            await self._sessions.popitem()[1].close()
        await asyncio.gather(*self._closing, return_exceptions=True)
        self._is_open = False

    @asynccontextmanager
    async def open(self, wanted: Wanted) -> AsyncIterator[Answer]:
        if not self._is_open:
            raise RuntimeError("a source is used inside 'async with'")
        # Once before the connection: else as many as there are would renew bad credentials one after another.
        await self._offered(self._keyring.at(wanted.href))
        async with self._limits.spare_slot() if wanted.spare else self._limits.slot() as slot:
            if slot is None:
                raise NoSpareSlotError(f"{self._station.name}: no connection is to spare")
            response = await self._admitted(await self._session(slot, fresh=wanted.fresh), wanted)
            try:
                async with aclosing(self._chunks(response)) as chunks:
                    yield self._answer(response, wanted, chunks)
            finally:
                # Closes the connection where the body was not read to its end, else keeps it for the next file.
                response.release()

    async def _session(self, slot: int, *, fresh: bool) -> aiohttp.ClientSession:
        if fresh and slot in self._sessions:
            await self._sessions.pop(slot).close()
        if slot not in self._sessions:
            self._sessions[slot] = self._new_session()
        return self._sessions[slot]

    def _hang_up(self, slot: int) -> None:
        session = self._sessions.pop(slot, None)
        if session is not None:
            closing = asyncio.ensure_future(session.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    async def _admitted(self, session: aiohttp.ClientSession, wanted: Wanted) -> aiohttp.ClientResponse:
        """The answer to a request; after a 401, to the same one with renewed credentials."""
        renewed = False
        while True:
            response, used, offered = await self._followed(session, wanted)
            if response.status != HTTPStatus.UNAUTHORIZED:
                return response
            response.release()
            if used is None:
                raise StationError(f"{self._station.name}: {_shown(str(response.url))} asks for credentials of its own")
            if renewed or not await used.refused(offered):
                raise self._refusal(used, str(response.url))
            renewed = True

    def _refusal(self, used: Credentials, url: str) -> StationError:
        """The error of credentials that are refused, which are not offered again; only the station's end all."""
        if used is self._keyring.own:
            error: StationError = AuthenticationError(
                f"{self._station.name}: the credentials are refused (401); check them in the settings"
            )
        else:
            host = urlsplit(url).hostname
            error = StationError(
                f"{self._station.name}: {host} refuses its credentials (401); check them in the settings"
            )
        self._refusals[used] = error
        return error

    async def _offered(self, credentials: Credentials | None) -> Mapping[str, str]:
        if credentials is None:
            return {}
        if credentials in self._refusals:
            raise self._refusals[credentials]
        try:
            return await credentials.headers()
        except AuthenticationError as error:
            if credentials is self._keyring.own:
                raise
            raise StationError(str(error)) from error
        except StationError as error:
            if credentials is not self._keyring.own:
                raise PassingError(str(error)) from error
            # A token endpoint that cannot be asked closes the whole station, and may be back next time.
            raise UnavailableError(str(error)) from error

    async def _followed(
        self, session: aiohttp.ClientSession, wanted: Wanted
    ) -> tuple[aiohttp.ClientResponse, Credentials | None, Mapping[str, str]]:
        """The first answer that is not a redirect, the credentials that it had been sent, and their headers."""
        url, downgraded, headers = wanted.href, False, wanted.headers
        for hop in range(MAX_REDIRECTS + 1):
            used = None if downgraded else self._keyring.at(url)
            offered = await self._offered(used)
            if used is self._keyring.own or not hop:
                await self._limits.turn()
            response = await self._get(session, url, {**headers, **offered})
            if response.status not in _REDIRECTS:
                return response, used, offered
            location = response.headers.get("Location")
            response.release()
            if not location:
                raise StationError(f"{self._station.name}: {_shown(url)} redirects to nowhere")
            target = urljoin(url, location)
            downgraded = downgraded or (urlsplit(url).scheme, urlsplit(target).scheme) == ("https", "http")
            url = target
        raise StationError(f"{self._station.name}: {_shown(wanted.href)} redirects more than {MAX_REDIRECTS} times")

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

    def _answer(self, response: aiohttp.ClientResponse, wanted: Wanted, chunks: AsyncIterator[bytes]) -> Answer:
        """What the station has answered, held against what was wanted."""
        self._check(response)
        headers = response.headers
        begin, size = _given_range(response, wanted)
        etag = headers.get("ETag", "")
        origin = Origin(etag if etag.startswith('"') else None, headers.get("Last-Modified"), size)
        answer = f"{self._station.name}: {_shown(str(response.url))}"
        if begin not in {0, wanted.begin}:
            raise ChangedError(f"{answer} begins at {begin} where {wanted.begin} was wanted")
        if begin and wanted.origin is not None and not origin.may_be(wanted.origin):
            raise ChangedError(f"{answer} has changed while it was read")
        self._limits.served()
        takes_ranges = response.status != HTTPStatus.OK or headers.get("Accept-Ranges", "").strip().lower() == "bytes"
        # Where requests are counted, a file is one.
        return Answer(chunks, begin, origin, takes_ranges and self._station.requests_per_minute is None)

    def _check(self, response: aiohttp.ClientResponse) -> None:
        answer = f"{self._station.name}: {_shown(str(response.url))} answers {response.status}"
        retry_after = response.headers.get("Retry-After")
        if response.status in _GONE:
            raise EvictedError(f"{answer}: the file is not there any more")
        is_down = response.status == HTTPStatus.SERVICE_UNAVAILABLE
        if response.status == HTTPStatus.TOO_MANY_REQUESTS or (is_down and retry_after):
            pause = self._limits.busy(retry_after_seconds(retry_after))
            raise BusyError(f"{answer}: rate-limited, next request in {pause:.1f} s", pause)
        if is_down:
            raise UnavailableError(answer)
        if response.status in PASSING_STATUSES:
            raise PassingError(answer, retry_after)
        if response.status not in _GIVEN:
            raise StationError(answer)
        encoding = response.headers.get("Content-Encoding", "identity")
        if encoding.strip().lower() not in {"", "identity"}:
            raise StationError(f"{answer} with the encoding {encoding!r}, though none was accepted")

    async def _chunks(self, response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
        if response.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # the body is about the refusal
        timeouts = self._station.timeouts
        watchdog = Watchdog(timeouts.min_rate, timeouts.rate_period)
        received = 0
        try:
            while True:
                with watchdog:
                    # As it came: joining the pieces would copy every byte once more.
                    chunk, _ = await response.content.readchunk()
                if not chunk:
                    if response.content.at_eof():
                        return
                    continue
                received += len(chunk)
                watchdog.passed(len(chunk))
                yield chunk
        except _CONNECTION_ERRORS as error:
            message = f"{self._station.name}: the answer broke off after {received} bytes: {_sentence(error)}"
            raise PassingError(message) from None

    def _new_session(self) -> aiohttp.ClientSession:
        timeouts = self._station.timeouts
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=1, ssl=self._tls),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=timeouts.connect, sock_read=timeouts.read),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            read_bufsize=_CHUNK_BYTES,
        )


def _given_range(response: aiohttp.ClientResponse, wanted: Wanted) -> tuple[int, int | None]:
    """Offset of the first byte that comes, and the size of the whole file where the answer says it."""
    if response.status == HTTPStatus.OK:
        return 0, response.content_length
    match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
    if match is None:
        raise ChangedError(f"{_shown(str(response.url))} answers {response.status} without saying what it gives")
    total = None if match[3] == "*" else int(match[3])
    if response.status == HTTPStatus.PARTIAL_CONTENT:
        return int(match[1] or 0), total
    if total != wanted.begin:
        raise ChangedError(f"{_shown(str(response.url))} has {total} bytes, and not those from {wanted.begin} on")
    return wanted.begin, total


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
