"""What the selection policies are made of: which candidates an interval has, and which of them is the best.

Notation of the Sentinel processing interfaces: a job asks for [t0, t1], widened by margins to [S0, S1]; a file is
valid from b to e and was generated at g. Everywhere the last tie-break is the greater age of `Candidate.age`: later
g, then the greater item id, then the greater source id.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from rs_assets.items.times import OPEN_END, format_time
from rs_assets.selection.candidates import Candidate
from rs_assets.selection.coverage import coverage
from rs_assets.selection.errors import FilterError
from rs_assets.selection.instants import aware, is_open

Candidates = Sequence[Candidate]


@dataclass(frozen=True, slots=True)
class JobInterval:
    """The interval that a job asks for, aware UTC: without margins (t0, t1) and with them (s0, s1)."""

    t0: datetime
    t1: datetime
    s0: datetime
    s1: datetime

    @classmethod
    def of(cls, start: datetime, end: datetime, dt0: timedelta, dt1: timedelta) -> "JobInterval":
        """The interval from `start` to `end`, widened by `dt0` before and `dt1` after it.

        An end in the year 9999 is not an end.

        Raises:
            FilterError: a time is naive, the end lies before the start, or a margin is negative.
        """
        t0, t1 = aware(start), aware(end)
        if t0 > t1:
            raise FilterError(f"the interval ends at {format_time(t1)}, before its start {format_time(t0)}")
        if min(dt0, dt1) < timedelta(0):
            raise FilterError(f"margins widen the interval, so {min(dt0, dt1)} is not a margin")
        return cls(t0, t1, _moved(t0, -dt0), _moved(t1, dt1))

    @property
    def is_instant(self) -> bool:
        """Whether a single point in time is asked for."""
        return self.t0 == self.t1


def everything(files: Candidates, _job: JobInterval) -> list[Candidate]:
    """All of them."""
    return list(files)


def covering(files: Candidates, job: JobInterval) -> list[Candidate]:
    """Those valid over all of the interval, bounds included: b <= S0 and e >= S1."""
    s0, s1 = job.s0, job.s1
    return [file for file in files if file.begin <= s0 and file.end >= s1]


def covering_else_everything(files: Candidates, job: JobInterval) -> list[Candidate]:
    """Those valid over all of the interval; without any, all of them."""
    return covering(files, job) or list(files)


def intersecting(files: Candidates, job: JobInterval) -> list[Candidate]:
    """Those valid in a part of the interval: b < S1 and e > S0, so that touching is not enough.

    A point in time is touched all the same by a file that begins (b = t0) or ends (e = t1) at it, as in prosEO.
    """
    s0, s1 = job.s0, job.s1
    if not job.is_instant:
        return [file for file in files if file.begin < s1 and file.end > s0]
    t0 = job.t0
    return [file for file in files if (file.begin < s1 and file.end > s0) or t0 in {file.begin, file.end}]


def every(files: Candidates, _job: JobInterval) -> list[Candidate]:
    """All candidates."""
    return list(files)


def latest(files: Candidates, _job: JobInterval) -> list[Candidate]:
    """The one with the greatest g."""
    return [max(files, key=_age)] if files else []


def latest_begin(files: Candidates, _job: JobInterval) -> list[Candidate]:
    """The one with the greatest b."""
    return _best(files, lambda file: file.begin)


def latest_end(files: Candidates, _job: JobInterval) -> list[Candidate]:
    """The one with the greatest e."""
    return _best(files, lambda file: file.end)


def latest_cover_else_latest_begin(files: Candidates, job: JobInterval) -> list[Candidate]:
    """The latest of those that cover the interval; if none does, the one with the greatest b."""
    return latest(covering(files, job), job) or latest_begin(files, job)


def best_centred(files: Candidates, job: JobInterval) -> list[Candidate]:
    """The one whose smaller distance beyond the interval, min(S0 - b, e - S1), is the greatest.

    For a validity without an end that is S0 - b.
    """
    s0, s1 = job.s0, job.s1
    return _best(files, lambda file: s0 - file.begin if file.is_open else min(s0 - file.begin, file.end - s1))


def nearest_begin_to_start(files: Candidates, job: JobInterval) -> list[Candidate]:
    """The one whose b is the nearest to S0, before or after it."""
    return _best(files, lambda file: -abs(file.begin - job.s0))


def nearest_end_to_stop(files: Candidates, job: JobInterval) -> list[Candidate]:
    """The one whose e is the nearest to S1, before or after it."""
    return _best(files, lambda file: -abs(file.end - job.s1))


def nearest_begin_to_centre(files: Candidates, job: JobInterval) -> list[Candidate]:
    """The one whose b is the nearest to (S0 + S1) / 2, before or after it."""
    # Twice the distance, so that a centre between two microseconds is not rounded.
    s0, s1 = job.s0, job.s1
    return _best(files, lambda file: -abs((file.begin - s0) + (file.begin - s1)))


def largest_overlap(files: Candidates, job: JobInterval) -> list[Candidate]:
    """The one that has the most in common with the interval; of several, the one whose b is the nearest to S0."""
    return _best(files, lambda file: (_overlap(file, job), -abs(file.begin - job.s0)))


def largest_overlap_85(files: Candidates, job: JobInterval) -> list[Candidate]:
    """The one with the largest overlap, if that is at least 85 % of S1 - S0."""
    return [file for file in largest_overlap(files, job) if 100 * _overlap(file, job) >= 85 * (job.s1 - job.s0)]


def without_duplicates(files: Candidates, _job: JobInterval) -> list[Candidate]:
    """The latest of those with the same b and e."""
    chosen: dict[tuple[datetime, datetime], Candidate] = {}
    for file in files:
        other = chosen.setdefault((file.begin, file.end), file)
        if other is not file and other.age < file.age:
            chosen[file.begin, file.end] = file
    return list(chosen.values())


def all_if_they_cover(files: Candidates, job: JobInterval) -> list[Candidate]:
    """All, if together they cover [t0, t1], without its margins and without a gap; else none."""
    is_covered = coverage(((file.begin, file.end) for file in files), job.t0, job.t1).is_covered
    return list(files) if is_covered else []


def _best(files: Candidates, merit: Callable[[Candidate], Any]) -> list[Candidate]:
    """The latest of those with the greatest merit."""
    if not files:
        return []
    merits = [merit(file) for file in files]
    greatest = max(merits)
    return [max((file for file, value in zip(files, merits, strict=True) if value == greatest), key=_age)]


def _age(file: Candidate) -> tuple[datetime, str, str]:
    return file.age


def _overlap(file: Candidate, job: JobInterval) -> timedelta:
    return min(file.end, job.s1) - max(file.begin, job.s0)


def _moved(moment: datetime, by: timedelta) -> datetime:
    try:
        moved = moment + by
    except OverflowError:
        return OPEN_END if by > timedelta(0) else datetime.min.replace(tzinfo=UTC)
    return OPEN_END if is_open(moved) else moved
