"""What the tests of this folder have in common: how a file is described, and how it is staged from a station."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import HttpUrl

from rs_assets.items.files import FileRecord
from rs_assets.items.multihash import Algorithm, Digest
from rs_assets.settings import Policy, Retries, Station, Verification
from rs_assets.staging.engine import stage_files
from rs_assets.staging.messages import Progress, unobserved
from rs_assets.staging.sources.http import HttpSource
from rs_assets.staging.verification import Expectation, VerifyingHasher
from rs_assets.stations.auxip.settings import AuxipStation
from rs_assets.stations.credentials import Credentials
from rs_assets.stations.keyring import Keyring
from rs_assets.stations.limits import StationLimits
from rs_assets.stations.trust import Trust
from rs_assets.store import Sink
from tests.files import file_at

from .fault_station import FaultStation

SECRET = "s3cr3t-t0ken"
AT_ONCE = Retries(attempts=4, first_wait=0)
"""Tries again without waiting."""
STRICT = Verification()
BEARING = Verification(size=Policy.WARN, checksum=Policy.WARN)
LAX = Verification(size=Policy.OFF, checksum=Policy.OFF)


class Tokens:
    """Credentials that offer one token after another, whenever one is refused."""

    def __init__(self, *tokens: str) -> None:
        self._tokens = list(tokens)

    async def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self._tokens[0]}"}

    async def refused(self, headers: Mapping[str, str]) -> bool:
        if headers != await self.headers():
            return True
        if len(self._tokens) > 1:
            del self._tokens[0]
            return True
        return False


def keyring_of(station: Station, own: Credentials | None = None, **others: Credentials) -> Keyring:
    """Credentials for a station, and for further hosts."""
    return Keyring(Trust.of(station), own or Tokens(SECRET), others)


def settings_of(station: FaultStation, **others: Any) -> Station:
    return AuxipStation(
        name="adgs",
        interface="auxip",
        url=HttpUrl(station.url()),
        missions=("S1",),
        start=date(2026, 1, 1),
        **others,
    )


@asynccontextmanager
async def source_of(
    station: FaultStation, credentials: Tokens | None = None, **settings: Any
) -> AsyncIterator[HttpSource]:
    described = settings_of(station, **settings)
    async with (
        StationLimits(described) as limits,
        HttpSource(described, keyring_of(described, credentials), limits) as source,
    ):
        yield source


async def stage(
    station: FaultStation,
    sink: Sink,
    transfers: Sequence[FileRecord],
    *,
    credentials: Tokens | None = None,
    verification: Verification = STRICT,
    retries: Retries = AT_ONCE,
    concurrency: int = 4,
    progress: Progress = unobserved,
    **settings: Any,
) -> list[FileRecord]:
    settings = {"concurrency": concurrency, "retries": retries, "verification": verification} | settings
    async with asyncio.timeout(10), source_of(station, credentials, **settings) as source:
        return await stage_files(transfers, source, sink, settings_of(station, **settings), progress=progress)


def transfer_of(body: bytes, href: str, key: str = "s1_aux/A/uuid-1/A.zip") -> FileRecord:
    """The transfer of a file whose size and MD5 the station states."""
    return file_at(key, href, len(body), (md5(body),))


def md5(body: bytes) -> Digest:
    return Digest(Algorithm.MD5, hashlib.md5(body, usedforsecurity=False).hexdigest())


def content(href: str | None) -> bytes:
    """The bytes behind a file:// href."""
    assert href is not None
    assert href.startswith("file:///")
    return Path(href.removeprefix("file://")).read_bytes()


def files_in(root: Path) -> list[str]:
    """Every file under a directory, parts included."""
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def passage_of(body: bytes, verification: Verification = STRICT) -> VerifyingHasher:
    """What counts and hashes the bytes of a file whose size and MD5 the station states."""
    return VerifyingHasher(Expectation(transfer_of(body, "https://adgs/f"), verification))


def pieces_of(body: bytes, size: int = 300_000, batch: int = 1 << 20) -> Iterator[list[bytes]]:
    """The bytes as a station sends them: pieces, in batches."""
    for start in range(0, len(body), batch):
        rest = body[start : start + batch]
        yield [rest[at : at + size] for at in range(0, len(rest), size)]
