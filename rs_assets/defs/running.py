"""Running the library's coroutines inside a Dagster step: cancellable, and with progress in the run's log."""

import asyncio
import logging
import signal
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

import dagster as dg

from rs_assets.defs.life_signs import INTERVAL_S
from rs_assets.errors import RsAssetsError
from rs_assets.ingest import PartitionMessage, Tally
from rs_assets.ingest.progress import Ended
from rs_assets.ingest.tally import progress_line
from rs_assets.staging.progress import Paused

Result = TypeVar("Result")

_log = logging.getLogger(__name__)

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_LINE_EVERY_S = 5.0
"""How often a run's log says how far it has come, at most."""


def run_cancellable(work: Coroutine[Any, Any, Result], life_sign: Callable[[], None]) -> Result:
    """Run a coroutine to its end; when Dagster interrupts the step, cancel it, let it clean up, then go on.

    `life_sign` is called every few seconds, from a thread.

    Dagster raises its interruption out of the signal handler, wherever the event loop happens to be. While the
    loop runs, the handler cancels the coroutine instead; Dagster's own handler is called once it has ended.
    """
    interrupted: list[tuple[int, FrameType | None]] = []

    async def guarded() -> Result:
        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(work)
        pulse = asyncio.create_task(_pulse(life_sign))

        def cancel(number: int, frame: FrameType | None) -> None:
            interrupted.append((number, frame))
            loop.call_soon_threadsafe(task.cancel)

        handlers = {number: signal.signal(number, cancel) for number in _SIGNALS}
        try:
            return await task
        finally:
            pulse.cancel()
            for number, handler in handlers.items():
                signal.signal(number, handler)

    try:
        return asyncio.run(guarded())
    except asyncio.CancelledError:
        if not interrupted:
            raise
        number, frame = interrupted[0]
        handler = signal.getsignal(number)
        if callable(handler):
            handler(number, frame)
        raise KeyboardInterrupt from None


async def _pulse(life_sign: Callable[[], None]) -> None:
    while True:
        try:
            await asyncio.to_thread(life_sign)
        except RsAssetsError as error:
            _log.warning("no sign of life could be given: %s", error)
        await asyncio.sleep(INTERVAL_S)


@contextmanager
def readable_failures() -> Iterator[None]:
    """Let an error that a user can mend fail the step with its own sentence, instead of a traceback's."""
    try:
        yield
    except RsAssetsError as error:
        raise dg.Failure(str(error), allow_retries=False) from error


class LoggedProgress:
    """Tells a logger how far the run has come, once in a while, and what became of each partition."""

    def __init__(
        self, log: Callable[[str], None], partitions: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Expect so many partitions; `clock` gives seconds."""
        self._log = log
        self._clock = clock
        self._tally = Tally(partitions, clock=clock)
        self._last = clock()
        self._silent_until = self._last
        """The end of a pause that has been told of."""

    def __call__(self, message: PartitionMessage) -> None:
        """Take note of a message, and write a line if it is time."""
        self._tally(message)
        now = self._clock()
        match message.message:
            case Ended(report=report):
                self._log(str(report))
            case Paused(seconds=seconds) if seconds >= _LINE_EVERY_S and now >= self._silent_until:
                # Nothing else will be told before it is over.
                self._silent_until = now + seconds
                self._say(now)
            case _ if now - self._last >= _LINE_EVERY_S:
                self._say(now)

    def _say(self, now: float) -> None:
        self._last = now
        self._log(f"{self._tally.what}: {progress_line(self._tally)}")
