"""The sources of one station: each file is read by the source of its address's scheme."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Self
from urllib.parse import urlsplit

from rs_assets.errors import StationError
from rs_assets.settings import Station
from rs_assets.staging.sources.source import Answer, Source, Wanted
from rs_assets.stations.keyring import Keyring
from rs_assets.stations.limits import StationLimits


def _http(station: Station, keyring: Keyring, limits: StationLimits) -> Source:
    from rs_assets.staging.sources.http import HttpSource

    return HttpSource(station, keyring, limits)


def _s3(station: Station, keyring: Keyring, limits: StationLimits) -> Source:
    from rs_assets.staging.sources.s3 import S3Source

    return S3Source(station, keyring, limits)


def _file(station: Station, keyring: Keyring, limits: StationLimits) -> Source:
    from rs_assets.staging.sources.file import FileSource

    return FileSource(station, keyring, limits)


SCHEMES: dict[str, Callable[[Station, Keyring, StationLimits], Source]] = {
    "http": _http,
    "https": _http,
    "s3": _s3,
    "file": _file,
}
"""What makes the source of a file, by the scheme of its address; what it imports is imported when it is needed."""


class Sources(Source):
    """The sources of one station, each made when the first file is asked of it, and closed with all others."""

    def __init__(self, station: Station, keyring: Keyring, limits: StationLimits) -> None:
        self._station = station
        self._keyring = keyring
        self._limits = limits
        self._made: dict[Callable[[Station, Keyring, StationLimits], Source], Source] = {}
        self._making = asyncio.Lock()
        self._entered = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._entered.aclose()

    @asynccontextmanager
    async def open(self, wanted: Wanted) -> AsyncIterator[Answer]:
        source = await self._source(urlsplit(wanted.href).scheme.lower())
        async with source.open(wanted) as answer:
            yield answer

    async def _source(self, scheme: str) -> Source:
        make = SCHEMES.get(scheme)
        if make is None:
            what = f"the scheme {scheme!r}" if scheme else "no scheme"
            raise StationError(
                f"{self._station.name}: the file's address has {what}; known are {', '.join(sorted(SCHEMES))}"
            )
        async with self._making:
            if make not in self._made:
                source = make(self._station, self._keyring, self._limits)
                self._made[make] = await self._entered.enter_async_context(source)
        return self._made[make]
