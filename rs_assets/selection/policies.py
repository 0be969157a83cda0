"""The selection policies of the Sentinel ground segment: which of the files that a query found a job is to get.

The policies are those of ESA's generic IPF interface (MMFI-GSEG-EOPG-TN-07-0003) and the Sentinel-3 IPF interface
(S3IPF.ICD.001), with the names that task tables use. Where the implementations in use differ, prosEO's meaning is
taken; each policy says so. Select after filtering on product type and satellite.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pystac import Item

from rs_assets.selection import rules
from rs_assets.selection.candidates import Candidate, LatestBy, candidates
from rs_assets.selection.errors import FilterError
from rs_assets.selection.rules import JobInterval


class Policy(StrEnum):
    """How files are chosen for an interval; the value is the name in task tables.

    "Latest" is meant by generation time (see `LatestBy`). Unless it says "all", a policy chooses one file or none.
    """

    VAL_COVER = "ValCover"
    """All that are valid over the whole interval, bounds included. (S2 rule 3)"""
    LATEST_VAL_COVER = "LatestValCover"
    """The latest that covers. (S2 rule 4)"""
    LATEST_VAL_COVER_CLOSEST = "LatestValCoverClosest"
    """Of those that cover, the one that begins closest to the interval's start; then the latest. (S2 rule 9)"""
    LATEST_VAL_COVER_NEWEST_VALIDITY = "LatestValCoverNewestValidity"
    """The latest that covers; if none covers, the one that `LATEST_VALIDITY` chooses of all. (S2 rule 6)"""
    BEST_CENTRED_COVER = "BestCentredCover"
    """Of those that cover, the one that extends furthest beyond both ends; then the latest. (S2 rule 8)"""
    VAL_INTERSECT = "ValIntersect"
    """All that are valid in a part of the interval; to touch it is not enough, but for a point in time."""
    LATEST_VAL_INTERSECT = "LatestValIntersect"
    """The latest that intersects. (S2 rule 2)"""
    VAL_INTERSECT_WITHOUT_DUPLICATES = "ValIntersectWithoutDuplicates"
    """All that intersect, of equal validities the latest only. prosEO leaves the duplicates in, and COPRS the one
    that was inserted first: the policy's name and purpose ask for neither. (S2 rule 1)"""
    LATEST_VALIDITY = "LatestValidity"
    """The one that begins last; then the latest. Of all files as in prosEO, not of those that intersect as in
    COPRS. (S2 rule 5)"""
    LATEST_STOP_VALIDITY = "LatestStopValidity"
    """The one that ends last; then the latest."""
    LATEST_VALIDITY_CLOSEST = "LatestValidityClosest"
    """The one that begins nearest to the middle of the interval with its margins; then the latest. Of all files as in
    prosEO, not of those that intersect as in COPRS. (S2 rule 7)"""
    CLOSEST_START_VALIDITY = "ClosestStartValidity"
    """The one that begins nearest to the interval's start; then the latest. As in prosEO; COPRS measures from the
    middle, and prefers the earlier file."""
    CLOSEST_STOP_VALIDITY = "ClosestStopValidity"
    """The one that ends nearest to the interval's end; then the latest. As in prosEO, as above."""
    LARGEST_OVERLAP = "LargestOverlap"
    """The one that has most of the interval; then the one that begins nearest to its start; then the latest."""
    LARGEST_OVERLAP_85 = "LargestOverlap85"
    """What `LARGEST_OVERLAP` chooses, if it has at least 85 % of the interval with its margins."""
    LAST_CREATED = "LastCreated"
    """The latest of all."""
    FULL_COVERAGE = "FullCoverage"
    """All that intersect, if together they cover the interval without its margins and without a gap. (COPRS)"""

    @classmethod
    def named(cls, name: str) -> "Policy":
        """The policy of a name, of another name that is in use, or of a number of the S2 auxiliary rules.

        Spaces around the name, which task tables have, and its case do not count.

        Raises:
            FilterError: there is no such policy.
        """
        try:
            return _NAMES[name.strip().lower()]
        except KeyError:
            known = ", ".join([*cls, *_ALIASES])
            raise FilterError(f"there is no selection policy {name!r}; there are {known}") from None


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

_ALIASES = {
    "LatestValCoverLatestValidity": Policy.LATEST_VAL_COVER_NEWEST_VALIDITY,
    "BestCenteredCover": Policy.BEST_CENTRED_COVER,
    "LatestStartValidity": Policy.LATEST_VALIDITY,
    "1": Policy.VAL_INTERSECT_WITHOUT_DUPLICATES,
    "2": Policy.LATEST_VAL_INTERSECT,
    "3": Policy.VAL_COVER,
    "4": Policy.LATEST_VAL_COVER,
    "5": Policy.LATEST_VALIDITY,
    "6": Policy.LATEST_VAL_COVER_NEWEST_VALIDITY,
    "7": Policy.LATEST_VALIDITY_CLOSEST,
    "8": Policy.BEST_CENTRED_COVER,
    "9": Policy.LATEST_VAL_COVER_CLOSEST,
}

_NAMES = {policy.value.lower(): policy for policy in Policy} | {
    alias.lower(): policy for alias, policy in _ALIASES.items()
}
