"""Progress on the command line: a bar on a terminal, a line now and then elsewhere."""

import sys
import threading
from types import TracebackType
from typing import Self

import click
from rich.console import Console, Group, RenderableType
from rich.constrain import Constrain
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from rs_assets.ingest import PartitionMessage, Tally
from rs_assets.ingest.tally import progress_line

_FRAMES_PER_SECOND = 8
_LINE_S = (1.0, 30.0)
"""Shortest and longest time between two lines; the longer a run takes, the rarer they are."""
_LINES_GROW = 1 / 20
_MARGIN = 3


class IngestProgress:
    """Shows how far a run over some partitions has come; a context manager and an observer of messages.

    What is printed meanwhile stands above the bar, which vanishes at the end.
    """

    def __init__(self, tally: Tally) -> None:
        """Show what `tally` adds up."""
        self._tally = tally
        self._ended = threading.Event()
        self._console = Console(stderr=True)
        self._bar: Live | None = None
        if self._console.is_terminal:
            self._bar = Live(
                get_renderable=self._picture,
                console=self._console,
                refresh_per_second=_FRAMES_PER_SECOND,
                transient=True,
                redirect_stdout=sys.stdout.isatty(),
            )
        self._ticker = threading.Thread(target=self._tell, daemon=True)

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        else:
            self._ticker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
        else:
            self._ended.set()
            self._ticker.join()

    def __call__(self, message: PartitionMessage) -> None:
        """Take note of a message."""
        self._tally(message)

    def say(self, what: str) -> None:
        """Show what is going on."""
        self._tally.say(what)

    def print(self, line: str) -> None:
        """Print a line to standard output."""
        # Not by click, which would write to the terminal past the bar.
        print(line, flush=True)

    def _tell(self) -> None:
        pause = _LINE_S[0]
        while not self._ended.wait(pause):
            self._print_line()
            pause = min(max(_LINE_S[0], self._tally.seconds * _LINES_GROW), _LINE_S[1])
        self._print_line()

    def _print_line(self) -> None:
        tally = self._tally
        click.echo(
            f"[{tally.seconds:4.0f} s] {tally.done}/{tally.partitions} partitions, {progress_line(tally)}; "
            f"{tally.what}",
            err=True,
        )

    def _picture(self) -> RenderableType:
        """Two lines: what is going on, and how far it has come."""
        tally = self._tally
        place = f"[{min(tally.done + 1, tally.partitions)}/{tally.partitions}] " if tally.partitions > 1 else ""
        troubles = [f"{tally.failed_partitions} partitions failed"] if tally.failed_partitions else []
        left = tally.seconds_left
        when = f"{_time(tally.seconds)} so far" if left is None else f"{_time(left)} left"
        figures = f"{progress_line(tally)}, {when}"
        line = Table.grid(expand=True, padding=(0, 1))
        line.add_column(ratio=1, min_width=10)
        line.add_column(no_wrap=True, overflow="ellipsis")
        line.add_row(ProgressBar(total=1.0, completed=tally.share), Text(figures))
        what = Text(place + tally.what, no_wrap=True, overflow="ellipsis")
        if troubles:
            what.append(f"  {', '.join(troubles)}", style="red")
        # The "^C" that a terminal shows must not begin another line, which the bar would not wipe away.
        return Constrain(Group(what, line), self._console.width - _MARGIN)


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
