"""Fetching one file: attempt after attempt, each going on where the last one broke off, until it is accepted."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import TypeVar

from rs_assets.errors import AuthenticationError, RsAssetsError
from rs_assets.settings import Retries
from rs_assets.staging.faults import (
    BusyError,
    ChangedError,
    MismatchError,
    PassingError,
    StoreUnusableError,
    UnavailableError,
)
from rs_assets.staging.origin import Origin
from rs_assets.staging.progress import Moved, Paused, Placed, Progress, Retried
from rs_assets.staging.sinks import Writer
from rs_assets.staging.sources import Source, Wanted
from rs_assets.staging.sources.ranges import PIECE_BYTES, Room, opened
from rs_assets.staging.transfer import Transfer
from rs_assets.staging.verification import Expectation, Passage, Verified
from rs_assets.stations.backoff import wait_before

Result = TypeVar("Result")

_BATCH_BYTES = 1 << 20
_PROGRESS_BYTES = 8 << 20
"""An attempt that brought so much does not count against those that a file has."""
_GIVE_UP_AFTER = 5
"""Files in a row that a station which cannot be reached did not give, after which the others are not asked for."""
_MEMORY_BYTES = 64 << 20
"""What the pieces of split files may take of the memory."""


@dataclass(slots=True)
class Effort:
    """What one file has cost so far."""

    begun: float = field(default_factory=time.monotonic)
    attempts: int = 0
    """Requests for it."""
    moved: int = 0
    """Bytes received."""
    resumed: int = 0
    """Bytes that an earlier writer has left, and that were not asked for again."""
    busy_since: float | None = None
    """Since when the station has answered nothing but that it is busy; monotonic, in seconds."""


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
        self, writer: Writer, transfer: Transfer, expectation: Expectation, effort: Effort
    ) -> Verified | None:
        """Move a file's bytes into the writer, and publish them once they are accepted.

        Returns:
            What was published; None if the key was published by another meanwhile.

        Raises:
            RsAssetsError: the file cannot be had, now or at all.
        """
        try:
            return await self._fetched(writer, transfer, expectation, effort)
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
        self, writer: Writer, transfer: Transfer, expectation: Expectation, effort: Effort
    ) -> Verified | None:
        passage = Passage(expectation)
        course = _Course(passage, await writer.recover(passage))
        effort.resumed = passage.size
        self._tell(Placed(transfer.key, passage.size))
        while True:
            before = effort.moved
            try:
                # An earlier writer, or a connection that broke at its very end, may have left nothing to ask for.
                if not course.is_over(expectation):
                    await self._attempt(transfer, expectation, course, writer, effort)
                verified = passage.finish()
            except BusyError as error:
                effort.busy_since = effort.busy_since or time.monotonic()
                if time.monotonic() - effort.busy_since >= self._retries.busy_timeout:
                    raise
                self._tell(Paused(error.pause))
                await self._pause(error.pause)
            except PassingError as error:
                course.failures = 1 if effort.moved - before >= _PROGRESS_BYTES else course.failures + 1
                if course.failures >= self._retries.attempts:
                    raise
                self._tell(Retried(transfer.key, str(error)))
                await self._pause(wait_before(course.failures + 1, self._retries, error.retry_after))
            except (ChangedError, MismatchError) as error:
                await writer.restart()
                course.restart_after(error)
                effort.resumed = 0
                self._tell(Placed(transfer.key, 0))
                if course.is_hopeless or course.failures >= self._retries.attempts:
                    raise
                self._tell(Retried(transfer.key, str(error)))
            else:
                return verified if await writer.commit() else None

    async def _attempt(
        self, transfer: Transfer, expectation: Expectation, course: "_Course", writer: Writer, effort: Effort
    ) -> None:
        """Ask for what is missing of a file, and move what comes."""
        effort.attempts += 1
        passage = course.passage
        wanted = Wanted(transfer.href, passage.size, origin=course.origin, fresh=course.fresh)
        async with AsyncExitStack() as stack:
            answer = await self._unless_ended(
                lambda: stack.enter_async_context(opened(self._source, wanted, self._room))
            )
            self._unreached, effort.busy_since = 0, None
            if answer.begin != passage.size:
                # It begins at 0: the station does not give ranges, or its file has changed.
                await writer.restart()
                passage.restart()
                effort.resumed = 0
                self._tell(Placed(transfer.key, 0))
            course.origin = answer.origin
            expectation.check_announced(answer.origin.size)
            await writer.begin(answer.origin, passage)
            await self._pass_on(answer.chunks, transfer.key, passage, writer, effort)

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
        raise GivenUpError(f"given up, because every file would meet this fault: {self._end}")

    async def _pass_on(
        self, chunks: AsyncIterator[bytes], key: str, passage: Passage, writer: Writer, effort: Effort
    ) -> None:
        batch: list[bytes] = []
        size = 0

        async def flush() -> None:
            await writer.write(batch, passage)
            self._tell(Moved(key, size))

        try:
            async for chunk in chunks:
                batch.append(chunk)
                size += len(chunk)
                effort.moved += len(chunk)
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
class _Course:
    """How far a file has come, over all attempts."""

    passage: Passage
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

        What the station states elsewhere is no proof where a difference is borne.
        """
        stated = self.origin.size if self.origin is not None else None
        size = self.passage.size
        return size > 0 and size == (expectation.most_bytes if stated is None else stated)

    def restart_after(self, error: Exception) -> None:
        """Begin again, since what came is of no use; that can help once for each cause."""
        self.passage.restart()
        self.origin = None
        self.failures += 1
        self.fresh = self.fresh or isinstance(error, MismatchError)
        self.is_hopeless = type(error) in self._causes
        self._causes.add(type(error))
