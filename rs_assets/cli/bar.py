"""Progress on the command line: a bar on a terminal, a line a second elsewhere."""

import threading
import time
from types import TracebackType
from typing import Self

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from rs_assets.ingest import PartitionMessage, Published, Searched
from rs_assets.staging.progress import Finished, Moved, Started

_MEGABYTE = 1e6


class IngestProgress:
    """Shows how far a run over some partitions has come; a context manager and an observer of messages."""

    def __init__(self, partitions: int) -> None:
        """Expect so many partitions."""
        self._partitions = partitions
        self._done = 0
        self._files = 0
        self._expected_files = 0
        self._bytes = 0
        self._what = "starting"
        self._began = time.monotonic()
        self._ended = threading.Event()
        console = Console(stderr=True)
        self._bar = (
            Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("partitions, {task.fields[files]} files, {task.fields[moved]}"),
                TimeElapsedColumn(),
                console=console,
            )
            if console.is_terminal
            else None
        )
        self._ticker = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._task = self._bar.add_task(self._what, total=self._partitions, files=0, moved="0 MB")
            self._bar.start()
        self._ticker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        self._ticker.join()
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, message: PartitionMessage) -> None:
        """Take note of a message."""
        key = message.partition.key
        match message.message:
            case Searched(found=found):
                self._what = f"{key}: {found} found"
            case Started(files=files):
                self._expected_files += files
                self._what = f"{key}: staging"
            case Moved(bytes=size):
                self._bytes += size
            case Finished():
                self._files += 1
            case Published():
                self._done += 1
                self._what = f"{key}: catalogued"

    def say(self, what: str) -> None:
        """Show what is going on."""
        self._what = what

    def _tick(self) -> None:
        every = 0.1 if self._bar is not None else 1.0
        while not self._ended.wait(every):
            self._show()
        self._show()

    def _show(self) -> None:
        if self._bar is not None:
            self._bar.update(
                self._task,
                completed=self._done,
                description=self._what,
                files=self._files,
                moved=f"{self._bytes / _MEGABYTE:.1f} MB",
            )
            return
        click.echo(
            f"[{time.monotonic() - self._began:4.0f} s] {self._done}/{self._partitions} partitions, "
            f"{self._files}/{self._expected_files} files, {self._bytes / _MEGABYTE:.1f} MB; {self._what}",
            err=True,
        )
