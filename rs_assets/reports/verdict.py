"""Whether the files chosen for a request cover its interval, in one sentence for each product type."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from rs_assets.reports.rows import TimelineRow, bound
from rs_assets.reports.wording import span_text, time_text
from rs_assets.selection.coverage import Coverage, Gap, coverage

_GAPS_IN_A_SENTENCE = 2


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the chosen files of one product type leave uncovered of the requested interval."""

    group: str
    coverage: Coverage
    chosen: int
    candidates: int

    @property
    def is_covered(self) -> bool:
        """Whether nothing is missing."""
        return self.coverage.is_covered

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What is missing, in order of time."""
        return self.coverage.gaps

    @property
    def sentence(self) -> str:
        """For example ``NOT covered: gap 10:20:00 – 10:45:30 UTC``; the day is written where there is more than one."""
        start, end, gaps = self.coverage.start, self.coverage.end, self.gaps
        if not gaps:
            return "covered"
        if start == end:
            return f"NOT covered: nothing at {time_text(start, with_day=False)} UTC"
        with_day = start.date() != end.date()
        spans = [span_text(gap.start, gap.end, with_day=with_day) for gap in gaps[:_GAPS_IN_A_SENTENCE]]
        if len(gaps) > _GAPS_IN_A_SENTENCE:
            return f"NOT covered: {len(gaps)} gaps, the first {spans[0]} UTC"
        return f"NOT covered: {'gap' if len(gaps) == 1 else 'gaps'} {', '.join(spans)} UTC"


def verdict(rows: Iterable[TimelineRow], start: datetime, end: datetime, *, group: str = "") -> Verdict:
    """The verdict on rows of one product type, of which the chosen ones count.

    Validities hold their bounds, so two that touch leave no gap; an interval of no length is covered by any that
    holds its instant.

    Raises:
        FilterError: `start` or `end` is naive, or `end` lies before `start`.
    """
    rows = list(rows)
    chosen = [(row.begin, row.end) for row in rows if row.chosen]
    return Verdict(group, coverage(chosen, bound(start), bound(end)), len(chosen), len(rows))


def verdicts(
    rows: Iterable[TimelineRow], start: datetime, end: datetime, *, groups: Iterable[str] = ()
) -> list[Verdict]:
    """The verdict on each product type among the rows, and on those of `groups` that have none, the bad ones first.

    Raises:
        FilterError: `start` or `end` is naive, or `end` lies before `start`.
    """
    members: dict[str, list[TimelineRow]] = {group: [] for group in groups}
    for row in rows:
        members.setdefault(row.group, []).append(row)
    found = [verdict(own, start, end, group=group) for group, own in members.items()]
    return sorted(found, key=lambda one: (one.is_covered, one.group))
