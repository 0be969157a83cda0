"""A directory as an object store."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from rs_assets.errors import StoreError
from rs_assets.items.identity import safe_segment
from rs_assets.items.multihash import Algorithm, Digest
from rs_assets.store.batches import Batches
from rs_assets.store.origin import Origin
from rs_assets.store.parts import PARTS, Part, remove_stale, store_errors
from rs_assets.store.publishing import Wish, published
from rs_assets.store.sink import Hasher, StoredObject, Writer

_READ_BYTES = 1 << 20
_SMALL_BYTES = 256 << 10
"""What is less is written together with what other files have."""
_LOOK_FOR_ROOM_FROM = 1 << 20
"""Whether there is room is looked at beforehand for a file of so many bytes or more."""


class DirectorySink:
    """Objects as plain files under a directory, which is made when it is first written to.

    Files in the making are in ``.parts`` beside them, on the same file system, so that publishing is one link. One
    that its process could not finish is gone on with by the next writer of the key, or removed after a day.
    """

    def __init__(self, root: Path) -> None:
        # A root that is a symbolic link keeps its name in every href, so that what it points to may move.
        self._root = os.path.abspath(root)
        self._uri = Path(self._root).as_uri()
        self._work: Batches[Callable[[], Any], Any] = Batches(_results)
        self._publishing = self._new_publishing()

    def href(self, key: str) -> str:
        self._path(key)
        return f"{self._uri}/{quote(key)}"

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
        return await asyncio.to_thread(self._found, self._path(key), key)

    async def digest(self, key: str, algorithm: Algorithm) -> Digest:
        path = self._path(key)
        stop = threading.Event()
        try:
            return await asyncio.to_thread(_digest_of, path, algorithm, stop)
        finally:
            # The thread of a cancelled task would otherwise read a large object to its end.
            stop.set()

    async def read(self, key: str) -> AsyncIterator[bytes]:
        path = self._path(key)
        with store_errors(path):
            file = await asyncio.to_thread(open, path, "rb", buffering=0)
        with file:
            while True:
                with store_errors(path):
                    data = await asyncio.to_thread(file.read, _READ_BYTES)
                if not data:
                    return
                yield data

    @asynccontextmanager
    async def writer(self, key: str) -> AsyncIterator[Writer]:
        path = self._path(key)
        part = Part(f"{self._root}/{PARTS}", key)
        writer = _DirectoryWriter(self, part, path)
        try:
            writer.present = await self._work.run(lambda: self._begun(part, path, key))
            yield writer
        finally:
            if not writer.is_done:
                await asyncio.to_thread(part.leave)

    async def delete(self, key: str) -> None:
        await asyncio.to_thread(_remove, self._path(key), self._root)

    async def tidy(self) -> None:
        await asyncio.to_thread(remove_stale, f"{self._root}/{PARTS}")

    async def run_small(self, work: Callable[[], object]) -> None:
        """Do it in a thread, together with other short work, unless it is cancelled before its turn comes."""
        is_cancelled = threading.Event()
        try:
            await self._work.run(lambda: None if is_cancelled.is_set() else work())
        finally:
            is_cancelled.set()

    async def publish(self, part: Part, path: str) -> bool:
        """Publish a part; False if its name is taken. Small ones do not wait for a large one."""
        batches = self._new_publishing() if part.is_large else self._publishing
        return await batches.run((part, path))

    def _new_publishing(self) -> Batches[Wish, bool]:
        return Batches(partial(published, root=self._root))

    def _path(self, key: str) -> str:
        # Paths are text here, since a thousand of them are made a second.
        for segment in key.split("/"):
            safe_segment(segment)
        if key.partition("/")[0] == PARTS:
            raise ValueError(f"{key!r} cannot be a key: {PARTS} is where files in the making are")
        return f"{self._root}/{key}"

    def _begun(self, part: Part, path: str, key: str) -> StoredObject | None:
        part.open()
        # Only now: what had been published before the lock was taken is seen.
        return self._found(path, key)

    def _found(self, path: str, key: str) -> StoredObject | None:
        with store_errors(path):
            try:
                size = os.stat(path).st_size
            except FileNotFoundError:
                return None
        return StoredObject(key, self.href(key), size)


class _DirectoryWriter:
    def __init__(self, sink: DirectorySink, part: Part, path: str) -> None:
        self.present: StoredObject | None = None
        self.is_done = False
        """Whether the part has been left already."""
        self._sink = sink
        self._part = part
        self._path = path

    async def recover(self, hasher: Hasher) -> Origin | None:
        return await asyncio.to_thread(self._part.recover, hasher) if self._part.has_journal else None

    async def begin(self, origin: Origin, hasher: Hasher) -> None:
        self._part.begin(origin, hasher)
        if origin.size is not None and origin.size >= _LOOK_FOR_ROOM_FROM:
            await asyncio.to_thread(self._part.expect, origin.size)

    async def write(self, batch: Sequence[bytes], hasher: Hasher) -> None:
        # One hop to a thread for all of it: hashing in the loop is slower, and a hop for every piece as well.
        if sum(map(len, batch)) < _SMALL_BYTES:
            await self._sink.run_small(lambda: _pass_and_write(batch, hasher, self._part))
        else:
            await asyncio.to_thread(_pass_and_write, batch, hasher, self._part)

    async def restart(self) -> None:
        await asyncio.to_thread(self._part.restart)

    async def commit(self) -> bool:
        is_published = await self._sink.publish(self._part, self._path)
        self.is_done = True
        return is_published


def _results(works: Sequence[Callable[[], Any]]) -> list[Any]:
    results: list[Any] = []
    for work in works:
        try:
            results.append(work())
        except Exception as error:  # noqa: BLE001 - whoever waits for it raises it
            results.append(error)
    return results


def _pass_and_write(batch: Sequence[bytes], hasher: Hasher, part: Part) -> None:
    for data in batch:
        hasher.update(data)
        part.write(data, hasher)


def _digest_of(path: str, algorithm: Algorithm, stop: threading.Event) -> Digest:
    hasher = algorithm.hasher()
    buffer = memoryview(bytearray(_READ_BYTES))
    with store_errors(path), open(path, "rb", buffering=0) as file:
        while (count := file.readinto(buffer)) and not stop.is_set():
            hasher.update(buffer[:count])
    if stop.is_set():
        raise StoreError(f"{path} was not read to its end")
    return Digest(algorithm, hasher.hexdigest())


def _remove(path: str, root: str) -> None:
    with store_errors(path):
        Path(path).unlink(missing_ok=True)
        for parent in Path(path).parents:
            if parent == Path(root) or not parent.is_dir() or any(parent.iterdir()):
                break
            try:
                parent.rmdir()
            except OSError:
                # Another process has just put an object there.
                break
