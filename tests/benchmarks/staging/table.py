"""The table on the screen and in JSON, with the machine that it was made on."""

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks.servers import nginx_program, rclone_program
from tests.benchmarks.staging.ground import Ground, Place, file_system
from tests.benchmarks.staging.peers import CONCURRENCY
from tests.benchmarks.staging.rows import Line

_PACKAGES = ("aiohttp", "obstore", "blake3", "boto3", "requests")
_WIDTH = 170
"""Columns where the output is not a terminal."""


@dataclass(frozen=True)
class Machine:
    """What the figures were made on."""

    cores: int
    kernel: str
    python: str
    load: tuple[float, float, float]
    """Of the last 1, 5 and 15 minutes, before the benchmark began."""
    versions: Mapping[str, str]

    @classmethod
    def here(cls) -> "Machine":
        """This machine, now."""
        versions = {
            "nginx": _version(nginx_program(), "-v"),
            "curl": _version(shutil.which("curl"), "--version"),
            "md5sum": _version(shutil.which("md5sum"), "--version"),
            "rclone": _version(rclone_program(), "version"),
        }
        for package in _PACKAGES:
            try:
                versions[package] = importlib.metadata.version(package)
            except importlib.metadata.PackageNotFoundError:
                versions[package] = "not installed"
        return cls(os.cpu_count() or 1, platform.release(), platform.python_version(), os.getloadavg(), versions)

    @property
    def text(self) -> str:
        """Two lines for the head of the table."""
        load = ", ".join(f"{value:.2f}" for value in self.load)
        return f"{self.cores} cores, Linux {self.kernel}, Python {self.python}, load before {load}\n" + "; ".join(
            f"{name} {version}" for name, version in self.versions.items()
        )


def screen() -> Console:
    """Where the table is printed, wide enough for it where that is not a terminal."""
    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, _WIDTH)
    return console


def show(console: Console, machine: Machine, ground: Ground, lines: Sequence[Line]) -> None:
    """Print the table and what has to be known to read it."""
    console.print(machine.text, highlight=False)
    console.print("; ".join(f"{name} = {recipe.text}" for name, recipe in ground.recipes.items()), highlight=False)
    table = Table("row", "what", "sink", "ours", "peer", "", "result", "goal", "")
    for line in lines:
        table.add_row(*_cells(line))
    console.print(table)
    for line in lines:
        for remark in line.figure.remarks if line.figure else ():
            console.print(f"{line.row.name}: {remark}", highlight=False)
    for text in _notes(ground):
        console.print(f"· {text}", highlight=False)


def document(machine: Machine, ground: Ground, lines: Sequence[Line]) -> dict[str, Any]:
    """The table with the figures of every round, as a JSON document."""
    return {
        "machine": asdict(machine),
        "quick": ground.quick,
        "rounds": ground.rounds,
        "workloads": {name: recipe.text for name, recipe in ground.recipes.items()},
        "rows": [
            {
                "name": line.row.name,
                "text": line.row.text,
                "sink": line.row.place.value,
                "goal": str(line.row.goal),
                "unit": line.row.unit,
                "reason": line.reason,
                "failed": line.failed,
                "met": line.row.goal.met(line.figure.value) if line.figure else None,
                **(asdict(line.figure) if line.figure else {}),
            }
            for line in lines
        ],
    }


def _cells(line: Line) -> list[str]:
    row, figure = line.row, line.figure
    sink = {Place.TMPFS: "tmpfs, fsync", Place.DISK: "disk, fsync", Place.S3: "S3 by rclone"}[row.place]
    if figure is None:
        verdict = "[red]failed[/]" if line.failed else "[yellow]skipped[/]"
        return [row.name, f"{row.text}\n{line.reason}", sink, "–", "–", "", "–", str(row.goal), verdict]
    sides = [f"{value:.3g} {row.unit}" for value in figure.middle.values()]
    peer = list(figure.middle)[1] if len(sides) > 1 else ""
    verdict = "[green]met[/]" if row.goal.met(figure.value) else "[red]missed[/]"
    result = f"{figure.value:.3g} {row.goal.unit}"
    return [row.name, row.text, sink, sides[0], sides[1] if peer else "", peer, result, str(row.goal), verdict]


def _notes(ground: Ground) -> list[str]:
    count = "one round" if ground.rounds == 1 else f"{ground.rounds} interleaved rounds"
    memory, disk = (f"{file_system(path)} at {path.parent.resolve()}" for path in (ground.root, ground.disk))
    return [
        f"Median of {count} (memory: the largest). Workloads and servers: {memory}; disk: {disk}.",
        f"Ours: {CONCURRENCY} connections; time and CPU without interpreter start and imports; each file lies in "
        "directories of its own, as its key says, and is fsynced with them before it is published.",
        "curl and rclone: the whole process; curl's files lie in one directory and in the page cache (no fsync). The "
        "reference pattern: without imports. The servers' CPU is in no figure, yet they share the cores.",
        f"The capped station gives {ground.cap_bytes >> 20} MiB/s for each answer.",
    ]


def _version(program: str | None, *arguments: str) -> str:
    if program is None:
        return "not installed"
    ended = subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=20)
    number = re.search(r"\d+(\.\d+)+", ended.stdout or ended.stderr)
    return number[0] if number else "of unknown version"
