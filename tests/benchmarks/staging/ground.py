"""Where the benchmark happens: scratch directories, the station, the workloads, fresh targets."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.benchmarks.servers import Station, object_store, station
from tests.benchmarks.staging.measuring import PeerError
from tests.benchmarks.staging.workloads import File, Recipe, Workload, recipes

_TMPFS = Path("/dev/shm")
_BUCKET = "benchmark"
_RESERVE = 500_000_000
"""Bytes of memory that are left free."""


class Place(StrEnum):
    """Where files are moved to."""

    TMPFS = "tmpfs"
    DISK = "disk"
    S3 = "S3"


@dataclass(frozen=True)
class Target:
    """An empty place to move files to."""

    directory: Path
    """Where the files come to lie; with S3 the bucket's own directory."""
    endpoint: str = ""
    """URL of the S3 service; empty for a directory."""
    bucket: str = ""

    def check(self, files: Sequence[File]) -> None:
        """Refuse figures of a side that has not moved everything.

        Raises:
            PeerError: the number of files or bytes is not right.
        """
        sizes = [path.stat().st_size for path in self.directory.rglob("*") if path.is_file()]
        found, wanted = (len(sizes), sum(sizes)), (len(files), sum(file.size for file in files))
        if found != wanted:
            raise PeerError(f"{found[0]} files of {found[1]} bytes came where {wanted[0]} of {wanted[1]} were wanted")


class Ground:
    """The place of one run of the benchmark; leaving it removes everything."""

    def __init__(self, *, quick: bool, rounds: int, disk: Path, locations: str = "") -> None:
        """`locations`: what the station serves besides the workloads, as nginx has it in its settings."""
        self.quick = quick
        self.rounds = rounds
        self.recipes = recipes(quick=quick)
        self.cap, self.cap_bytes = ("16m", 16 << 20) if quick else ("50m", 50 << 20)
        self._disk_parent = disk
        self._locations = locations
        self._stack = ExitStack()
        self._made: dict[str, Workload] = {}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            memory = _TMPFS if self.has_tmpfs else None
            self.root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rs-bench-", dir=memory)))
            self.disk = Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix="rs-bench-", dir=self._disk_parent))
            )
            self.served, self.scratch = self.root / "served", self.root / "scratch"
            for directory in (self.served, self.scratch, self.root / "nginx"):
                directory.mkdir()
            self.station: Station = stack.enter_context(
                station(self.served, self.root / "nginx", self.cap, self._locations)
            )
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def has_tmpfs(self) -> bool:
        """Whether source and targets can be in memory."""
        return file_system(_TMPFS) == "tmpfs" and os.access(_TMPFS, os.W_OK)

    def lacking_room(self, recipe: Recipe, place: Place) -> str | None:
        """Why a workload does not fit where it has to be made and moved to; None if it does."""
        source = 0 if recipe.name in self._made else recipe.bytes
        # What an object store assembles from parts is there twice for a while.
        sink = recipe.bytes * (2 if place is Place.S3 else 1)
        needed = {self.root: source + (0 if place is Place.DISK else sink)}
        if place is Place.DISK:
            needed[self.disk] = sink
        for directory, size in needed.items():
            free = shutil.disk_usage(directory).free
            if file_system(directory) == "tmpfs":
                free = min(free, _available_memory() - _RESERVE)
            if free < size:
                return f"{size / 1e9:.1f} GB are needed in {directory.parent}, and {max(0, free) / 1e9:.1f} GB are free"
        return None

    def workload(self, name: str) -> Workload:
        """A workload, made at its first use."""
        if name not in self._made:
            self._made[name] = self.recipes[name].make(self.served)
        return self._made[name]

    def forget(self, name: str) -> None:
        """Remove a workload that is needed no more."""
        if self._made.pop(name, None):
            shutil.rmtree(self.served / name)

    @contextmanager
    def target(self, place: Place) -> Iterator[Target]:
        """An empty target, removed afterwards; what was written before has reached the disk, and slows nothing."""
        parent = self.disk if place is Place.DISK else self.root
        directory = parent / "sink"
        directory.mkdir()
        try:
            if not self.quick:
                os.sync()
            if place is not Place.S3:
                yield Target(directory)
                return
            bucket = directory / _BUCKET
            bucket.mkdir()
            with object_store(directory, self.scratch) as endpoint:
                yield Target(bucket, endpoint, _BUCKET)
        finally:
            shutil.rmtree(directory)


def file_system(path: Path) -> str:
    """Kind of the file system that holds a path; empty if it is not known."""
    best, kind = "", ""
    whole = str(path.resolve())
    for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines():
        _, mount, found, *_ = line.split()
        inside = whole == mount or whole.startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= len(best):
            best, kind = mount, found
    return kind


def _available_memory() -> int:
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("this kernel does not say how much memory is available")
