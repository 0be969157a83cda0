"""Ctrl-C on the command line: the first one ends the work, a second one the process."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_STANDARD_ERROR = 2
_SHOW_CURSOR = b"\x1b[?25h\n"
"""A progress bar that is not ended leaves the terminal without one."""


@contextmanager
def interrupted_with_status() -> Iterator[None]:
    """End the process with the status of Ctrl-C, and no more, if that comes outside of `run_interruptible`."""
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


def ending_at_second(on_first: Callable[[], None]) -> Callable[[int, int], None]:
    """What `run_interruptible` calls: `on_first` at the first signal; the second one ends the process at once."""

    def on_signal(number: int, count: int) -> None:
        if count == 1:
            on_first()
            return
        if os.isatty(_STANDARD_ERROR):
            os.write(_STANDARD_ERROR, _SHOW_CURSOR)
        os._exit(128 + number)

    return on_signal
