"""What stands in a timeline, in words and in order, before anything is drawn."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from rs_assets.items.times import OPEN_END
from rs_assets.reports.axis import Requested
from rs_assets.reports.rows import TimelineRow, rows_to_show, short_names
from rs_assets.reports.verdict import Verdict, verdicts
from rs_assets.reports.wording import length_text, span_text, time_text
from rs_assets.selection.coverage import Gap

_NAME_WIDTH = 58
"""Characters of a file's name."""

_GAPS_WRITTEN = 5
"""Gaps of one product type that are written out; all are hatched."""

_GROUPS_NAMED = 3
"""Product types that the headline names."""


@dataclass(frozen=True, slots=True)
class GroupLine:
    """A product type and its verdict, above its files."""

    group: str
    text: str
    is_covered: bool


@dataclass(frozen=True, slots=True)
class GapLine:
    """A stretch that the chosen files of a product type leave uncovered."""

    gap: Gap
    name: str
    bounds: str


@dataclass(frozen=True, slots=True)
class FileLine:
    """A file, its name and its validity in words."""

    row: TimelineRow
    name: str
    validity: str


@dataclass(frozen=True, slots=True)
class NoteLine:
    """A sentence in place of what there is no room for."""

    text: str


Line: TypeAlias = GroupLine | GapLine | FileLine | NoteLine


@dataclass(frozen=True, slots=True)
class Block:
    """The lines of one product type, and all that is missing of it."""

    lines: tuple[Line, ...]
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything that a timeline says."""

    headline: str
    is_covered: bool
    title: str
    interval: str
    blocks: tuple[Block, ...]
    rows: tuple[TimelineRow, ...]
    """The files among the lines."""


def sheet_of(
    rows: Sequence[TimelineRow], requested: Requested, *, title: str, max_rows: int, groups: Iterable[str]
) -> Sheet:
    """The sheet for these files."""
    found = verdicts(rows, requested.start, requested.end, groups=groups)
    thin = _thin_margins(rows, requested, found)
    shown = rows_to_show(rows, requested.start, requested.end, max_rows)
    listed = found[: max(max_rows, 1)]
    blocks = [Block(tuple(_block_lines(one, shown, thin)), one.gaps) for one in listed]
    if len(found) > len(listed):
        blocks.append(Block((NoteLine(_omitted_groups(found[len(listed) :])),)))
    if not blocks:
        blocks.append(Block((NoteLine("no file was found"),), (Gap(requested.start, requested.end),)))
    return Sheet(
        headline=_headline(found, thin, has_files=bool(rows)),
        is_covered=bool(found) and all(one.is_covered for one in found),
        title=title,
        interval=_interval_text(requested),
        blocks=tuple(blocks),
        rows=tuple(shown),
    )


def _thin_margins(rows: Sequence[TimelineRow], requested: Requested, found: Sequence[Verdict]) -> frozenset[str]:
    """The product types whose chosen files cover the interval, but not its margins."""
    if not requested.has_margins:
        return frozenset()
    enlarged = {one.group: one for one in verdicts(rows, requested.first, requested.last)}
    return frozenset(one.group for one in found if one.is_covered and not enlarged[one.group].is_covered)


def _headline(found: Sequence[Verdict], thin: frozenset[str], *, has_files: bool) -> str:
    if not has_files:
        return "NOT covered: nothing was found"
    missing = [one for one in found if not one.is_covered]
    if len(found) == 1:
        return _sentence(found[0], thin)
    if not missing:
        return f"covered: all {len(found)} product types" + (", but not the margins" if thin else "")
    names = ", ".join(one.group for one in missing[:_GROUPS_NAMED])
    more = f" and {len(missing) - _GROUPS_NAMED} more" if len(missing) > _GROUPS_NAMED else ""
    return f"NOT covered: {names}{more} ({len(missing)} of {len(found)} product types)"


def _sentence(one: Verdict, thin: frozenset[str]) -> str:
    return one.sentence + (", but not the margins" if one.group in thin else "")


def _interval_text(requested: Requested) -> str:
    start, end = requested.start, requested.end
    if start == end:
        text = f"requested: the instant {time_text(start, with_day=True)} UTC"
    else:
        length = "" if end == OPEN_END else f"  ({length_text(end - start)})"
        text = f"requested: {span_text(start, end)} UTC{length}"
    if not requested.has_margins:
        return text
    before = length_text(start - requested.first)
    after = length_text(requested.last - end if requested.last != OPEN_END else timedelta(0))
    return f"{text}, with margins of {before} before and {after} after"


def _block_lines(one: Verdict, shown: Iterable[TimelineRow], thin: frozenset[str]) -> Iterator[Line]:
    files = "1 file" if one.candidates == 1 else f"{one.candidates} files"
    yield GroupLine(one.group, f"{_sentence(one, thin)}  ·  {one.chosen} of {files} chosen", one.is_covered)
    yield from _gap_lines(one)
    own = [row for row in shown if row.group == one.group]
    names = short_names((row.label for row in own), _NAME_WIDTH)
    for row in own:
        yield FileLine(row, names[row.label], _validity(row))
    hidden = one.candidates - len(own)
    if hidden:
        chosen = one.chosen - sum(row.chosen for row in own)
        yield NoteLine(f"and {hidden} more not shown" + (f", {chosen} of them chosen" if chosen else ""))
    if not one.candidates:
        yield NoteLine("no file was found")


def _gap_lines(one: Verdict) -> Iterator[Line]:
    for gap in one.gaps[:_GAPS_WRITTEN]:
        if gap.start == gap.end:
            yield GapLine(gap, "gap", time_text(gap.start, with_day=True))
        else:
            yield GapLine(gap, f"gap{_of_length(gap)}", span_text(gap.start, gap.end))
    if len(one.gaps) > _GAPS_WRITTEN:
        yield NoteLine(f"and {len(one.gaps) - _GAPS_WRITTEN} more gaps")


def _of_length(gap: Gap) -> str:
    return "" if gap.end == OPEN_END else f" of {length_text(gap.end - gap.start)}"


def _validity(row: TimelineRow) -> str:
    text = span_text(row.begin, row.end)
    return f"{text} (inverted)" if row.is_inverted else text


def _omitted_groups(omitted: Sequence[Verdict]) -> str:
    missing = sum(not one.is_covered for one in omitted)
    verdict = f"{missing} of them NOT covered" if missing else "all of them covered"
    return f"and {len(omitted)} more product types not shown, {verdict}"
