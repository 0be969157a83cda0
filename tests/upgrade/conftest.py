"""A home that an earlier version made, its stations, and what that version read in it."""

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rs_assets.ingest import Platform
from rs_assets.settings import CONFIG_VARIABLE, load_settings
from tests.fixtures.relocation import HOME, STATIONS, relocate
from tests.platform import NOW, PASSWORD, PASSWORD_VARIABLE, SimulatedStation
from tests.servers import simulated_stations

_FIXTURES = Path(__file__).parents[1] / "fixtures"


class EarlierHome:
    """An unpacked home, and the facts of it."""

    def __init__(self, version: str, directory: Path, url: str) -> None:
        self.directory = directory
        with tarfile.open(_FIXTURES / f"home_{version}.tar.xz") as archive:
            archive.extractall(directory, filter="data")
        replacements = {
            HOME: directory.as_uri(),
            HOME.removeprefix("file://"): str(directory),
            STATIONS: url,
        }
        relocate(directory, replacements)
        text = (_FIXTURES / f"home_{version}.json").read_text()
        for old, new in replacements.items():
            text = text.replace(old, new)
        self.facts: dict[str, Any] = json.loads(text)

    @property
    def settings_file(self) -> Path:
        """Its settings, as the earlier version read them."""
        return self.directory / "settings.yaml"


@pytest.fixture(scope="package")
def stations() -> Iterator[str]:
    """The URL of a simulator that holds what the home's stations held when it was packed."""
    facts = json.loads((_FIXTURES / "home_c07086b.json").read_text())
    with simulated_stations("--now", NOW.isoformat()) as url:
        with SimulatedStation(url) as station:
            for order in facts["products"]:
                station.add(**order)
            for order in facts["sessions"]:
                station.order_session("sessions", **order)
        yield url


@pytest.fixture
def upstream(stations: str) -> Iterator[SimulatedStation]:
    """The levers of those stations, without faults and with an empty log."""
    with SimulatedStation(stations) as station:
        station.reset()
        yield station
        station.reset()


@pytest.fixture
def home(upstream: SimulatedStation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EarlierHome:
    """A home made by version c07086b, which the environment names."""
    directory = (tmp_path / "home").resolve()
    directory.mkdir()
    earlier = EarlierHome("c07086b", directory, upstream.url)
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    monkeypatch.setenv(CONFIG_VARIABLE, str(earlier.settings_file))
    monkeypatch.setenv("COLUMNS", "200")
    return earlier


@pytest.fixture
def platform(home: EarlierHome) -> Platform:
    """The home, opened by today's program."""
    return Platform.open(load_settings())
