"""The selection policies of the Sentinel ground segment: which of the files that a query found a job is to get.

The policies are those of ESA's generic IPF interface (MMFI-GSEG-EOPG-TN-07-0003) and the Sentinel-3 IPF interface
(S3IPF.ICD.001), with the names that task tables use. Where the implementations in use differ, prosEO's meaning is
taken; each policy says so. Select after filtering on product type and satellite.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pystac import Item

from rs_assets.policies import Policy
from rs_assets.selection import rules
from rs_assets.selection.candidates import Candidate, LatestBy, candidates
from rs_assets.selection.rules import JobInterval


@dataclass(frozen=True, slots=True)
class Selection:
    """What a policy chose, and from what."""

    policy: Policy
    items: tuple[Item, ...]
    """The chosen items by begin of validity, its end, and age."""
    candidates: tuple[Candidate, ...]
    """Those that the policy chose from: the files that cover, that intersect, or all, as the policy has it."""
    interval: JobInterval
    """What was asked for, without and with its margins."""


_NO_MARGIN = timedelta(0)


def select(
    items: Iterable[Item],
    policy: Policy,
    start: datetime,
    end: datetime,
    *,
    dt0: timedelta = _NO_MARGIN,
    dt1: timedelta = _NO_MARGIN,
    latest_by: LatestBy = LatestBy.GENERATION,
) -> Selection:
    """Choose items for the interval from `start` to `end`, widened by `dt0` before and `dt1` after it.

    The items' order has no influence. For several selections from the same items see `choose`.

    Raises:
        FilterError: a time is naive, the end lies before the start, a margin is negative, or an item's validity
            cannot be read.
    """
    return choose(candidates(items, latest_by), policy, start, end, dt0=dt0, dt1=dt1)


def choose(
    files: Sequence[Candidate],
    policy: Policy,
    start: datetime,
    end: datetime,
    *,
    dt0: timedelta = _NO_MARGIN,
    dt1: timedelta = _NO_MARGIN,
) -> Selection:
    """As `select`, from items of which `candidates` has read the validity before.

    Raises:
        FilterError: a time is naive, the end lies before the start, or a margin is negative.
    """
    job = JobInterval.of(start, end, dt0, dt1)
    rule = _RULES[policy]
    eligible = rule.candidates(files, job)
    chosen = sorted(rule.choice(eligible, job), key=lambda file: file.place)
    return Selection(policy, tuple(file.item for file in chosen), tuple(eligible), job)


_Step = Callable[[Sequence[Candidate], JobInterval], list[Candidate]]


@dataclass(frozen=True, slots=True)
class _Rule:
    candidates: _Step
    choice: _Step


_RULES = {
    Policy.VAL_COVER: _Rule(rules.covering, rules.every),
    Policy.LATEST_VAL_COVER: _Rule(rules.covering, rules.latest),
    Policy.LATEST_VAL_COVER_CLOSEST: _Rule(rules.covering, rules.latest_begin),
    Policy.LATEST_VAL_COVER_NEWEST_VALIDITY: _Rule(
        rules.covering_else_everything, rules.latest_cover_else_latest_begin
    ),
    Policy.BEST_CENTRED_COVER: _Rule(rules.covering, rules.best_centred),
    Policy.VAL_INTERSECT: _Rule(rules.intersecting, rules.every),
    Policy.LATEST_VAL_INTERSECT: _Rule(rules.intersecting, rules.latest),
    Policy.VAL_INTERSECT_WITHOUT_DUPLICATES: _Rule(rules.intersecting, rules.without_duplicates),
    Policy.LATEST_VALIDITY: _Rule(rules.everything, rules.latest_begin),
    Policy.LATEST_STOP_VALIDITY: _Rule(rules.everything, rules.latest_end),
    Policy.LATEST_VALIDITY_CLOSEST: _Rule(rules.everything, rules.nearest_begin_to_centre),
    Policy.CLOSEST_START_VALIDITY: _Rule(rules.everything, rules.nearest_begin_to_start),
    Policy.CLOSEST_STOP_VALIDITY: _Rule(rules.everything, rules.nearest_end_to_stop),
    Policy.LARGEST_OVERLAP: _Rule(rules.intersecting, rules.largest_overlap),
    Policy.LARGEST_OVERLAP_85: _Rule(rules.intersecting, rules.largest_overlap_85),
    Policy.LAST_CREATED: _Rule(rules.everything, rules.latest),
    Policy.FULL_COVERAGE: _Rule(rules.intersecting, rules.all_if_they_cover),
}
