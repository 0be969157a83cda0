"""Adding up what a run tells: how far it has come, how fast it is, and how long it will take yet."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from rs_assets.ingest.steps import Begun, Ended, PartitionMessage, Searched, Step, counted
from rs_assets.items.files import FileRecord, FileState
from rs_assets.items.times import utc_now
from rs_assets.items.units import MEGABYTE
from rs_assets.staging.messages import Finished, Moved, Paused, Placed, Retried, Started, Unpacking, Waiting

_GIGABYTE = 1e9
_MANY_BYTES = 10 * _GIGABYTE
_RATE_OVER_S = 10.0
"""Over how long the rate is measured."""
_SAMPLE_EVERY_S = 0.5
_STEPS = {Step.SEARCH: "searching", Step.STAGE: "checking what is missing", Step.PUBLISH: "cataloguing"}


@dataclass(slots=True)
class Count:
    """Files and bytes, so far and in all."""

    files: int = 0
    """Files that are done, with success or without."""
    expected_files: int = 0
    bytes: int = 0
    """Bytes that are in the store, or on their way into it."""
    expected_bytes: int = 0
    """Size of the files, as far as it is known, without those that have failed."""

    @property
    def share(self) -> float:
        """How much is done, from 0 to 1."""
        done, expected = (self.files, self.expected_files)
        if self.expected_bytes:
            done, expected = (self.bytes, self.expected_bytes)
        return min(1.0, done / expected) if expected else 0.0


class Tally:
    """How far a run over some partitions has come; an observer of its messages."""

    def __init__(self, partitions: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Expect so many partitions; `clock` gives seconds."""
        self.partitions = partitions
        self.done = 0
        """Partitions that have gone as far as they go."""
        self.failed_partitions = 0
        self.staged_files = 0
        self.failed_files = 0
        self.retries = 0
        self.moved = 0
        """Bytes received, those of failed attempts included."""
        self.all = Count()
        self._here = Count()
        """Of the partition that is being worked on."""
        self._what = "starting"
        self._positions: dict[str, int] = {}
        """How many bytes there are of each file that is being moved."""
        self._paused_until = float("-inf")
        self._waiting = ""
        """What others hold that is needed."""
        self._clock = clock
        self._began = clock()
        self._samples: deque[tuple[float, int]] = deque([(self._began, 0)])

    @property
    def seconds(self) -> float:
        """How long it has been going on."""
        return self._clock() - self._began

    @property
    def what(self) -> str:
        """What is going on."""
        pause = self._paused_until - self._clock()
        if pause > 0:
            end = utc_now() + timedelta(seconds=pause)
            return f"{self._what}; the station is busy, pause of {pause:.0f} s until {end:%H:%M:%S} UTC"
        return f"{self._what}; {self._waiting}" if self._waiting else self._what

    @property
    def rate(self) -> float:
        """Bytes received a second, over the last ten seconds or since it was last asked for, if that is longer ago."""
        now = self._clock()
        self._sample(now)
        since, moved = self._samples[0]
        return (self.moved - moved) / (now - since) if now > since else 0.0

    @property
    def share(self) -> float:
        """How much is done, from 0 to 1; every partition counts the same, since nothing is known of the later ones."""
        return min(1.0, (self.done + self._here.share) / self.partitions) if self.partitions else 1.0

    @property
    def seconds_left(self) -> float | None:
        """How long it will take yet; None where nothing can be said."""
        if self.done + 1 >= self.partitions:
            rate = self.rate
            left = self.all.expected_bytes - self.all.bytes
            return left / rate if rate > 0 and self._here.expected_files else None
        share = self.share
        return self.seconds * (1 - share) / share if share > 0 else None

    def say(self, what: str) -> None:
        """Let this be what is going on."""
        self._what = what

    def __call__(self, message: PartitionMessage) -> None:
        """Add a message."""
        key = message.partition.key
        self._waiting = message.message.reason if isinstance(message.message, Waiting) else ""
        match message.message:
            case Begun() | Searched() | Unpacking() as begun:
                self._what = f"{key}: {_words(begun)}"
            case Started(files=files, bytes=size):
                self._expect(files, size)
                self._what = f"{key}: staging" if files else f"{key}: nothing to stage"
            case Placed(key=file, bytes=size):
                self._add_bytes(size - self._positions.get(file, 0))
                self._positions[file] = size
            case Moved(key=file, bytes=size):
                self.moved += size
                self._add_bytes(size)
                self._positions[file] = self._positions.get(file, 0) + size
            case Retried():
                self.retries += 1
            case Paused(seconds=seconds):
                self._paused_until = max(self._paused_until, self._clock() + seconds)
            case Finished(file=file):
                self._finish(file)
            case Ended(report=report):
                self.done += 1
                self.failed_partitions += report.error is not None
                self._here = Count()
                self._positions.clear()

    def _expect(self, files: int, size: int) -> None:
        for count in (self.all, self._here):
            count.expected_files += files
            count.expected_bytes += size

    def _add_bytes(self, size: int) -> None:
        self.all.bytes += size
        self._here.bytes += size

    def _finish(self, file: FileRecord) -> None:
        """Count a file with its true size, or not at all if it has failed."""
        stated, true = file.stated_size or 0, (file.size or 0) if file.state.in_store else 0
        self.staged_files += file.state is FileState.STAGED
        self.failed_files += file.state.is_failure
        self._add_bytes(true - self._positions.pop(file.object_key, 0))
        for count in (self.all, self._here):
            count.files += 1
            count.expected_bytes += true - stated

    def _sample(self, now: float) -> None:
        if now - self._samples[-1][0] >= _SAMPLE_EVERY_S:
            self._samples.append((now, self.moved))
        while len(self._samples) > 1 and now - self._samples[1][0] >= _RATE_OVER_S:
            self._samples.popleft()


def _words(message: Begun | Searched | Unpacking) -> str:
    match message:
        case Begun(step=step):
            return _STEPS[step]
        case Searched(found=found):
            return f"{found} found"
        case Unpacking(files=files):
            return f"unpacking {counted(files, 'file')}"


def progress_line(tally: Tally) -> str:
    """How far a run has come, in words."""
    count = tally.all
    if not count.expected_files:
        return "nothing to stage yet"
    most = max(count.bytes, count.expected_bytes)
    unit, name = (_GIGABYTE, "GB") if most >= _MANY_BYTES else (MEGABYTE, "MB")
    parts = [
        f"{count.files}/{count.expected_files} files",
        f"{count.bytes / unit:,.1f}/{most / unit:,.1f} {name}",
        f"{tally.rate / MEGABYTE:.1f} MB/s",
    ]
    parts += [counted(tally.retries, "retry", "retries")] if tally.retries else []
    parts += [f"{tally.failed_files} failed"] if tally.failed_files else []
    return ", ".join(parts)
