"""The engine: many files through one source into one sink, each of them with an outcome."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import replace

from rs_assets.errors import RsAssetsError
from rs_assets.settings import Retries, Verification
from rs_assets.staging.faults import EvictedError, MismatchError, StoreUnusableError, TakenError
from rs_assets.staging.fetching import Effort, Fetcher
from rs_assets.staging.progress import Finished, Progress, Started, unobserved
from rs_assets.staging.sinks import Sink, StoredObject
from rs_assets.staging.sources import Source
from rs_assets.staging.transfer import Transfer, TransferOutcome, TransferStatus
from rs_assets.staging.verification import Expectation, Verified

_SMALL_BYTES = 1 << 20
"""A file of which so little is stated may wait for the store while others have its connection."""
_FILES_PER_CONNECTION = 8
"""Small files at work at the same time, most of which wait for the store."""
_LOOK_AGAIN_S = (0.1, 2.0)
"""First and longest wait for an object that another process is writing, in seconds; it doubles."""

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
    bytes is left alone, and the new ones go to `Transfer.alternate_key`. A key that comes twice is moved once; one
    that another process is writing is waited for.

    After a fault that every file would meet (refused credentials, a station that is down, a full store), the files
    that are not yet being moved fail at once, with that reason.

    Args:
        transfers: the files.
        source: where they are read from, already entered.
        sink: where they go.
        verification: what a wrong size or checksum means.
        retries: how often, and after which waits, a file is tried again.
        concurrency: most large files at the same time; the source's own limits say how many connections there are.
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
    waiting = deque(same_key.values())
    stager = _Stager(Fetcher(source, retries, tell), sink, verification, concurrency)

    async def work() -> None:
        while waiting:
            indices = waiting.popleft()
            done: dict[Transfer, TransferOutcome] = {}
            for index in indices:
                transfer = wanted[index]
                earlier = done.get(transfer)
                outcomes[index] = _again(earlier) if earlier else await stager.stage(transfer)
                done[transfer] = outcomes[index]
                tell(Finished(outcomes[index]))

    async with asyncio.TaskGroup() as workers:
        for _ in range(min(max(1, concurrency) * _FILES_PER_CONNECTION, len(same_key))):
            workers.create_task(work())
    return [outcomes[index] for index in range(len(wanted))]


def _again(earlier: TransferOutcome) -> TransferOutcome:
    """The outcome of a transfer that was asked for twice; what it cost is counted once."""
    status = TransferStatus.PRESENT if earlier.in_store else earlier.status
    return replace(earlier, status=status, attempts=0, moved=0, resumed=0, seconds=0.0)


class _OtherContentError(RsAssetsError):
    """The key is taken by bytes that are not those wanted."""


class _Stager:
    """Stages one file after another."""

    def __init__(self, fetcher: Fetcher, sink: Sink, verification: Verification, concurrency: int) -> None:
        self._fetcher = fetcher
        self._sink = sink
        self._verification = verification
        self._large = asyncio.Semaphore(max(1, concurrency))

    async def stage(self, transfer: Transfer) -> TransferOutcome:
        """Move one file, or find it present; every fault but a cancellation becomes the outcome."""
        effort = Effort()
        try:
            async with AsyncExitStack() as turn:
                if transfer.size is None or transfer.size > _SMALL_BYTES:
                    await turn.enter_async_context(self._large)
                outcome = await self._placed(transfer, effort)
        except EvictedError as error:
            outcome = TransferOutcome(transfer, TransferStatus.EVICTED, reason=str(error))
        except (RsAssetsError, ValueError) as error:
            if isinstance(error, StoreUnusableError):
                self._fetcher.note(error)
            outcome = TransferOutcome(transfer, TransferStatus.FAILED, reason=str(error))
        except Exception as error:
            _logger.exception("staging %s failed unexpectedly", transfer.key)
            reason = f"unexpected {type(error).__name__}; the log says more"
            outcome = TransferOutcome(transfer, TransferStatus.FAILED, reason=reason)
        seconds = time.monotonic() - effort.begun
        return replace(outcome, attempts=effort.attempts, moved=effort.moved, resumed=effort.resumed, seconds=seconds)

    async def _placed(self, transfer: Transfer, effort: Effort) -> TransferOutcome:
        """Move the file under its key, or under the alternate one where that holds other bytes."""
        expectation = Expectation(transfer, self._verification)
        try:
            return await self._under(transfer.key, transfer, expectation, effort)
        except _OtherContentError as error:
            key = transfer.alternate_key
            _logger.warning("%s; the new content goes to %s", error, key)
            return await self._under(key, transfer, expectation, effort)

    async def _under(self, key: str, transfer: Transfer, expectation: Expectation, effort: Effort) -> TransferOutcome:
        pause, longest = _LOOK_AGAIN_S
        while True:
            try:
                async with self._sink.writer(key) as writer:
                    if writer.present is not None:
                        status = TransferStatus.PRESENT
                        verified: Verified | None = await self._present(writer.present, expectation)
                    else:
                        status = TransferStatus.STAGED
                        verified = await self._fetcher.fetch(writer, transfer, expectation, effort)
            except TakenError:
                await asyncio.sleep(pause)
                pause = min(2 * pause, longest)
                continue
            if verified is not None:
                break
            # Another process has published the key meanwhile; what it holds decides.
        return TransferOutcome(
            transfer,
            status,
            key=key,
            href=self._sink.href(key),
            size=verified.size,
            digest=verified.digest,
            warnings=verified.warnings,
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
