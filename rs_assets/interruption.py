"""Running a coroutine that a signal cancels, so that it cleans up first."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import Any, TypeVar

Result = TypeVar("Result")

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class InterruptedBySignalError(Exception):
    """The coroutine was cancelled by a signal, and has cleaned up.

    Attributes:
        number: of the signal.
        exit_status: what a process that was ended by the signal exits with.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number
        self.exit_status = 128 + number


def run_interruptible(work: Coroutine[Any, Any, Result], on_signal: Callable[[int, int], None]) -> Result:
    """Run a coroutine to its end; SIGINT or SIGTERM cancels it.

    While it runs, and while the threads that it has started end, the handlers of these signals are replaced.

    Args:
        work: what to run.
        on_signal: called with each signal's number, and how many have come with it.

    Raises:
        InterruptedBySignalError: a signal came before its end.
    """
    received: list[int] = []

    async def cancellable() -> Result:
        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(work)

        def cancel(number: int) -> None:
            received.append(number)
            on_signal(number, len(received))
            task.cancel()

        def handle(number: int, _: FrameType | None) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(cancel, number)

        for number in _SIGNALS:
            signal.signal(number, handle)
        return await task

    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        return asyncio.run(cancellable())
    except asyncio.CancelledError:
        if not received:
            raise
        raise InterruptedBySignalError(received[0]) from None
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
