"""Ending a coroutine that a signal interrupts, so that it cleans up first."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

Result = TypeVar("Result")

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_STANDARD_ERROR = 2
_SHOW_CURSOR = b"\x1b[?25h\n"
"""A bar that is not ended leaves the terminal without one."""


class InterruptedBySignalError(Exception):
    """The coroutine was cancelled by a signal, and has cleaned up.

    Attributes:
        exit_status: what a process that was ended by the signal exits with.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_status = 128 + number


@contextmanager
def interrupted_with_status() -> Iterator[None]:
    """End the process with the status of Ctrl-C, and no more, if that comes outside of `run_interruptible`."""
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


def run_interruptible(work: Coroutine[Any, Any, Result], on_signal: Callable[[], None]) -> Result:
    """Run a coroutine to its end; Ctrl-C or SIGTERM cancels it, and a second one ends the process at once.

    Args:
        work: what to run.
        on_signal: called when the first signal has come.

    Raises:
        InterruptedBySignalError: a signal came before its end.
    """
    received: list[int] = []

    async def guarded() -> Result:
        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(work)

        def stop(number: int) -> None:
            if received:
                if os.isatty(_STANDARD_ERROR):
                    os.write(_STANDARD_ERROR, _SHOW_CURSOR)
                os._exit(128 + number)
            received.append(number)
            on_signal()
            task.cancel()

        for number in _SIGNALS:
            loop.add_signal_handler(number, stop, number)
        # The handlers stay until the loop is closed, so that a second signal ends the wait for its threads, too.
        return await task

    try:
        return asyncio.run(guarded())
    except asyncio.CancelledError:
        if not received:
            raise
        raise InterruptedBySignalError(received[0]) from None
