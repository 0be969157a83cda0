import ssl
from collections.abc import AsyncIterator, Iterator

import pytest

from rs_assets.settings import Station
from rs_assets.stations import http

from .service import Service


@pytest.fixture(scope="session", autouse=True)
def _certificates_are_read_once() -> Iterator[None]:
    """Reading the system's certificates for every connection takes longer than most of these tests."""
    read, system = http.tls_context, ssl.create_default_context()

    def tls_context(station: Station) -> ssl.SSLContext:
        return system if station.ca_file is None else read(station)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(http, "tls_context", tls_context)
        yield


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with Service().served() as service:
        yield service


@pytest.fixture
async def elsewhere() -> AsyncIterator[Service]:
    """A service that is not the station: the same host, another port."""
    async with Service().served() as service:
        yield service
