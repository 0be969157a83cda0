"""The rows of the table: who is compared with whom, in what, and with which goal."""

import statistics
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.benchmarks.staging.ground import Ground, Place
from tests.benchmarks.staging.measuring import Measured
from tests.benchmarks.staging.peers import (
    Curl,
    Ours,
    RcloneCopy,
    ReferencePattern,
    Side,
    program_missing,
    rclone_missing,
    reference_missing,
)
from tests.benchmarks.staging.workloads import File

_WARM_UP_FILES = 3
_SLOTS = 4

Missing = Callable[[], str | None]


@dataclass(frozen=True)
class Goal:
    """What a row's figure should be."""

    limit: float
    at_least: bool = False
    unit: str = "×"

    def met(self, figure: float) -> bool:
        """Whether a figure reaches it."""
        return figure >= self.limit if self.at_least else figure <= self.limit

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.limit:g} {self.unit}"


@dataclass(frozen=True)
class Figure:
    """What a row has given."""

    value: float
    """What the goal is held against."""
    rounds: Mapping[str, Sequence[float]]
    """By side, our own first: what every round gave, in the row's unit."""
    middle: Mapping[str, float]
    """By side: the figure that stands for its rounds."""
    measured: Mapping[str, Sequence[Measured]]
    """By side: all that was measured in every round."""
    remarks: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Row(ABC):
    """One line of the table."""

    name: str
    text: str
    workload: str
    place: Place
    goal: Goal
    unit: str
    """Unit of each side's figure."""
    ours: Ours
    needs: Sequence[Missing] = ()
    """What says why the row cannot be measured, beside the station."""

    def missing(self, ground: Ground) -> str | None:
        """Why the row cannot be measured here; None if it can."""
        if self.place is Place.TMPFS and not ground.has_tmpfs:
            return "there is no tmpfs at /dev/shm"
        lacking = [reason for need in self.needs if (reason := need())]
        return "; ".join(lacking) or ground.lacking_room(ground.recipes[self.workload], self.place)

    @abstractmethod
    def measure(self, ground: Ground) -> Figure:
        """Measure all rounds.

        Raises:
            PeerError: a side failed.
            ServerError: a server failed.
        """


@dataclass(frozen=True, kw_only=True)
class Comparison(Row):
    """Ours against a peer, the rounds of both interleaved; the figure is the ratio of the medians."""

    peer: Side
    quantity: Callable[[Measured], float]
    inverse: bool = False
    """Whether the ratio is that of the peer to ours."""

    def measure(self, ground: Ground) -> Figure:
        sides = (self.ours, self.peer)
        measured = interleaved(ground, self, sides)
        rounds = {side.name: [self.quantity(one) for one in measured[side.name]] for side in sides}
        middle = {name: statistics.median(values) for name, values in rounds.items()}
        mine, theirs = middle[self.ours.name], middle[self.peer.name]
        value = theirs / mine if self.inverse else mine / theirs
        return Figure(value, rounds, middle, measured, self._remarks(ground, measured))

    def _remarks(self, ground: Ground, measured: Mapping[str, Sequence[Measured]]) -> list[str]:
        mine, theirs = measured[self.ours.name], measured[self.peer.name]
        remarks = []
        if any(one.extra_wall for one in theirs):
            whole = statistics.median(one.wall + one.extra_wall for one in theirs)
            ratio = statistics.median(one.wall for one in mine) / whole
            remarks.append(f"with sync of the peer's files, so that they outlast a crash as ours do: {ratio:.3g} ×")
        if self.peer.sample is not None:
            count = len(self.peer.files(ground.workload(self.workload).files))
            remarks.append(f"the peer is measured on {count} files of the workload")
        return remarks


@dataclass(frozen=True, kw_only=True)
class Memory(Row):
    """The largest resident size of our process, over all rounds."""

    def measure(self, ground: Ground) -> Figure:
        measured = interleaved(ground, self, (self.ours,))
        peaks = [one.peak_mb for one in measured[self.ours.name]]
        return Figure(max(peaks), {self.ours.name: peaks}, {self.ours.name: max(peaks)}, measured)


@dataclass(frozen=True, kw_only=True)
class Killed(Row):
    """A file whose process is killed at 90 %: what the process that follows fetches."""

    share: float = 0.9

    def measure(self, ground: Ground) -> Figure:
        fetched, again = [], []
        file = ground.workload(self.workload).files[0]
        for _ in range(ground.rounds):
            killed_at, count = self._round(ground, file)
            fetched.append(100 * count / file.size)
            again.append(100 * (count - (file.size - killed_at)) / file.size)
        middle = statistics.median(fetched)
        remark = f"{statistics.median(again):.1f} % are fetched a second time; the rest was still missing"
        return Figure(middle, {"ours": fetched}, {"ours": middle}, {}, [remark])

    def _round(self, ground: Ground, file: File) -> tuple[int, int]:
        """Bytes that had been moved when the process was killed, and that the next one was sent."""
        with ground.target(self.place) as target:
            killed = self.ours.stage(ground, [file], target, kill_at=int(self.share * file.size))
            offset = ground.station.idle_log_size()
            self.ours.stage(ground, [file], target)
            target.check([file])
            ground.station.idle_log_size()
            return int(killed["killed_at"]), ground.station.bytes_logged(offset)


def interleaved(ground: Ground, row: Row, sides: Sequence[Side]) -> dict[str, list[Measured]]:
    """Measure the sides in turn, after a warm-up with a few files; who begins changes with every round."""
    files = ground.workload(row.workload).files
    measured: dict[str, list[Measured]] = {side.name: [] for side in sides}
    # A few large files need no warm-up: it would take as long as they do.
    if not ground.quick and len(files) > _WARM_UP_FILES:
        for side in sides:
            _once(ground, row.place, side, files[:_WARM_UP_FILES])
    for number in range(ground.rounds):
        for side in sides if number % 2 == 0 else reversed(sides):
            measured[side.name].append(_once(ground, row.place, side, side.files(files)))
    return measured


def _once(ground: Ground, place: Place, side: Side, files: Sequence[File]) -> Measured:
    with ground.target(place) as target:
        measured = side.run(ground, files, target)
        target.check(files)
        return measured


def _wall(measured: Measured) -> float:
    return measured.wall


def _cpu(measured: Measured) -> float:
    return measured.cpu


def _files_per_cpu_second(measured: Measured) -> float:
    return measured.files / measured.cpu


_CURL = program_missing("curl")
_MD5SUM = program_missing("md5sum")


def _against_curl(workload: str, place: Place, limit: float) -> Row:
    where = place.value
    return Comparison(
        name=f"{workload}-md5-{where}",
        text=f"{workload} to a directory, MD5 verified: wall time",
        workload=workload,
        place=place,
        goal=Goal(limit),
        unit="s",
        needs=(_CURL, _MD5SUM),
        ours=Ours(algorithm="md5"),
        peer=Curl(verified=True, synced=place is Place.DISK),
        quantity=_wall,
    )


def _memory(workload: str, place: Place) -> Row:
    return Memory(
        name=f"{workload}-memory-{'s3' if place is Place.S3 else 'directory'}",
        text=f"{workload} to {'S3' if place is Place.S3 else 'a directory'}, BLAKE3 verified: peak memory",
        workload=workload,
        place=place,
        goal=Goal(250, unit="MB"),
        unit="MB",
        needs=(rclone_missing,) if place is Place.S3 else (),
        ours=Ours(algorithm="blake3"),
    )


def _against_rclone(peer: RcloneCopy, name: str) -> Comparison:
    return Comparison(
        name=name,
        text="B to S3, BLAKE3 verified, payload unsigned: wall time",
        workload="B",
        place=Place.S3,
        goal=Goal(0.8),
        unit="s",
        needs=(rclone_missing,),
        ours=Ours(algorithm="blake3"),
        peer=peer,
        quantity=_wall,
    )


def rows(*, quick: bool) -> list[Row]:
    """All rows, in the order in which they are measured."""
    return [
        _against_curl("A", Place.TMPFS, 3),
        _against_curl("A", Place.DISK, 3),
        Comparison(
            name="A-s3-reference",
            text="A to S3, BLAKE3 verified: files per CPU second",
            workload="A",
            place=Place.S3,
            goal=Goal(50, at_least=True),
            unit="files/CPU s",
            needs=(rclone_missing, reference_missing),
            ours=Ours(algorithm="blake3"),
            peer=ReferencePattern(sample=4 if quick else 60),
            quantity=_files_per_cpu_second,
        ),
        _against_curl("B", Place.TMPFS, 1),
        _against_curl("B", Place.DISK, 1),
        Comparison(
            name="B-blake3-cpu",
            text="B to a directory, BLAKE3 verified, against nothing verified: CPU",
            workload="B",
            place=Place.TMPFS,
            goal=Goal(2),
            unit="CPU s",
            needs=(_CURL,),
            ours=Ours(algorithm="blake3"),
            peer=Curl(),
            quantity=_cpu,
        ),
        _against_rclone(RcloneCopy(), "B-s3-rclone"),
        _against_rclone(RcloneCopy(tuned=True), "B-s3-rclone-tuned"),
        Comparison(
            name="B-s3-reference",
            text="B to S3, BLAKE3 verified: CPU",
            workload="B",
            place=Place.S3,
            goal=Goal(0.2),
            unit="CPU s",
            needs=(rclone_missing, reference_missing),
            ours=Ours(algorithm="blake3"),
            peer=ReferencePattern(),
            quantity=_cpu,
        ),
        _memory("B", Place.TMPFS),
        _memory("B", Place.S3),
        _memory("C", Place.TMPFS),
        _memory("C", Place.S3),
        Comparison(
            name="C-capped",
            text=f"C from a station that caps each connection, {_SLOTS} slots: wall time",
            workload="C",
            place=Place.TMPFS,
            goal=Goal(3, at_least=True),
            unit="s",
            needs=(_CURL,),
            ours=Ours(algorithm="blake3", location="capped", concurrency=_SLOTS),
            peer=Curl(parallel=1, location="capped"),
            quantity=_wall,
            inverse=True,
        ),
        Killed(
            name="C-killed",
            text="a file of C, killed at 90 % and begun again: bytes that are fetched then",
            workload="C",
            place=Place.TMPFS,
            goal=Goal(15, unit="%"),
            unit="%",
            ours=Ours(algorithm="blake3", location="logged", concurrency=_SLOTS),
        ),
    ]


@dataclass(frozen=True)
class Line:
    """A row with what became of it: a figure, or a reason why there is none."""

    row: Row
    figure: Figure | None = None
    reason: str = ""
    failed: bool = False
    """Whether the reason is a failure, rather than something that is not there."""


def profile(ground: Ground, row: Row) -> str:
    """Run our side of a row once under a profile, and give that as text.

    Raises:
        PeerError: our side failed.
    """
    path = ground.scratch / "profile.txt"
    files = ground.workload(row.workload).files
    with ground.target(row.place) as target:
        row.ours.stage(ground, files, target, profile=str(path))
    return path.read_text(encoding="utf-8")
