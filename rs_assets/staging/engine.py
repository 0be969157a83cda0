"""The engine: many files through one source into one sink, each of them with an outcome."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import replace

from rs_assets.errors import RsAssetsError
from rs_assets.items.files import FileRecord, FileState
from rs_assets.settings import Retries, Verification
from rs_assets.staging.fetching import Fetcher, TransferStats
from rs_assets.staging.messages import Finished, Progress, Started, unobserved
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

RecordOrder = Callable[[FileRecord], Awaitable[None]]
"""Keeps a file's order."""

_logger = logging.getLogger(__name__)


async def stage_files(
    files: Iterable[FileRecord],
    source: Source,
    sink: Sink,
    *,
    verification: Verification,
    retries: Retries,
    concurrency: int,
    record_order: RecordOrder | None = None,
    progress: Progress | None = None,
) -> list[FileRecord]:
    """Move files into the sink, and verify them on the way.

    A file whose key is in the sink already is read again there instead of being moved. A key that holds other
    bytes is left alone, and the new ones go to `FileRecord.alternate_key`. A key that comes twice is moved once; one
    that another process is writing is waited for.

    After a fault that every file would meet (refused credentials, a station that is down, a full store), the files
    that are not yet being moved fail at once, with that reason.

    Args:
        files: what to move.
        source: where they are read from, already entered.
        sink: where they go.
        verification: what a wrong size or checksum means.
        retries: how often, and after which waits, a file is tried again.
        concurrency: most large files at the same time; the source's own limits say how many connections there are.
        record_order: called with each file that has been ordered, at once: an order outlives the process.
        progress: told what happens.

    Returns:
        The files in their order, with what has become of each. No fault of a file is raised.

    Raises:
        StoreError: the sink could not be prepared.
    """
    wanted = list(files)
    tell = progress or unobserved
    tell(Started(len(wanted), sum(file.stated_size or 0 for file in wanted)))
    await sink.tidy()

    same_key: dict[str, list[int]] = {}
    for index, file in enumerate(wanted):
        same_key.setdefault(file.object_key, []).append(index)
    ended: dict[int, FileRecord] = {}
    waiting = deque(same_key.values())
    stager = _Stager(Fetcher(source, retries, tell), sink, verification, concurrency, record_order)

    async def work() -> None:
        while waiting:
            indices = waiting.popleft()
            done: dict[FileRecord, FileRecord] = {}
            for index in indices:
                file = wanted[index]
                earlier = done.get(file)
                ended[index] = _again(earlier) if earlier else await stager.stage(file)
                done[file] = ended[index]
                tell(Finished(ended[index]))

    async with asyncio.TaskGroup() as workers:
        for _ in range(min(max(1, concurrency) * _FILES_PER_CONNECTION, len(same_key))):
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
        self,
        fetcher: Fetcher,
        sink: Sink,
        verification: Verification,
        concurrency: int,
        record_order: RecordOrder | None,
    ) -> None:
        self._record_order = record_order
        self._fetcher = fetcher
        self._sink = sink
        self._verification = verification
        self._large = asyncio.Semaphore(max(1, concurrency))

    async def stage(self, file: FileRecord) -> FileRecord:
        """Move one file, or find it present; every fault but a cancellation becomes its state."""
        stats = TransferStats()
        try:
            async with AsyncExitStack() as turn:
                if file.stated_size is None or file.stated_size > _SMALL_BYTES:
                    await turn.enter_async_context(self._large)
                return await self._placed(file, stats)
        except NotYetError as error:
            ordered = stats.ended(file, FileState.ORDERED, reason=str(error), order=error.order)
            await self._keep_order(ordered)
            return ordered
        except OrderLostError as error:
            return stats.ended(file, FileState.FAILED, reason=str(error), order=None)
        except EvictedError as error:
            return stats.ended(file, FileState.EVICTED, reason=str(error))
        except (RsAssetsError, ValueError) as error:
            if isinstance(error, StoreUnusableError):
                self._fetcher.note(error)
            return stats.ended(file, FileState.FAILED, reason=str(error))
        except Exception as error:
            _logger.exception("staging %s failed unexpectedly", file.object_key)
            reason = f"it could not be staged for an unexpected {type(error).__name__}; the log has the traceback"
            return stats.ended(file, FileState.FAILED, reason=reason)

    async def _keep_order(self, ordered: FileRecord) -> None:
        """Record an order at once; where that fails the outcome holds it still, and the other files go on."""
        try:
            if self._record_order is not None:
                await self._record_order(ordered)
        except RsAssetsError as error:
            _logger.warning("the order of %s is recorded only when the run ends: %s", ordered.object_key, error)

    async def _placed(self, file: FileRecord, stats: TransferStats) -> FileRecord:
        """Move the file under its key, or under the alternate one where that holds other bytes."""
        expectation = Expectation(file, self._verification)
        try:
            return await self._under(file.object_key, file, expectation, stats)
        except _OtherContentError as error:
            key = file.alternate_key
            _logger.warning("%s; the new content goes to %s", error, key)
            return await self._under(key, file, expectation, stats)

    async def _under(self, key: str, file: FileRecord, expectation: Expectation, stats: TransferStats) -> FileRecord:
        pause, longest = _LOOK_AGAIN_S
        while True:
            try:
                async with self._sink.writer(key) as writer:
                    if writer.present is not None:
                        state = FileState.PRESENT
                        verified: Verified | None = await self._present(writer.present, expectation)
                    else:
                        state = FileState.STAGED
                        verified = await self._fetcher.fetch(writer, file, expectation, stats)
            except TakenError:
                await asyncio.sleep(pause)
                pause = min(2 * pause, longest)
                continue
            if verified is not None:
                break
            # Another process has published the key meanwhile; what it holds decides.
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
