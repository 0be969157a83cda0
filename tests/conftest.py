"""A simulated station in a process of its own, and platforms that work on it."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from rs_assets.ingest import Platform
from rs_assets.settings import parse_settings
from tests.platform import NOW, PASSWORD, PASSWORD_VARIABLE, SimulatedStation, settings_text
from tests.servers import S3Server, rclone_s3, simulated_stations


@pytest.fixture(scope="session")
def simulator() -> Iterator[str]:
    """The URL of a simulator whose clock stands at `NOW`."""
    with simulated_stations("--now", NOW.isoformat()) as url:
        yield url


@pytest.fixture
def station(simulator: str) -> Iterator[SimulatedStation]:
    """The simulated station, without faults and with an empty log."""
    with SimulatedStation(simulator) as simulated:
        simulated.reset()
        yield simulated
        simulated.reset()


@pytest.fixture
def platform(station: SimulatedStation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """An installation in an empty directory, whose only station is the simulated one."""
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    return Platform.open(parse_settings(settings_text(station.url), base=tmp_path))


@pytest.fixture
def unused_port() -> int:
    """A loopback port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A real S3 server."""
    with rclone_s3(tmp_path_factory.mktemp("s3") / "root") as server:
        yield server


@pytest.fixture
def prefix() -> str:
    """A prefix of the S3 server's bucket that no other test uses."""
    return uuid4().hex


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let nothing be skipped in CI: what the tests need is installed there."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        reporter.write_line("In CI no test may be skipped; see the reasons below.", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
