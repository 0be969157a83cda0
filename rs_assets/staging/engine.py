"""The engine: many files through one source into one sink, each of them with an outcome."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import nullcontext
from dataclasses import replace

from rs_assets.errors import RsAssetsError, StoreError
from rs_assets.items.files import FileRecord, FileState
from rs_assets.settings import Station
from rs_assets.staging.fetching import Fetcher, TransferStats
from rs_assets.staging.messages import Finished, Progress, Started, Waiting, unobserved
from rs_assets.staging.sources import Source
from rs_assets.staging.transfer_errors import EvictedError, NotYetError, OrderLostError
from rs_assets.staging.verification import Expectation, Verified
from rs_assets.store import Sink, StoredObject
from rs_assets.store.errors import MismatchError, StoreUnusableError, TakenError

_SMALL_BYTES = 1 << 20
"""A file of which so little is stated may wait for the store while others have its connection."""
_FILES_PER_CONNECTION = 8
"""Small files at work at the same time, most of which wait for the store."""
_LOOK_AGAIN_S = (0.1, 2.0)
"""First and longest wait for an object that another process is writing, in seconds; it doubles."""
_SAY_AFTER_S = 10.0
"""After which wait for such an object the log says who is writing it."""

RecordOrder = Callable[[FileRecord], Awaitable[None]]
"""Records the order of a file."""

_logger = logging.getLogger(__name__)


async def stage_files(
    files: Iterable[FileRecord],
    source: Source,
    sink: Sink,
    station: Station,
    *,
    record_order: RecordOrder | None = None,
    progress: Progress = unobserved,
) -> list[FileRecord]:
    """Move files into the sink, and verify them on the way.

    A file whose key is in the sink already is read again there instead of being moved. A key that holds other
    bytes is left alone, and the new ones go to `FileRecord.alternate_key`. A key that comes twice is moved once; one
    that another process is writing is waited for, as long as the station's `timeouts.slot` says.

    After an error that affects every file (refused credentials, a station that is down, a full store), the files
    that are not yet being moved fail at once, with that reason.

    Args:
        files: what to move.
        source: where they are read from, already entered.
        sink: where they go.
        station: whose verification, retries, timeouts and concurrency (of large files) count.
        record_order: called at once with each file that has been ordered: an order outlives the process.
        progress: called with what happens.

    Returns:
        The files in their order, with what has become of each. No error of a file is raised.

    Raises:
        StoreError: the sink could not be prepared.
    """
    wanted = list(files)
    progress(Started(len(wanted), sum(file.stated_size or 0 for file in wanted)))
    await sink.tidy()

    same_key: dict[str, list[int]] = {}
    for index, file in enumerate(wanted):
        same_key.setdefault(file.object_key, []).append(index)
    ended: dict[int, FileRecord] = {}
    waiting = deque(same_key.values())
    stager = _Stager(source, sink, station, record_order, progress)

    async def work() -> None:
        while waiting:
            done: dict[FileRecord, FileRecord] = {}
            for index in waiting.popleft():
                file = wanted[index]
                earlier = done.get(file)
                done[file] = ended[index] = _again(earlier) if earlier else await stager.stage(file)
                progress(Finished(ended[index]))

    async with asyncio.TaskGroup() as workers:
        for _ in range(min(station.concurrency * _FILES_PER_CONNECTION, len(same_key))):
            workers.create_task(work())
    return [ended[index] for index in range(len(wanted))]


def _again(earlier: FileRecord) -> FileRecord:
    """A file that was asked for twice; what it cost is counted once."""
    state = FileState.PRESENT if earlier.state.in_store else earlier.state
    return replace(earlier, state=state, attempts=0, moved=0, resumed=0, seconds=0.0)


class _OtherContentError(RsAssetsError):
    """The key is taken by bytes that are not those wanted."""


class _Stager:
    """Stages one file after another."""

    def __init__(
        self, source: Source, sink: Sink, station: Station, record_order: RecordOrder | None, progress: Progress
    ) -> None:
        self._fetcher = Fetcher(source, station.retries, progress)
        self._sink = sink
        self._station = station
        self._record_order = record_order
        self._large = asyncio.Semaphore(station.concurrency)

    async def stage(self, file: FileRecord) -> FileRecord:
        """Move one file, or find it present; every error but a cancellation becomes its state."""
        stats = TransferStats()
        state, order = FileState.FAILED, file.order
        try:
            return await self._stored(file, stats)
        except (RsAssetsError, ValueError) as error:
            reason = str(error)
            match error:
                case NotYetError():
                    state, order = FileState.ORDERED, error.order
                case OrderLostError():
                    order = None
                case EvictedError():
                    state = FileState.EVICTED
                case StoreUnusableError():
                    self._fetcher.note(error)
        except Exception as error:
            _logger.exception("staging %s failed unexpectedly", file.object_key)
            reason = f"it could not be staged for an unexpected {type(error).__name__}; the log has the traceback"
        ended = stats.ended(file, state, reason=reason, order=order)
        if state is FileState.ORDERED:
            await self._keep_order(ended)
        return ended

    async def _keep_order(self, ordered: FileRecord) -> None:
        """Record an order at once; where that fails the outcome holds it still, and the other files go on."""
        try:
            if self._record_order is not None:
                await self._record_order(ordered)
        except RsAssetsError as error:
            _logger.warning("the order of %s is recorded only when the run ends: %s", ordered.object_key, error)

    async def _stored(self, file: FileRecord, stats: TransferStats) -> FileRecord:
        """Store the file under its key, or under the alternate one where that holds other bytes."""
        try:
            return await self._stored_under(file.object_key, file, stats)
        except _OtherContentError as error:
            key = file.alternate_key
            _logger.warning("%s; the new content goes to %s", error, key)
            return await self._stored_under(key, file, stats)

    async def _stored_under(self, key: str, file: FileRecord, stats: TransferStats) -> FileRecord:
        expectation = Expectation(file, self._station.verification)
        is_large = file.stated_size is None or file.stated_size > _SMALL_BYTES
        wait = _WaitForWriter(self._station.timeouts.slot, self._fetcher.progress)
        verified: Verified | None = None
        # Without result another process has published the key meanwhile; what it holds decides.
        while verified is None:
            try:
                async with self._large if is_large else nullcontext(), self._sink.writer(key) as writer:
                    if writer.present is not None:
                        state = FileState.PRESENT
                        verified = await self._present(writer.present, expectation)
                    else:
                        state = FileState.STAGED
                        verified = await self._fetcher.fetch(writer, file, expectation, stats)
            except TakenError as error:
                await wait.pause(error)
        return stats.ended(
            file,
            state,
            key=key,
            href=self._sink.href(key),
            size=verified.size,
            digest=verified.digest,
            warnings=file.warnings + verified.warnings,
        )

    async def _present(self, stored: StoredObject, expectation: Expectation) -> Verified:
        """What is under the key already.

        Raises:
            _OtherContentError: it is not what is wanted.
        """
        try:
            expectation.check_size(stored.size)
            return expectation.verify(stored.size, await self._sink.digest(stored.key, expectation.algorithm))
        except MismatchError as error:
            raise _OtherContentError(f"{stored.key} holds other content: {error}") from error


class _WaitForWriter:
    """The wait for an object that another process is writing, of `timeout` seconds at most."""

    def __init__(self, timeout: float, progress: Progress) -> None:
        self._timeout = timeout
        self._progress = progress
        self._since = time.monotonic()
        self._pause = _LOOK_AGAIN_S[0]
        self._has_said = False

    async def pause(self, error: TakenError) -> None:
        """Wait a moment before the next look.

        Raises:
            StoreError: it has been written for longer than the timeout; the message says by whom.
        """
        waited = time.monotonic() - self._since
        if waited >= self._timeout:
            raise StoreError(f"{error}, and was waited for {waited:.0f} s; timeouts.slot says how long") from error
        if waited >= _SAY_AFTER_S and not self._has_said:
            self._has_said = True
            reason = f"waiting for {waited:.0f} s: {error}"
            _logger.info("%s", reason)
            self._progress(Waiting(reason))
        await asyncio.sleep(min(self._pause, self._timeout - waited))
        self._pause = min(2 * self._pause, _LOOK_AGAIN_S[1])
