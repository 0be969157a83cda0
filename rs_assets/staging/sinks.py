"""Where files are staged to: an object store, or a directory that behaves like one.

Keys are immutable: what is published under a key is complete, verified, and never replaced.
"""

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from rs_assets.errors import StoreError
from rs_assets.items.identity import safe_segment
from rs_assets.items.multihash import Algorithm, Digest
from rs_assets.staging.parts import Part, remove_stale, store_errors

_PARTS = ".parts"
_READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object that is in the store."""

    key: str
    href: str
    """Where it is, as a URL."""
    size: int
    """In bytes."""


class Writer(Protocol):
    """An object in the making, which nobody sees before it is committed."""

    def write(self, data: bytes) -> None:
        """Add bytes. Blocks, so it is called in an executor thread.

        Raises:
            StoreUnusableError: the store is full, read-only or broken.
            StoreError: it could not be written for another reason.
        """
        ...

    async def commit(self) -> bool:
        """Publish the object, atomically and durably; False if the key was published by another meanwhile.

        Raises:
            StoreError: it could not be published.
        """
        ...


class Sink(Protocol):
    """A place for objects. Every method raises `ValueError` for a key that could leave the store."""

    def href(self, key: str) -> str:
        """Where the object of that key is or will be, as a URL."""
        ...

    def key_of(self, href: str) -> str | None:
        """The key of the object at `href`; None if that is no place of this sink."""
        ...

    async def find(self, key: str) -> StoredObject | None:
        """The object of that key, if it is published."""
        ...

    async def digest(self, key: str, algorithm: Algorithm) -> Digest:
        """The digest of a published object, from reading it again.

        Raises:
            StoreError: it cannot be read.
        """
        ...

    def writer(self, key: str, size: int | None) -> AbstractAsyncContextManager[Writer]:
        """Begin an object; leaving the context without `Writer.commit` leaves nothing.

        Args:
            key: where it will be published.
            size: how many bytes to make room for, where that is known.

        Raises:
            StoreUnusableError: there is no room for it, or the store takes no more writes.
        """
        ...

    async def delete(self, key: str) -> None:
        """Remove an object; nothing happens if there is none."""
        ...

    async def tidy(self) -> None:
        """Remove what processes that died have left unpublished; what a live one is writing stays."""
        ...


class DirectorySink:
    """Objects as plain files under a directory, which is made when it is first written to.

    Files in the making are in ``.parts`` beside them, on the same file system, so that publishing is one link.
    """

    def __init__(self, root: Path) -> None:
        # A root that is a symbolic link keeps its name in every href, so that what it points to may move.
        self._root = Path(os.path.abspath(root))  # noqa: PTH100

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
        path = self._path(key)
        with store_errors(path):
            try:
                size = (await asyncio.to_thread(path.stat)).st_size
            except FileNotFoundError:
                return None
        return StoredObject(key, path.as_uri(), size)

    async def digest(self, key: str, algorithm: Algorithm) -> Digest:
        path = self._path(key)
        stop = threading.Event()
        try:
            return await asyncio.to_thread(_digest_of, path, algorithm, stop)
        finally:
            # The thread of a cancelled task would otherwise read a large object to its end.
            stop.set()

    @asynccontextmanager
    async def writer(self, key: str, size: int | None) -> AsyncIterator[Writer]:
        part = Part(self._root / _PARTS)
        writer = _DirectoryWriter(part, self._path(key), self._root)
        try:
            await asyncio.to_thread(part.open, size)
            yield writer
        finally:
            await asyncio.to_thread(part.abandon)

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
    def __init__(self, part: Part, path: Path, root: Path) -> None:
        self._part = part
        self._path = path
        self._root = root

    def write(self, data: bytes) -> None:
        self._part.write(data)

    async def commit(self) -> bool:
        return await asyncio.to_thread(self._part.publish, self._path, self._root)


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
