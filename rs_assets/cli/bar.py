"""The progress bar of a terminal."""

import sys
from collections.abc import Iterator
from datetime import timedelta

from rich.console import Console, Group, RenderableType
from rich.constrain import Constrain
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Column
from rich.text import Text

from rs_assets.ingest import Tally
from rs_assets.ingest.tally import progress_line

_FRAMES_PER_SECOND = 8
_MARGIN = 3
"""Columns kept free: the "^C" that a terminal shows must not begin another line, which the bar would not erase."""


class TallyBar(Progress):
    """Two lines that show a tally, and vanish at the end: what is going on, and the bar with its figures."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._terminal = Console(stderr=True)
        super().__init__(
            BarColumn(bar_width=None, table_column=Column(ratio=1, min_width=10)),
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")),
            console=self._terminal,
            refresh_per_second=_FRAMES_PER_SECOND,
            transient=True,
            redirect_stdout=sys.stdout.isatty(),
            expand=True,
        )
        self.add_task("", total=1.0)

    def get_renderables(self) -> Iterator[RenderableType]:
        """Read the tally anew for each frame."""
        tally = self._tally
        place = f"[{min(tally.done + 1, tally.partitions)}/{tally.partitions}] " if tally.partitions > 1 else ""
        what = Text(place + tally.what, no_wrap=True, overflow="ellipsis")
        if tally.failed_partitions:
            what.append(f"  {tally.failed_partitions} partitions failed", style="red")
        left = tally.seconds_left
        when = f"{_time(tally.seconds)} so far" if left is None else f"{_time(left)} left"
        for task in self.tasks:
            self.update(task.id, completed=tally.share, description=f"{progress_line(tally)}, {when}")
        yield Constrain(Group(what, self.make_tasks_table(self.tasks)), self._terminal.width - _MARGIN)


def _time(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
