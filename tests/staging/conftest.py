import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rs_assets.staging.sinks.directory import DirectorySink

from .fault_station import FaultStation

_NEW_KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"


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
