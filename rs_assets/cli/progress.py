"""Progress on the command line: a bar on a terminal, a line now and then elsewhere."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click

from rs_assets.ingest import Tally
from rs_assets.ingest.tally import progress_line

_LINE_S = (1.0, 30.0)
"""Shortest and longest time between two lines; the longer a run takes, the rarer they are."""
_LINES_GROW = 1 / 20


@contextmanager
def shown_progress(tally: Tally) -> Iterator[None]:
    """Show on standard error how far a run has come; what is printed meanwhile by `print` stands above the bar."""
    if sys.stderr.isatty():
        from rs_assets.cli.bar import TallyBar

        with TallyBar(tally):
            yield
        return
    ended = threading.Event()
    ticker = threading.Thread(target=_print_lines, args=(tally, ended), daemon=True)
    ticker.start()
    try:
        yield
    finally:
        ended.set()
        ticker.join()


def _print_lines(tally: Tally, ended: threading.Event) -> None:
    is_last, pause = False, _LINE_S[0]
    while not is_last:
        is_last = ended.wait(pause)
        so_far = f"[{tally.seconds:4.0f} s] {tally.done}/{tally.partitions} partitions, {progress_line(tally)}"
        click.echo(f"{so_far}; {tally.what}", err=True)
        pause = min(max(_LINE_S[0], tally.seconds * _LINES_GROW), _LINE_S[1])
