import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rs_assets.store.directory_sink import DirectorySink

from .fault_station import FaultStation


@pytest.fixture
async def station() -> AsyncIterator[FaultStation]:
    async with FaultStation() as station:
        yield station


@pytest.fixture
async def elsewhere() -> AsyncIterator[FaultStation]:
    """A server that is not the station: the same host, another port."""
    async with FaultStation() as station:
        yield station


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1 with its key, in one PEM file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    directory = tmp_path_factory.mktemp("tls")
    key, certificate = directory / "key.pem", directory / "certificate.pem"
    arguments = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=station"
    extension = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([openssl, *arguments.split(), *extension], check=True, capture_output=True)
    certificate.write_text(certificate.read_text() + key.read_text())
    return certificate


@pytest.fixture
async def secure_station(certificate: Path) -> AsyncIterator[FaultStation]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with FaultStation(context) as station:
        yield station


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def sink(root: Path) -> DirectorySink:
    return DirectorySink(root)
