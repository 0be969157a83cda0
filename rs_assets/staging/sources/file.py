"""Files of this machine, where the station's settings allow them."""

import asyncio
import os
import stat
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from rs_assets.errors import StationError
from rs_assets.settings import Station
from rs_assets.staging.sources.source import Answer, Source, Wanted
from rs_assets.staging.transfer_errors import ChangedError, EvictedError, PassingError
from rs_assets.stations.keyring import Keyring
from rs_assets.stations.limits import StationLimits
from rs_assets.store.origin import Origin

_CHUNK_BYTES = 1 << 20
_THIS_MACHINE = frozenset({"", "localhost"})


class FileSource(Source):
    """Files below the directories that the station's `file_roots` name; symbolic links count for where they lead.

    A station's answer alone never makes this machine's files readable. Reading loads no station and takes no slot.
    """

    def __init__(self, station: Station, keyring: Keyring, limits: StationLimits) -> None:  # noqa: ARG002 - as every source
        self._station = station

    @asynccontextmanager
    async def open(self, wanted: Wanted) -> AsyncIterator[Answer]:
        file, origin = await asyncio.to_thread(self._opened, wanted)
        with file:
            if wanted.begin and (wanted.origin is None or not origin.may_be(wanted.origin)):
                raise ChangedError(f"{self._station.name}: {wanted.href} has changed while it was read")
            async with aclosing(_chunks(file, wanted, self._station.name)) as chunks:
                yield Answer(chunks, wanted.begin, origin)

    def _opened(self, wanted: Wanted) -> tuple[BinaryIO, Origin]:
        name = self._station.name
        try:
            path = self._allowed(wanted.href)
            # What is not a regular file must not be waited for, and what has become a link since is not followed.
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            raise EvictedError(f"{name}: {wanted.href} is not there any more") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise StationError(f"{name}: {wanted.href} cannot be read: {reason}") from error
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            os.close(descriptor)
            raise StationError(f"{name}: {wanted.href} is not a regular file")
        file = os.fdopen(descriptor, "rb", buffering=0)
        file.seek(wanted.begin)
        tag = f'"{facts.st_ino:x}-{facts.st_mtime_ns:x}-{facts.st_size:x}"'
        return file, Origin(etag=tag, size=facts.st_size)

    def _allowed(self, href: str) -> Path:
        """Where the file really is.

        Raises:
            StationError: that is not below a directory that the settings allow.
            OSError, ValueError: there is no such file.
        """
        address = urlsplit(href)
        path = Path(unquote(address.path))
        roots = [Path(os.path.realpath(root)) for root in self._station.file_roots]
        # Before anything is looked for: an error must not tell what this machine has.
        lexical = Path(os.path.realpath(path)) if address.netloc in _THIS_MACHINE and path.is_absolute() else None
        if lexical is None or not any(lexical.is_relative_to(root) for root in roots):
            raise StationError(
                f"{self._station.name}: {href} is not below a directory of the station's file_roots; "
                "add its directory there if the station's files are on this machine"
            )
        return lexical


async def _chunks(file: BinaryIO, wanted: Wanted, station: str) -> AsyncGenerator[bytes, None]:
    left = None if wanted.end is None else wanted.end - wanted.begin
    while left is None or left > 0:
        count = _CHUNK_BYTES if left is None else min(_CHUNK_BYTES, left)
        try:
            chunk = await asyncio.to_thread(file.read, count)
        except OSError as error:
            raise PassingError(f"{station}: {wanted.href} cannot be read on: {error.strerror}") from error
        if not chunk:
            return
        left = None if left is None else left - len(chunk)
        yield chunk
