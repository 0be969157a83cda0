"""Fetching one file: attempt after attempt, each going on where the last one broke off, until it is accepted."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from rs_assets.errors import AuthenticationError, RsAssetsError
from rs_assets.items.files import FileRecord, FileState
from rs_assets.settings import Retries
from rs_assets.staging.messages import Moved, Paused, Placed, Progress, Retried
from rs_assets.staging.sources import Source, Wanted
from rs_assets.staging.sources.ranges import PIECE_BYTES, Room, opened
from rs_assets.staging.transfer_errors import BusyError, ChangedError, PassingError, UnavailableError
from rs_assets.staging.verification import Expectation, Verified, VerifyingHasher
from rs_assets.stations.backoff import wait_before
from rs_assets.store import Writer
from rs_assets.store.errors import MismatchError, StoreUnusableError
from rs_assets.store.origin import Origin

Result = TypeVar("Result")

_BATCH_BYTES = 1 << 20
_PROGRESS_BYTES = 8 << 20
"""An attempt that brought so much does not count against those that a file has."""
_MAX_UNREACHED = 5
"""Files in a row that a station which cannot be reached did not give, after which the others are not asked for."""
_MEMORY_BYTES = 64 << 20
"""What the pieces of split files may take of the memory."""


@dataclass(slots=True)
class TransferStats:
    """What the transfer of one file has cost so far."""

    begun: float = field(default_factory=time.monotonic)
    attempts: int = 0
    """Requests for it."""
    moved: int = 0
    """Bytes received."""
    resumed: int = 0
    """Bytes that an earlier writer has left, and that were not asked for again."""
    busy_since: float | None = None
    """Since when the station has answered nothing but that it is busy; monotonic, in seconds."""

    def ended(self, file: FileRecord, state: FileState, **facts: Any) -> FileRecord:
        """The file in its last state, with what it has cost."""
        seconds = time.monotonic() - self.begun
        facts |= {"attempts": self.attempts, "moved": self.moved, "resumed": self.resumed, "seconds": seconds}
        return replace(file, state=state, **facts)


class GivenUpError(RsAssetsError):
    """The file was not asked for, because of an error that affects every file."""


class Fetcher:
    """Fetches files from one source, and remembers the errors that affect every file."""

    def __init__(self, source: Source, retries: Retries, progress: Progress) -> None:
        self.source = source
        self.retries = retries
        self.progress = progress
        self.room = Room(_MEMORY_BYTES // PIECE_BYTES)
        self._end: RsAssetsError | None = None
        self._waits: set[asyncio.Timeout] = set()
        """What waits for an answer, or for the next attempt."""
        self._unreached = 0
        """Files in a row that the station did not serve at all."""

    async def fetch(
        self, writer: Writer, file: FileRecord, expectation: Expectation, stats: TransferStats
    ) -> Verified | None:
        """Move a file's bytes into the writer, and publish them once they are accepted.

        Returns:
            What was published; None if the key was published by another meanwhile.

        Raises:
            RsAssetsError: the file cannot be had, now or at all.
        """
        try:
            return await _Transfer(self, writer, file, expectation, stats).run()
        except RsAssetsError as error:
            self.note(error)
            raise

    def reached(self) -> None:
        """Note that the station serves."""
        self._unreached = 0

    def note(self, error: RsAssetsError) -> None:
        """End all requests after an error that affects every file."""
        if isinstance(error, UnavailableError | BusyError):
            self._unreached += 1
        is_final = isinstance(error, AuthenticationError | StoreUnusableError) or self._unreached >= _MAX_UNREACHED
        if is_final and self._end is None:
            self._end = error
            for wait in self._waits:
                wait.reschedule(0)

    async def unless_ended(self, work: Callable[[], Awaitable[Result]]) -> Result:
        """What `work` gives, unless the requests end before.

        Raises:
            GivenUpError: they have ended.
        """
        if self._end is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(None) as wait:
                    self._waits.add(wait)
                    try:
                        return await work()
                    finally:
                        self._waits.discard(wait)
        raise GivenUpError(f"skipped after an error that affects every file: {self._end}")


class _Transfer:
    """One file on its way into its writer, over all attempts."""

    def __init__(
        self, fetcher: Fetcher, writer: Writer, file: FileRecord, expectation: Expectation, stats: TransferStats
    ) -> None:
        self._fetcher = fetcher
        self._writer = writer
        self._file = file
        self._expectation = expectation
        self._stats = stats
        self._hasher = VerifyingHasher(expectation)
        self._origin: Origin | None = None
        """The content that the bytes so far are of."""
        self._failures = 0
        """Attempts since the last one that brought much."""
        self._restarted_after: set[type[Exception]] = set()

    async def run(self) -> Verified | None:
        """As `Fetcher.fetch`."""
        self._origin = await self._writer.recover(self._hasher)
        self._stats.resumed = self._hasher.size
        self._fetcher.progress(Placed(self._file.object_key, self._hasher.size))
        while True:
            moved = self._stats.moved
            try:
                # An earlier writer, or a connection that broke at its very end, may have left nothing to ask for.
                if not self._has_everything():
                    await self._attempt()
                verified = self._hasher.finish()
            except BusyError as error:
                await self._wait_while_busy(error)
            except PassingError as error:
                has_progressed = self._stats.moved - moved >= _PROGRESS_BYTES
                self._failures = 1 if has_progressed else self._failures + 1
                await self._retry(error, wait_before(self._failures + 1, self._fetcher.retries, error.retry_after))
            except (ChangedError, MismatchError) as error:
                self._failures += 1
                await self._restart()
                if type(error) in self._restarted_after:
                    raise  # beginning again has not helped
                self._restarted_after.add(type(error))
                await self._retry(error, 0)
            else:
                return verified if await self._writer.commit() else None

    def _has_everything(self) -> bool:
        """Whether everything has come: as much as the answers say the file has, else as it must have.

        What the station states elsewhere is not proof where a difference is tolerated.
        """
        stated = self._origin.size if self._origin is not None else None
        size = self._hasher.size
        return size > 0 and size == (self._expectation.max_bytes if stated is None else stated)

    async def _attempt(self) -> None:
        """Ask for what is missing of the file, and move what comes."""
        fetcher, file, stats, hasher = self._fetcher, self._file, self._stats, self._hasher
        stats.attempts += 1
        were_wrong = MismatchError in self._restarted_after
        wanted = Wanted(file.source_href, hasher.size, origin=self._origin, fresh=were_wrong, order=file.order)
        async with AsyncExitStack() as stack:
            opening = opened(fetcher.source, wanted, fetcher.room)
            answer = await fetcher.unless_ended(lambda: stack.enter_async_context(opening))
            fetcher.reached()
            stats.busy_since = None
            if answer.begin != hasher.size:
                # It begins at 0: the station does not give ranges, or its file has changed.
                await self._restart()
            self._origin = answer.origin
            self._expectation.check_size(answer.origin.size)
            await self._writer.begin(answer.origin, hasher)
            batches = await stack.enter_async_context(aclosing(_batches(answer.chunks)))
            async for batch in batches:
                size = sum(map(len, batch))
                stats.moved += size
                await self._writer.write(batch, hasher)
                fetcher.progress(Moved(file.object_key, size))

    async def _restart(self) -> None:
        """Forget what has come."""
        await self._writer.restart()
        self._hasher.restart()
        self._origin = None
        self._stats.resumed = 0
        self._fetcher.progress(Placed(self._file.object_key, 0))

    async def _retry(self, error: RsAssetsError, wait: float) -> None:
        if self._failures >= self._fetcher.retries.attempts:
            raise error
        self._fetcher.progress(Retried(self._file.object_key, str(error)))
        await self._fetcher.unless_ended(lambda: asyncio.sleep(wait))

    async def _wait_while_busy(self, error: BusyError) -> None:
        now = time.monotonic()
        self._stats.busy_since = self._stats.busy_since or now
        if now - self._stats.busy_since >= self._fetcher.retries.busy_timeout:
            raise error
        self._fetcher.progress(Paused(error.pause))
        await self._fetcher.unless_ended(lambda: asyncio.sleep(error.pause))


async def _batches(chunks: AsyncIterator[bytes]) -> AsyncGenerator[list[bytes], None]:
    """The chunks in batches of about 1 MiB; where the answer breaks off, what came before is good as far as it goes."""
    batch: list[bytes] = []
    size = 0
    try:
        async for chunk in chunks:
            batch.append(chunk)
            size += len(chunk)
            if size >= _BATCH_BYTES:
                yield batch
                batch, size = [], 0
    except PassingError:
        if batch:
            yield batch
        raise
    if batch:
        yield batch
