"""A station is opened in one place, with what every user of it needs."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from rs_assets.errors import SettingsError, StationError
from rs_assets.ingest import Platform
from rs_assets.ingest.opening import open_station
from rs_assets.settings import interface_names, parse_settings
from tests.platform import settings_text
from tests.stations.searching import START
from tests.stations.service import Service, products


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with Service().served() as served:
        yield served


def platform_of(service: Service, home: Path, interface: str = "auxip") -> Platform:
    return Platform.open(
        parse_settings(settings_text(service.url, interface=interface, authentication={"kind": "none"}), base=home)
    )


@pytest.mark.parametrize("interface", interface_names())
async def test_an_open_station_is_searched_in_the_terms_of_its_interface(
    service: Service, tmp_path: Path, interface: str
) -> None:
    platform = platform_of(service, tmp_path, interface)
    for name in ("Products", "Sessions", "Files"):
        service.on(f"/auxip/{name}", products())

    async with open_station(platform, "adgs") as station:
        found = await station.search.published_since(START)

    assert station.interface.name == station.settings.interface == interface
    assert found.listed == ()
    assert found.is_whole


async def test_one_who_will_ask_again_soon_tries_once(service: Service, tmp_path: Path) -> None:
    platform = platform_of(service, tmp_path)
    service.on("/auxip/Products", httpx.Response(503))

    async with open_station(platform, "adgs", tries_once=True) as station:
        with pytest.raises(StationError, match="adgs"):
            await station.search.published_since(START)

    assert len(service.asked("/auxip/Products")) == 1
    assert station.limits.station.retries == platform.settings.station("adgs").retries


async def test_a_station_that_the_settings_do_not_have_cannot_be_opened(service: Service, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no station 'telex'"):
        async with open_station(platform_of(service, tmp_path), "telex"):
            pass
