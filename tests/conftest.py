"""A simulated station in a process of its own, platforms that work on it, and what a real server needs."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from rs_assets.ingest import Platform
from rs_assets.settings import StateSettings, parse_settings
from tests.platform import NOW, PASSWORD, PASSWORD_VARIABLE, SimulatedStation, settings_text
from tests.postgresql import POSTGRESQL_MISSING, PostgresqlServer, postgresql_server
from tests.servers import S3Server, free_port, rclone_s3, simulated_stations
from tests.store.azurite import AZURITE_MISSING

_NEW_KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"


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
    return free_port()


@pytest.fixture(scope="session")
def postgresql(request: pytest.FixtureRequest) -> Iterator[PostgresqlServer]:
    """A real PostgreSQL server."""
    if POSTGRESQL_MISSING:
        pytest.skip(POSTGRESQL_MISSING)
    certificate: Path = request.getfixturevalue("server_certificate")
    with postgresql_server(certificate) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def state_settings(request: pytest.FixtureRequest, tmp_path: Path) -> StateSettings:
    """An empty state, on every kind of database."""
    if request.param == "sqlite":
        return StateSettings(url=f"sqlite:///{tmp_path}/state/state.sqlite")
    server: PostgresqlServer = request.getfixturevalue("postgresql")
    return server.state()


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A real S3 server."""
    with rclone_s3(tmp_path_factory.mktemp("s3") / "root") as server:
        yield server


@pytest.fixture
def prefix() -> str:
    """A prefix of the S3 server's bucket that no other test uses."""
    return uuid4().hex


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The certificate of a private authority, in a PEM file; its key is beside it."""
    path = tmp_path_factory.mktemp("authority") / "authority.pem"
    _openssl(f"req -x509 {_NEW_KEY} -days 1 -subj /CN=authority", keyout=path.with_name("authority.key"), out=path)
    return path


@pytest.fixture(scope="session")
def server_certificate(authority: Path) -> Path:
    """A certificate for 127.0.0.1 that the authority has signed, with its key, in one PEM file."""
    key, request, path = (authority.with_name(f"server.{ending}") for ending in ("key", "csr", "pem"))
    extension = authority.with_name("extension.cnf")
    extension.write_text("subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    _openssl(f"req {_NEW_KEY} -subj /CN=server", keyout=key, out=request)
    ca_key = authority.with_name("authority.key")
    signing = {"in": request, "extfile": extension, "CA": authority, "CAkey": ca_key}
    _openssl("x509 -req -days 1 -CAcreateserial", **signing, out=path)
    path.write_text(path.read_text() + key.read_text())
    return path


def _openssl(command: str, **files: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    named = [part for option, path in files.items() for part in (f"-{option}", str(path))]
    subprocess.run([openssl, *command.split(), *named], check=True, capture_output=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let nothing be skipped in CI but what needs Azurite: what the tests need is installed there."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not os.environ.get("CI") or reporter is None:
        return
    if any(AZURITE_MISSING not in str(report.longrepr) for report in reporter.stats.get("skipped", [])):
        reporter.write_line("In CI no test may be skipped; see the reasons below.", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
