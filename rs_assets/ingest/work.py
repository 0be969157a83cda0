"""What a run has begun is noted in the state until it is done, so that it is done though the run dies."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from rs_assets.ingest.platform import Platform
from rs_assets.ingest.steps import Step
from rs_assets.items.times import utc_now

_WORKERS = "work"
"""Folder of the mutexes of those who are at work."""


@dataclass(frozen=True, slots=True)
class Work:
    """What one run has begun."""

    platform: Platform
    station: str
    steps: frozenset[Step]
    begun_at: datetime
    """Aware UTC."""

    async def done(self, partition: str) -> None:
        """Note that a partition went through all steps of the run.

        Raises:
            StateError: it cannot be noted.
        """
        unfinished = self.platform.unfinished
        await asyncio.to_thread(unfinished.done, self.station, partition, self.steps, begun_at=self.begun_at)


@asynccontextmanager
async def at_work(
    platform: Platform, station: str, partitions: Collection[str], steps: frozenset[Step]
) -> AsyncIterator[Work]:
    """Begin work on partitions of a station: nobody else takes it up while the block runs and the process lives.

    Raises:
        StateError, LockError: the state or its locks cannot be used.
    """
    worker, work = uuid4().hex, Work(platform, station, steps, utc_now())
    held = platform.locks.try_lock(f"{_WORKERS}/{worker}", transient=True)
    try:
        await asyncio.to_thread(platform.unfinished.want, station, partitions, steps, at=work.begun_at, worker=worker)
        yield work
    finally:
        if held is not None:
            held.release()


def workers(platform: Platform) -> Collection[str]:
    """Those who are at work, in whichever process, as `UnfinishedWork.worker` names them."""
    return platform.locks.locked(_WORKERS)
