"""Objects in an object store: S3, or any other store that obstore can open.

What is written is sent while it arrives, and nothing is on a disk. An object of one part goes as one request, a larger
one as a multipart upload, which nobody sees before it is completed and which is aborted if it is not.

Memory: one writer holds at most ``part_size × (parts_at_once + 1) + 3 MiB``: the parts that are being sent, the one
that is being filled, and what waits. With the settings' 5 MiB and 2 that is 18 MiB, so 144 MiB for 8 files at once.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress

import obstore
from obstore.exceptions import AlreadyExistsError

from rs_assets.errors import StoreError
from rs_assets.items.identity import safe_segment
from rs_assets.items.multihash import Algorithm, Digest
from rs_assets.locks import Locks
from rs_assets.store.bucket import Bucket
from rs_assets.store.errors import StoreUnusableError, TakenError
from rs_assets.store.origin import Origin
from rs_assets.store.problems import FAULTS, is_unsupported
from rs_assets.store.sink import Hasher, StoredObject
from rs_assets.store.upload import Upload

_MEBIBYTE = 1 << 20
_READ_BYTES = _MEBIBYTE
_MAX_PARTS = 9_900
"""S3 takes 10,000."""


class ObjectStoreSink:
    """Objects of a bucket below a prefix."""

    def __init__(
        self,
        bucket: Bucket,
        locks: Locks,
        *,
        part_size: int,
        parts_at_once: int,
        conditional_writes: bool | None = None,
    ) -> None:
        """Take a bucket.

        Args:
            bucket: where the objects are.
            locks: keep a second writer away from an object, as far as they are shared.
            part_size: bytes of a part; S3 wants 5 MiB or more.
            parts_at_once: parts of one object that are sent at the same time.
            conditional_writes: whether the store honours ``If-None-Match: *``; None to find out.
        """
        self._bucket = bucket
        self._part_size = part_size
        self._parts_at_once = parts_at_once
        self._locks = locks
        self._honours_conditions = conditional_writes

    def href(self, key: str) -> str:
        return self._bucket.url(_checked(key))

    def key_of(self, href: str) -> str | None:
        key = self._bucket.key_of(href)
        try:
            return None if key is None else _checked(key)
        except ValueError:
            return None

    async def find(self, key: str) -> StoredObject | None:
        with self.errors(_checked(key), "looked for"):
            try:
                facts = await obstore.head_async(self._bucket.client, key)
            except FileNotFoundError:
                return None
        return StoredObject(key, self.href(key), facts["size"])

    async def digest(self, key: str, algorithm: Algorithm) -> Digest:
        hasher = algorithm.hasher()
        async for data in self.read(key):
            await asyncio.to_thread(hasher.update, data)
        return Digest(algorithm, hasher.hexdigest())

    async def read(self, key: str) -> AsyncIterator[bytes]:
        with self.errors(_checked(key), "read"):
            # The store goes on with the rest where an answer breaks off.
            answer = await obstore.get_async(self._bucket.client, key)
            pieces = answer.stream(min_chunk_size=_READ_BYTES)
        while True:
            with self.errors(key, "read"):
                data = await anext(pieces, None)
            if data is None:
                return
            yield bytes(data)

    @asynccontextmanager
    async def writer(self, key: str) -> AsyncIterator["ObjectWriter"]:
        href = self.href(key)
        name = f"objects/{href.replace('/', ' ')}"
        held = self._locks.try_lock(name, transient=True)
        if held is None:
            raise TakenError(f"{self._locks.holder(name) or 'another process'} is writing {href} just now")
        try:
            # Only now: what had been published before the claim is seen.
            writer = ObjectWriter(self, key, await self.find(key))
            try:
                yield writer
            finally:
                await writer.restart()
        finally:
            held.release()

    async def put(self, key: str, content: bytes) -> bool:
        """Publish an object whose bytes are verified by one request; False if the key is taken."""
        with self.errors(_checked(key)):
            if not self._honours_conditions and await self.find(key) is not None:
                return False
            if self._honours_conditions is None:
                return await self._put_at_first(key, content)
            return await self._put(key, content, is_new=self._honours_conditions)

    async def delete(self, key: str) -> None:
        with self.errors(_checked(key), "deleted"), suppress(FileNotFoundError):
            await obstore.delete_async(self._bucket.client, key)

    async def tidy(self) -> None:
        """Nothing: parts of uploads whose process died are not shown; the bucket's life cycle removes them."""

    def upload(self, key: str, part_size: int) -> Upload:
        """Begin a multipart upload."""
        return Upload(self._bucket.client, key, part_size=part_size, parts_at_once=self._parts_at_once)

    def part_size(self, size: int | None) -> int:
        """Bytes of a part of an object of that size, where it is known."""
        needed = -(-(size or 0) // _MAX_PARTS)
        return max(self._part_size, -(-needed // _MEBIBYTE) * _MEBIBYTE)

    async def _put(self, key: str, content: bytes, *, is_new: bool) -> bool:
        try:
            await obstore.put_async(
                self._bucket.client, key, content, use_multipart=False, mode="create" if is_new else "overwrite"
            )
        except AlreadyExistsError:
            return False
        return True

    async def _put_at_first(self, key: str, content: bytes) -> bool:
        """Publish, and find out whether the store honours ``If-None-Match: *``, which some ignore without a word.

        For that the same bytes are sent to the same key once more; a store that honours it refuses them.
        """
        try:
            is_created = await self._put(key, content, is_new=True)
        except FAULTS as error:
            if not is_unsupported(error):
                raise
            self._honours_conditions = False
            return await self._put(key, content, is_new=False)
        with suppress(*FAULTS):
            self._honours_conditions = not is_created or not await self._put(key, content, is_new=True)
        return is_created

    @contextmanager
    def errors(self, key: str, deed: str = "written") -> Iterator[None]:
        """Turn what the store raises into a `StoreError`, or a `StoreUnusableError` where every object would fail."""
        try:
            yield
        except FAULTS as error:
            problem = self._bucket.explain(error)
            kind = StoreUnusableError if problem.for_all else StoreError
            # The original text may hold what the server wrote, e.g. what was signed.
            raise kind(f"{self.href(key)} cannot be {deed} in the object store: {problem.reason}") from None


class ObjectWriter:
    """A `Writer` whose object is kept here up to one part, and sent from there on."""

    def __init__(self, sink: ObjectStoreSink, key: str, present: StoredObject | None) -> None:
        self.present = present
        self._sink = sink
        self._key = key
        self._part_size = sink.part_size(None)
        self._kept: list[bytes] = []
        self._kept_size = 0
        self._upload: Upload | None = None

    async def recover(self, hasher: Hasher) -> Origin | None:  # noqa: ARG002 - as every writer has it
        return None  # an upload cannot be gone on with by another process

    async def begin(self, origin: Origin, hasher: Hasher) -> None:  # noqa: ARG002 - as every writer has it
        # Without effect once an upload has begun.
        self._part_size = self._sink.part_size(origin.size)

    async def write(self, batch: Sequence[bytes], hasher: Hasher) -> None:
        data = await asyncio.to_thread(_passed, batch, hasher)
        if self._upload is not None:
            with self._sink.errors(self._key):
                await self._upload.feed(data)
            return
        self._kept.append(data)
        self._kept_size += len(data)
        if self._kept_size > self._part_size:
            await self._begin_upload()

    async def restart(self) -> None:
        self._kept, self._kept_size = [], 0
        upload, self._upload = self._upload, None
        if upload is not None:
            await upload.abandon()

    async def commit(self) -> bool:
        if self._upload is not None and await self._sink.find(self._key) is not None:
            return False
        try:
            if self._upload is None:
                return await self._sink.put(self._key, b"".join(self._kept))
            with self._sink.errors(self._key):
                await self._upload.finish()
        except StoreError as error:
            # It may be ours, if only the answer was lost; either way what the key holds decides.
            if isinstance(error, StoreUnusableError) or await self._sink.find(self._key) is None:
                raise
            return False
        return True

    async def _begin_upload(self) -> None:
        with self._sink.errors(self._key):
            self._upload = self._sink.upload(self._key, self._part_size)
            kept, self._kept, self._kept_size = self._kept, [], 0
            for data in kept:
                await self._upload.feed(data)


def _passed(batch: Sequence[bytes], hasher: Hasher) -> bytes:
    for data in batch:
        hasher.update(data)
    return batch[0] if len(batch) == 1 else b"".join(batch)


def _checked(key: str) -> str:
    return "/".join(safe_segment(segment) for segment in key.split("/"))
