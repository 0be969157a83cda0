"""The engine: many files through one source into one sink, each of them with an outcome."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from rs_assets.errors import AuthenticationError, RsAssetsError
from rs_assets.settings import Retries, Verification
from rs_assets.staging.faults import EvictedError, MismatchError, PassingError, StoreUnusableError, UnavailableError
from rs_assets.staging.progress import Finished, Moved, Progress, Started, unobserved
from rs_assets.staging.sinks import Sink, Writer
from rs_assets.staging.source import Source
from rs_assets.staging.transfer import Transfer, TransferOutcome, TransferStatus
from rs_assets.staging.verification import Expectation, Passage, Verified
from rs_assets.stations.backoff import wait_before

_BATCH_BYTES = 1 << 20
_GIVE_UP_AFTER = 5
"""Files in a row that an unavailable station did not give, after which the others are not asked for."""

_logger = logging.getLogger(__name__)


async def stage_files(
    transfers: Iterable[Transfer],
    source: Source,
    sink: Sink,
    *,
    verification: Verification,
    retries: Retries,
    concurrency: int,
    progress: Progress | None = None,
) -> list[TransferOutcome]:
    """Move files into the sink, and verify them on the way.

    A file whose key is in the sink already is read again there instead of being moved. A key that holds other
    bytes is left alone, and the new ones go to `Transfer.alternate_key`. A key that comes twice is moved once.

    After a fault that every file would meet (refused credentials, a station that is down, a full store), the files
    that are not yet being moved fail at once, with that reason.

    Args:
        transfers: the files.
        source: where they are read from, already entered.
        sink: where they go.
        verification: what a wrong size or checksum means.
        retries: how often, and after which waits, a file is tried again.
        concurrency: most files at the same time.
        progress: told what happens.

    Returns:
        One outcome for each transfer, in their order. No fault of a file is raised.

    Raises:
        StoreError: the sink could not be prepared.
    """
    wanted = list(transfers)
    tell = progress or unobserved
    tell(Started(len(wanted), sum(transfer.size or 0 for transfer in wanted)))
    await sink.tidy()

    same_key: dict[str, list[int]] = {}
    for index, transfer in enumerate(wanted):
        same_key.setdefault(transfer.key, []).append(index)
    outcomes: dict[int, TransferOutcome] = {}
    waiting = iter(same_key.values())
    stager = _Stager(source, sink, verification, retries, tell)

    async def work() -> None:
        for indices in waiting:
            done: dict[Transfer, TransferOutcome] = {}
            for index in indices:
                transfer = wanted[index]
                earlier = done.get(transfer)
                outcomes[index] = _again(earlier) if earlier else await stager.stage(transfer)
                done[transfer] = outcomes[index]
                tell(Finished(outcomes[index]))

    async with asyncio.TaskGroup() as workers:
        for _ in range(max(1, min(concurrency, len(same_key)))):
            workers.create_task(work())
    return [outcomes[index] for index in range(len(wanted))]


def _again(earlier: TransferOutcome) -> TransferOutcome:
    """The outcome of a transfer that was asked for twice; what it cost is counted once."""
    status = TransferStatus.PRESENT if earlier.in_store else earlier.status
    return replace(earlier, status=status, attempts=0, moved=0, seconds=0.0)


@dataclass(slots=True)
class _Effort:
    """What one file has cost so far."""

    begun: float = field(default_factory=time.monotonic)
    attempts: int = 0
    moved: int = 0


class _OtherContentError(RsAssetsError):
    """The key is taken by bytes that are not those wanted."""


class _GivenUpError(RsAssetsError):
    """The file was not asked for, because of a fault that every file meets."""


class _Stager:
    """Stages one file after another, and remembers the faults that every file would meet."""

    def __init__(
        self, source: Source, sink: Sink, verification: Verification, retries: Retries, tell: Progress
    ) -> None:
        self._source = source
        self._sink = sink
        self._verification = verification
        self._retries = retries
        self._tell = tell
        self._end: RsAssetsError | None = None
        self._ended = asyncio.Event()
        self._unavailable_in_a_row = 0

    async def stage(self, transfer: Transfer) -> TransferOutcome:
        """Move one file, or find it present; every fault but a cancellation becomes the outcome."""
        effort = _Effort()
        try:
            outcome = await self._placed(transfer, effort)
        except EvictedError as error:
            outcome = TransferOutcome(transfer, TransferStatus.EVICTED, reason=str(error))
        except (RsAssetsError, ValueError) as error:
            self._note(error)
            outcome = TransferOutcome(transfer, TransferStatus.FAILED, reason=str(error))
        except Exception as error:
            _logger.exception("staging %s failed unexpectedly", transfer.key)
            reason = f"unexpected {type(error).__name__}; the log says more"
            outcome = TransferOutcome(transfer, TransferStatus.FAILED, reason=reason)
        seconds = time.monotonic() - effort.begun
        return replace(outcome, attempts=effort.attempts, moved=effort.moved, seconds=seconds)

    async def _placed(self, transfer: Transfer, effort: _Effort) -> TransferOutcome:
        """Move the file under its key, or under the alternate one where that holds other bytes."""
        expectation = Expectation(transfer, self._verification)
        try:
            return await self._under(transfer.key, transfer, expectation, effort)
        except _OtherContentError as error:
            key = transfer.alternate_key
            _logger.warning("%s; the new content goes to %s", error, key)
            return await self._under(key, transfer, expectation, effort)

    async def _under(self, key: str, transfer: Transfer, expectation: Expectation, effort: _Effort) -> TransferOutcome:
        status, verified = TransferStatus.PRESENT, await self._present(key, expectation)
        while verified is None:
            status, verified = TransferStatus.STAGED, await self._fetched(key, transfer, expectation, effort)
            if verified is None:
                # Another process has published the key meanwhile; what it holds decides.
                status, verified = TransferStatus.PRESENT, await self._present(key, expectation)
        return TransferOutcome(
            transfer,
            status,
            key=key,
            href=self._sink.href(key),
            size=verified.size,
            digest=verified.digest,
            warnings=verified.warnings,
        )

    async def _present(self, key: str, expectation: Expectation) -> Verified | None:
        stored = await self._sink.find(key)
        if stored is None:
            return None
        try:
            expectation.check_size(stored.size)
            return expectation.verify(stored.size, await self._sink.digest(key, expectation.algorithm))
        except MismatchError as error:
            raise _OtherContentError(f"{key} holds other content: {error}") from error

    async def _fetched(
        self, key: str, transfer: Transfer, expectation: Expectation, effort: _Effort
    ) -> Verified | None:
        """Move the bytes, again where that may help; None if the key was taken meanwhile."""
        mismatched = False
        while True:
            if self._end is not None:
                raise _GivenUpError(f"given up, because every file would meet this fault: {self._end}")
            effort.attempts += 1
            last = effort.attempts >= self._retries.attempts
            try:
                return await self._received(key, transfer, expectation, effort, fresh=mismatched)
            except PassingError as error:
                if last:
                    raise
                await self._pause(wait_before(effort.attempts + 1, self._retries, error.retry_after))
            except MismatchError:
                if last or mismatched:
                    raise
                mismatched = True

    async def _received(
        self, key: str, transfer: Transfer, expectation: Expectation, effort: _Effort, *, fresh: bool
    ) -> Verified | None:
        """One attempt; None if the key was taken meanwhile."""
        async with self._source.open(transfer.href, fresh=fresh) as answer:
            self._unavailable_in_a_row = 0
            expectation.check_announced(answer.length)
            room = transfer.size if answer.length is None else answer.length
            async with self._sink.writer(key, room) as writer:
                passage = Passage(expectation)
                await self._pass_on(answer.chunks, passage, writer, key, effort)
                verified = passage.finish()
                return verified if await writer.commit() else None

    async def _pass_on(
        self, chunks: AsyncIterator[bytes], passage: Passage, writer: Writer, key: str, effort: _Effort
    ) -> None:
        # One hop to a thread for every MiB: hashing in the loop is slower, and a hop for every chunk as well.
        loop = asyncio.get_running_loop()
        batch: list[bytes] = []
        size = 0

        async def flush() -> None:
            await loop.run_in_executor(None, _hash_and_write, batch, passage, writer)
            self._tell(Moved(key, size))

        async for chunk in chunks:
            batch.append(chunk)
            size += len(chunk)
            effort.moved += len(chunk)
            if size >= _BATCH_BYTES:
                await flush()
                batch, size = [], 0
        if batch:
            await flush()

    def _note(self, error: Exception) -> None:
        """End the run's requests after a fault that every file would meet."""
        if isinstance(error, UnavailableError):
            self._unavailable_in_a_row += 1
        final = isinstance(error, AuthenticationError | StoreUnusableError)
        if isinstance(error, RsAssetsError) and (final or self._unavailable_in_a_row >= _GIVE_UP_AFTER):
            self._end = self._end or error
            self._ended.set()

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ended.wait()


def _hash_and_write(batch: list[bytes], passage: Passage, writer: Writer) -> None:
    for data in batch:
        passage.update(data)
        writer.write(data)
