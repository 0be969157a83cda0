"""Running the library's coroutines inside a Dagster step: cancellable, and with progress in the run's log."""

import asyncio
import logging
import signal
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg

from rs_assets.defs.heartbeats import INTERVAL_S
from rs_assets.errors import RsAssetsError
from rs_assets.ingest import PartitionMessage, Tally
from rs_assets.ingest.steps import Ended
from rs_assets.ingest.tally import progress_line
from rs_assets.interruption import InterruptedBySignalError, Result, run_interruptible
from rs_assets.staging.messages import Paused, Waiting

_log = logging.getLogger(__name__)

_LINE_EVERY_S = 5.0
"""How often a run's log says how far it has come, at most."""


def run_with_heartbeats(work: Coroutine[Any, Any, Result], heartbeat: Callable[[], None]) -> Result:
    """Run a coroutine to its end; when Dagster interrupts the step, cancel it, let it clean up, then go on.

    `heartbeat` is called every few seconds, from a thread.

    Dagster raises its interruption out of the signal handler, wherever the event loop happens to be; so its handler
    is called only once the coroutine has ended.
    """
    try:
        return run_interruptible(_with_heartbeats(work, heartbeat), lambda *_: None)
    except InterruptedBySignalError as error:
        handler = signal.getsignal(error.number)
        if callable(handler):
            handler(error.number, None)
        raise KeyboardInterrupt from None


async def _with_heartbeats(work: Coroutine[Any, Any, Result], heartbeat: Callable[[], None]) -> Result:
    pulse = asyncio.create_task(_pulse(heartbeat))
    try:
        return await work
    finally:
        pulse.cancel()


async def _pulse(heartbeat: Callable[[], None]) -> None:
    while True:
        try:
            await asyncio.to_thread(heartbeat)
        except RsAssetsError as error:
            _log.warning("the heartbeat could not be recorded: %s", error)
        await asyncio.sleep(INTERVAL_S)


@contextmanager
def readable_failures() -> Iterator[None]:
    """Fail the step with the message of an error that a user can fix, instead of its traceback."""
    try:
        yield
    except RsAssetsError as error:
        raise dg.Failure(str(error), allow_retries=False) from error


class LoggedProgress:
    """Logs how far the run has come, once in a while, and what became of each partition."""

    def __init__(
        self, log: Callable[[str], None], partitions: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Expect so many partitions; `clock` gives seconds."""
        self._log = log
        self._clock = clock
        self._tally = Tally(partitions, clock=clock)
        self._last = clock()
        self._silent_until = self._last
        """The end of a pause that was logged."""

    def __call__(self, message: PartitionMessage) -> None:
        """Take note of a message, and write a line if it is time."""
        self._tally(message)
        now = self._clock()
        match message.message:
            case Ended(report=report):
                self._log(str(report))
            case Paused(seconds=seconds) if seconds >= _LINE_EVERY_S and now >= self._silent_until:
                # Nothing else is sent before it is over.
                self._silent_until = now + seconds
                self._say(now)
            case Waiting():
                self._say(now)
            case _ if now - self._last >= _LINE_EVERY_S:
                self._say(now)

    def _say(self, now: float) -> None:
        self._last = now
        self._log(f"{self._tally.what}: {progress_line(self._tally)}")
