"""The names of the selection policies: how files are chosen for an interval. What they mean is in `selection`."""

from enum import StrEnum

from rs_assets.errors import FilterError


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
