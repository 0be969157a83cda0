"""The sources of one station: each file is read by the source of its address's scheme."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Self
from urllib.parse import urlsplit

from rs_assets.errors import StationError
from rs_assets.settings import Station
from rs_assets.staging.sources.file import FileSource
from rs_assets.staging.sources.http import HttpSource
from rs_assets.staging.sources.s3 import S3Source
from rs_assets.staging.sources.source import Answer, Source, Wanted
from rs_assets.stations.keyring import Keyring
from rs_assets.stations.limits import StationLimits

SCHEMES: Mapping[str, Callable[[Station, Keyring, StationLimits], Source]] = {
    "http": HttpSource,
    "https": HttpSource,
    "s3": S3Source,
    "file": FileSource,
}
"""What reads a file, by the scheme of its address."""


class Sources(Source):
    """The sources of one station, entered once for all of them."""

    def __init__(self, station: Station, keyring: Keyring, limits: StationLimits) -> None:
        self._station = station
        made = {kind: kind(station, keyring, limits) for kind in dict.fromkeys(SCHEMES.values())}
        self._by_scheme = {scheme: made[kind] for scheme, kind in SCHEMES.items()}
        self._entered = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Prepare every source; no connection is opened yet.

        Raises:
            StationError: the certificates that the settings name cannot be read.
        """
        async with AsyncExitStack() as stack:
            for source in dict.fromkeys(self._by_scheme.values()):
                await stack.enter_async_context(source)
            self._entered = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._entered.aclose()

    def open(self, wanted: Wanted) -> AbstractAsyncContextManager[Answer]:
        scheme = urlsplit(wanted.href).scheme.lower()
        source = self._by_scheme.get(scheme)
        return self._refused(scheme) if source is None else source.open(wanted)

    @asynccontextmanager
    async def _refused(self, scheme: str) -> AsyncIterator[Answer]:
        what = f"the scheme {scheme!r}" if scheme else "no scheme"
        known = ", ".join(sorted(self._by_scheme))
        raise StationError(f"{self._station.name}: the file's address has {what}; known are {known}")
        yield  # a generator function has to have one
