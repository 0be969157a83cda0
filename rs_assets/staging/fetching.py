"""Fetching one file: attempt after attempt, each going on where the last one broke off, until it is accepted."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
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
_GIVE_UP_AFTER = 5
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
        return replace(
            file,
            state=state,
            attempts=self.attempts,
            moved=self.moved,
            resumed=self.resumed,
            seconds=time.monotonic() - self.begun,
            **facts,
        )


class GivenUpError(RsAssetsError):
    """The file was not asked for, because of a fault that every file meets."""


class Fetcher:
    """Fetches files from one source, and remembers the faults that every file would meet."""

    def __init__(self, source: Source, retries: Retries, tell: Progress) -> None:
        self._source = source
        self._retries = retries
        self._tell = tell
        self._room = Room(_MEMORY_BYTES // PIECE_BYTES)
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
            return await self._fetched(writer, file, expectation, stats)
        except RsAssetsError as error:
            self.note(error)
            raise

    def note(self, error: RsAssetsError) -> None:
        """End all requests after a fault that every file would meet."""
        if isinstance(error, UnavailableError | BusyError):
            self._unreached += 1
        is_final = isinstance(error, AuthenticationError | StoreUnusableError) or self._unreached >= _GIVE_UP_AFTER
        if is_final and self._end is None:
            self._end = error
            for wait in self._waits:
                wait.reschedule(0)

    async def _fetched(
        self, writer: Writer, file: FileRecord, expectation: Expectation, stats: TransferStats
    ) -> Verified | None:
        hasher = VerifyingHasher(expectation)
        attempts = _AttemptState(hasher, await writer.recover(hasher))
        stats.resumed = hasher.size
        self._tell(Placed(file.object_key, hasher.size))
        while True:
            before = stats.moved
            try:
                # An earlier writer, or a connection that broke at its very end, may have left nothing to ask for.
                if not attempts.is_over(expectation):
                    await self._attempt(file, expectation, attempts, writer, stats)
                verified = hasher.finish()
            except BusyError as error:
                stats.busy_since = stats.busy_since or time.monotonic()
                if time.monotonic() - stats.busy_since >= self._retries.busy_timeout:
                    raise
                self._tell(Paused(error.pause))
                await self._pause(error.pause)
            except PassingError as error:
                attempts.failures = 1 if stats.moved - before >= _PROGRESS_BYTES else attempts.failures + 1
                if attempts.failures >= self._retries.attempts:
                    raise
                self._tell(Retried(file.object_key, str(error)))
                await self._pause(wait_before(attempts.failures + 1, self._retries, error.retry_after))
            except (ChangedError, MismatchError) as error:
                await writer.restart()
                attempts.restart_after(error)
                stats.resumed = 0
                self._tell(Placed(file.object_key, 0))
                if attempts.is_hopeless or attempts.failures >= self._retries.attempts:
                    raise
                self._tell(Retried(file.object_key, str(error)))
            else:
                return verified if await writer.commit() else None

    async def _attempt(
        self,
        file: FileRecord,
        expectation: Expectation,
        attempts: "_AttemptState",
        writer: Writer,
        stats: TransferStats,
    ) -> None:
        """Ask for what is missing of a file, and move what comes."""
        stats.attempts += 1
        hasher = attempts.hasher
        wanted = Wanted(file.source_href, hasher.size, origin=attempts.origin, fresh=attempts.fresh, order=file.order)
        async with AsyncExitStack() as stack:
            answer = await self._unless_ended(
                lambda: stack.enter_async_context(opened(self._source, wanted, self._room))
            )
            self._unreached, stats.busy_since = 0, None
            if answer.begin != hasher.size:
                # It begins at 0: the station does not give ranges, or its file has changed.
                await writer.restart()
                hasher.restart()
                stats.resumed = 0
                self._tell(Placed(file.object_key, 0))
            attempts.origin = answer.origin
            expectation.check_announced(answer.origin.size)
            await writer.begin(answer.origin, hasher)
            await self._pass_on(answer.chunks, file.object_key, hasher, writer, stats)

    async def _pause(self, seconds: float) -> None:
        await self._unless_ended(lambda: asyncio.sleep(seconds))

    async def _unless_ended(self, work: Callable[[], Awaitable[Result]]) -> Result:
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

    async def _pass_on(
        self, chunks: AsyncIterator[bytes], key: str, hasher: VerifyingHasher, writer: Writer, stats: TransferStats
    ) -> None:
        batch: list[bytes] = []
        size = 0

        async def flush() -> None:
            await writer.write(batch, hasher)
            self._tell(Moved(key, size))

        try:
            async for chunk in chunks:
                batch.append(chunk)
                size += len(chunk)
                stats.moved += len(chunk)
                if size >= _BATCH_BYTES:
                    await flush()
                    batch, size = [], 0
        except PassingError:
            # What came is good as far as it goes.
            if batch:
                await flush()
            raise
        if batch:
            await flush()


@dataclass(slots=True)
class _AttemptState:
    """How far a file has come, over all attempts."""

    hasher: VerifyingHasher
    origin: Origin | None
    """The content that the bytes so far are of."""
    failures: int = 0
    """Attempts since the last one that brought much."""
    fresh: bool = False
    """Whether the bytes were wrong once."""
    is_hopeless: bool = False
    """Whether beginning again has not helped."""
    _causes: set[type[Exception]] = field(default_factory=set)

    def is_over(self, expectation: Expectation) -> bool:
        """Whether everything has come: as much as the answers say the file has, else as it must have.

        What the station states elsewhere is not proof where a difference is tolerated.
        """
        stated = self.origin.size if self.origin is not None else None
        size = self.hasher.size
        return size > 0 and size == (expectation.max_bytes if stated is None else stated)

    def restart_after(self, error: Exception) -> None:
        """Begin again, since what came is of no use; that can help once for each cause."""
        self.hasher.restart()
        self.origin = None
        self.failures += 1
        self.fresh = self.fresh or isinstance(error, MismatchError)
        self.is_hopeless = type(error) in self._causes
        self._causes.add(type(error))
