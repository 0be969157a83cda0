"""What files are staged to: an object store, or a directory that behaves like one.

Keys are immutable: what is published under a key is complete, verified, and never replaced.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from rs_assets.items.multihash import Algorithm, Digest
from rs_assets.store.origin import Origin


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object that is in the store."""

    key: str
    href: str
    """Where it is, as a URL."""
    size: int
    """In bytes."""


class Hasher(Protocol):
    """Sees every byte of one object before it is written; may refuse it."""

    @property
    def algorithm(self) -> Algorithm:
        """The digest that is computed."""
        ...

    @property
    def size(self) -> int:
        """Bytes that it has seen."""
        ...

    def update(self, data: bytes | memoryview, /) -> None:
        """Take the next bytes. Burns CPU without the GIL, so it is called in an executor thread.

        Raises:
            MismatchError: they cannot belong to the object.
        """
        ...

    def restart(self) -> None:
        """Forget all bytes seen."""
        ...

    def digest_so_far(self) -> str:
        """Digest of the bytes seen, as hex; more may follow."""
        ...


class Writer(Protocol):
    """An object in the making, which nobody sees before it is committed; used by one task.

    It outlives broken answers of the station: the next answer goes on where the last one broke off.
    """

    @property
    def present(self) -> StoredObject | None:
        """What is published under the key already; nothing is to be written then."""
        ...

    async def recover(self, hasher: Hasher) -> Origin | None:
        """Let what an earlier process has left of the object pass, and say where it came from; None without any.

        Raises:
            StoreError: what is left cannot be read.
        """
        ...

    async def begin(self, origin: Origin, hasher: Hasher) -> None:
        """Take note of where the bytes come from that will be written, for a later process."""
        ...

    async def write(self, batch: Sequence[bytes], hasher: Hasher) -> None:
        """Let the bytes pass `hasher`, then add them; waits while the store cannot take more.

        Raises:
            MismatchError: they may not pass.
            StoreUnusableError: the store is full, read-only or broken.
            StoreError: they could not be written for another reason.
        """
        ...

    async def restart(self) -> None:
        """Forget all that was written, and begin again.

        Raises:
            StoreError: that cannot be done.
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
        """The key of the object at `href`; None if that is not a place of this sink."""
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

    def read(self, key: str) -> AsyncIterator[bytes]:
        """The bytes of a published object, in pieces of about 1 MiB.

        Raises:
            StoreError: it cannot be read.
        """
        ...

    def writer(self, key: str) -> AbstractAsyncContextManager[Writer]:
        """Become the writer of an object; without `Writer.commit` nothing of it is ever visible.

        Raises:
            TakenError: another process is writing it just now.
            StoreUnusableError: the store takes no more writes.
        """
        ...

    async def delete(self, key: str) -> None:
        """Remove an object; nothing happens if there is none."""
        ...

    async def tidy(self) -> None:
        """Remove what processes that died have left unpublished, and none has come back for.

        Raises:
            StoreError: the store cannot be looked through.
        """
        ...
