"""Each policy against its definition, written down a second time for single files with infinite ends."""

import itertools
import math
import random
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pystac import Item

from rs_assets.items.times import parse_time
from rs_assets.selection import Policy, select

from .samples import clock, files, minutes

EPOCH = clock("0:00")


class Facts:
    """A file as plain numbers of seconds."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.b = self._seconds(item.properties["start_datetime"])
        self.e = self._seconds(item.properties["end_datetime"])
        self.g = (self._seconds(item.properties["processing:datetime"]), item.id, item.properties["auxip:id"])

    @staticmethod
    def _seconds(text: str) -> float:
        moment = parse_time(text)
        return math.inf if moment.year == 9999 else (moment - EPOCH).total_seconds()


class Job:
    def __init__(self, start: datetime, end: datetime, dt0: timedelta, dt1: timedelta) -> None:
        self.t0, self.t1 = (start - EPOCH).total_seconds(), (end - EPOCH).total_seconds()
        self.s0, self.s1 = self.t0 - dt0.total_seconds(), self.t1 + dt1.total_seconds()


def covers(f: Facts, job: Job) -> bool:
    return f.b <= job.s0 and f.e >= job.s1


def intersects(f: Facts, job: Job) -> bool:
    touches = job.t0 == job.t1 and (f.b == job.t0 or f.e == job.t1)
    return (f.b < job.s1 and f.e > job.s0) or touches


def overlap(f: Facts, job: Job) -> float:
    return min(f.e, job.s1) - max(f.b, job.s0)


def not_beaten(group: list[Facts], better: Callable[[Facts, Facts], bool]) -> list[Facts]:
    """Those than which no other is better."""
    return [f for f in group if not any(better(other, f) for other in group if other is not f)]


def first_by(group: list[Facts], key: Callable[[Facts], float]) -> list[Facts]:
    """The best by the key, then by age, found by comparing every pair."""
    return not_beaten(group, lambda one, other: (key(one), one.g) > (key(other), other.g))


def definition(policy: Policy, all_files: list[Facts], job: Job) -> list[Facts]:  # noqa: C901, PLR0911, PLR0912 - a table
    cover = [f for f in all_files if covers(f, job)]
    intersect = [f for f in all_files if intersects(f, job)]
    match policy:
        case Policy.VAL_COVER:
            return cover
        case Policy.LATEST_VAL_COVER:
            return first_by(cover, lambda _: 0)
        case Policy.LATEST_VAL_COVER_CLOSEST:
            return first_by(cover, lambda f: -abs(job.s0 - f.b))
        case Policy.LATEST_VAL_COVER_NEWEST_VALIDITY:
            return first_by(cover, lambda _: 0) or first_by(all_files, lambda f: f.b)
        case Policy.BEST_CENTRED_COVER:
            return first_by(cover, lambda f: min(job.s0 - f.b, f.e - job.s1))
        case Policy.VAL_INTERSECT:
            return intersect
        case Policy.LATEST_VAL_INTERSECT:
            return first_by(intersect, lambda _: 0)
        case Policy.VAL_INTERSECT_WITHOUT_DUPLICATES:
            return not_beaten(intersect, lambda one, other: (one.b, one.e) == (other.b, other.e) and one.g > other.g)
        case Policy.LATEST_VALIDITY:
            return first_by(all_files, lambda f: f.b)
        case Policy.LATEST_STOP_VALIDITY:
            return first_by(all_files, lambda f: f.e)
        case Policy.LATEST_VALIDITY_CLOSEST:
            return first_by(all_files, lambda f: -abs(f.b - (job.s0 + job.s1) / 2))
        case Policy.CLOSEST_START_VALIDITY:
            return first_by(all_files, lambda f: -abs(f.b - job.s0))
        case Policy.CLOSEST_STOP_VALIDITY:
            return first_by(all_files, lambda f: -abs(f.e - job.s1))
        case Policy.LARGEST_OVERLAP | Policy.LARGEST_OVERLAP_85:
            nearest = not_beaten(
                intersect,
                lambda one, other: (
                    (overlap(one, job), -abs(one.b - job.s0)) > (overlap(other, job), -abs(other.b - job.s0))
                ),
            )
            best = first_by(nearest, lambda _: 0)
            if policy is Policy.LARGEST_OVERLAP:
                return best
            return [f for f in best if overlap(f, job) >= 0.85 * (job.s1 - job.s0)]
        case Policy.LAST_CREATED:
            return first_by(all_files, lambda _: 0)
        case Policy.FULL_COVERAGE:
            return intersect if leaves_no_gap(intersect, job) else []


def leaves_no_gap(group: list[Facts], job: Job) -> bool:
    """Whether every bound and every middle between two neighbouring bounds in [t0, t1] is in some file."""
    bounds = {job.t0, job.t1, *(f.b for f in group), *(f.e for f in group)}
    inside = sorted(x for x in bounds if job.t0 <= x <= job.t1)
    probes = [*inside, *((a + b) / 2 for a, b in itertools.pairwise(inside))]
    return all(any(f.b <= probe <= f.e for f in group) for probe in probes)


margins = st.sampled_from([timedelta(0), timedelta(0), timedelta(minutes=15), timedelta(minutes=30)])


@pytest.mark.parametrize("policy", Policy)
@given(items=files(), bounds=st.tuples(minutes, minutes), widths=st.tuples(margins, margins), shuffle=st.randoms())
def test_a_policy_chooses_what_its_definition_says_in_whatever_order_the_files_come(
    policy: Policy,
    items: list[Item],
    bounds: tuple[datetime, datetime],
    widths: tuple[timedelta, timedelta],
    shuffle: random.Random,
) -> None:
    dt0, dt1 = widths
    start, end = sorted(bounds)
    shuffled = list(items)
    shuffle.shuffle(shuffled)

    selection = select(shuffled, policy, start, end, dt0=dt0, dt1=dt1)

    expected = definition(policy, [Facts(item) for item in items], Job(start, end, dt0, dt1))
    assert list(selection.items) == [f.item for f in sorted(expected, key=lambda f: (f.b, f.e, f.g))]
