"""A directory as an object store."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from rs_assets.errors import StoreError
from rs_assets.items.identity import safe_segment
from rs_assets.items.multihash import Algorithm, Digest
from rs_assets.staging.origin import Origin
from rs_assets.staging.parts import Part, remove_stale, store_errors
from rs_assets.staging.publishing import Publisher
from rs_assets.staging.sinks import StoredObject, Writer
from rs_assets.staging.verification import Passage

_PARTS = ".parts"
_READ_BYTES = 1 << 20
_RESERVE_FROM = 1 << 20
"""Room is made beforehand for a file of so many bytes or more."""


class DirectorySink:
    """Objects as plain files under a directory, which is made when it is first written to.

    Files in the making are in ``.parts`` beside them, on the same file system, so that publishing is one link. One
    that its process could not finish is gone on with by the next writer of the key, or removed after a day.
    """

    def __init__(self, root: Path) -> None:
        # A root that is a symbolic link keeps its name in every href, so that what it points to may move.
        self._root = Path(os.path.abspath(root))  # noqa: PTH100
        self._publisher = Publisher(self._root)

    def href(self, key: str) -> str:
        return self._path(key).as_uri()

    def key_of(self, href: str) -> str | None:
        parts = urlsplit(href)
        path = Path(unquote(parts.path))
        if parts.scheme != "file" or not path.is_relative_to(self._root):
            return None
        key = path.relative_to(self._root).as_posix()
        try:
            self._path(key)
        except ValueError:
            return None
        return key

    async def find(self, key: str) -> StoredObject | None:
        return await asyncio.to_thread(_found, self._path(key), key)

    async def digest(self, key: str, algorithm: Algorithm) -> Digest:
        path = self._path(key)
        stop = threading.Event()
        try:
            return await asyncio.to_thread(_digest_of, path, algorithm, stop)
        finally:
            # The thread of a cancelled task would otherwise read a large object to its end.
            stop.set()

    @asynccontextmanager
    async def writer(self, key: str) -> AsyncIterator[Writer]:
        path = self._path(key)
        part = Part(self._root / _PARTS, key)
        writer = _DirectoryWriter(part, path, self._publisher)
        try:
            writer.present = await asyncio.to_thread(_begun, part, path, key)
            yield writer
        finally:
            if not writer.is_done:
                await asyncio.to_thread(part.leave)

    async def delete(self, key: str) -> None:
        await asyncio.to_thread(_remove, self._path(key), self._root)

    async def tidy(self) -> None:
        await asyncio.to_thread(remove_stale, self._root / _PARTS)

    def _path(self, key: str) -> Path:
        segments = [safe_segment(segment) for segment in key.split("/")]
        if segments[0] == _PARTS:
            raise ValueError(f"{key!r} cannot be a key: {_PARTS} is where files in the making are")
        return self._root.joinpath(*segments)


class _DirectoryWriter:
    def __init__(self, part: Part, path: Path, publisher: Publisher) -> None:
        self.present: StoredObject | None = None
        self.is_done = False
        """Whether the part has been left already."""
        self._part = part
        self._path = path
        self._publisher = publisher

    async def recover(self, passage: Passage) -> Origin | None:
        return await asyncio.to_thread(self._part.recover, passage) if self._part.has_journal else None

    async def begin(self, origin: Origin, passage: Passage) -> None:
        self._part.begin(origin, passage)
        if origin.size is not None and origin.size >= _RESERVE_FROM:
            await asyncio.to_thread(self._part.reserve, origin.size)

    async def write(self, batch: Sequence[bytes], passage: Passage) -> None:
        # One hop to a thread for all of it: hashing in the loop is slower, and a hop for every piece as well.
        await asyncio.to_thread(_pass_and_write, batch, passage, self._part)

    async def restart(self) -> None:
        await asyncio.to_thread(self._part.restart)

    async def commit(self) -> bool:
        is_published = await self._publisher.publish(self._part, self._path)
        self.is_done = True
        return is_published


def _begun(part: Part, path: Path, key: str) -> StoredObject | None:
    part.open()
    # Only now: what had been published before the lock was taken is seen.
    return _found(path, key)


def _found(path: Path, key: str) -> StoredObject | None:
    with store_errors(path):
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            return None
    return StoredObject(key, path.as_uri(), size)


def _pass_and_write(batch: Sequence[bytes], passage: Passage, part: Part) -> None:
    for data in batch:
        passage.update(data)
        part.write(data, passage)


def _digest_of(path: Path, algorithm: Algorithm, stop: threading.Event) -> Digest:
    hasher = algorithm.hasher()
    buffer = memoryview(bytearray(_READ_BYTES))
    with store_errors(path), path.open("rb", buffering=0) as file:
        while (count := file.readinto(buffer)) and not stop.is_set():
            hasher.update(buffer[:count])
    if stop.is_set():
        raise StoreError(f"{path} was not read to its end")
    return Digest(algorithm, hasher.hexdigest())


def _remove(path: Path, root: Path) -> None:
    with store_errors(path):
        path.unlink(missing_ok=True)
        for parent in path.parents:
            if parent == root or not parent.is_dir() or any(parent.iterdir()):
                break
            try:
                parent.rmdir()
            except OSError:
                # Another process has just put an object there.
                break
