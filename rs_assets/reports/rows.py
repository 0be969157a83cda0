"""The files of a timeline: what is known of each, which of them a picture has room for, and their names there."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from rs_assets.items.times import OPEN_END
from rs_assets.selection.instants import aware, is_open


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """A candidate file and its validity, bounds included. Times are brought to UTC.

    Raises:
        FilterError: a time is naive.
    """

    label: str
    """The file's name."""
    group: str
    """Its product type."""
    begin: datetime
    end: datetime
    """Any time of the year 9999 says that the validity has no end; it becomes `OPEN_END`."""
    chosen: bool

    def __post_init__(self) -> None:
        object.__setattr__(self, "begin", bound(self.begin))
        object.__setattr__(self, "end", bound(self.end))

    @property
    def is_inverted(self) -> bool:
        """Whether the validity ends before it begins, and so is none."""
        return self.end < self.begin


def bound(moment: datetime) -> datetime:
    """The moment in UTC; every way of writing "no end" becomes `OPEN_END`.

    Raises:
        FilterError: the moment is naive.
    """
    return OPEN_END if moment.utcoffset() is not None and is_open(moment) else aware(moment)


def rows_to_show(rows: Iterable[TimelineRow], start: datetime, end: datetime, most: int) -> list[TimelineRow]:
    """At most so many rows, in the order in which a picture shows them.

    Kept are the chosen ones first, then those nearest to the interval; of those that touch it the ones that have most
    of it, and of those that have equally much the ones that begin nearest to its start. In each group the chosen ones
    come first, then the others, each by their begin.
    """
    kept = sorted(
        rows,
        key=lambda row: (
            not row.chosen,
            *_distance(row, start, end),
            abs(row.begin - start),
            row.begin,
            row.end,
            row.label,
        ),
    )
    return sorted(kept[:most], key=lambda row: (row.group, not row.chosen, row.begin, row.end, row.label))


def short_names(names: Iterable[str], width: int) -> dict[str, str]:
    """Every name in at most about so many characters, shortened in the middle, no two alike.

    Left out are whole fields between underscores if that will do, and those that all names share rather than others.
    Names that differ only where there is no room for it are numbered.
    """
    texts = {name: " ".join("".join(c if c.isprintable() else " " for c in name).split()) for name in set(names)}
    long = {name: text for name, text in texts.items() if len(text) > width}
    by_field = ({name: _without_fields(text, *kept) for name, text in long.items()} for kept in _FIELDS_KEPT)
    by_character = (
        {name: _without_characters(text, head, width) for name, text in long.items()} for head in range(4, width - 4)
    )
    for cuts in (by_field, by_character):
        clear = [cut for cut in cuts if _is_clear({**texts, **{name: part[0] for name, part in cut.items()}}, width)]
        if clear:
            best = min(clear, key=_lost)
            return {**texts, **{name: shown for name, (shown, _) in best.items()}}
    numbers = {name: number for number, name in enumerate(sorted(texts), 1)}
    return {
        name: f"{_without_characters(text, width // 2, width)[0]} ({numbers[name]})" for name, text in texts.items()
    }


def _distance(row: TimelineRow, start: datetime, end: datetime) -> tuple[timedelta, timedelta]:
    """How far the validity lies from the interval, and how much of the interval it lacks."""
    apart = max(row.begin - end, start - row.end, timedelta(0))
    shared = max(min(row.end, end) - max(row.begin, start), timedelta(0))
    return apart, (end - start) - shared


_FIELDS_KEPT = [(head, tail) for head in range(1, 9) for tail in range(1, 9)]
"""How many fields of a name to keep on either side of those left out."""

_Cut = tuple[str, str]
"""What is shown of a name, and what is left out of it."""


def _without_fields(text: str, head: int, tail: int) -> _Cut:
    fields = text.split("_")
    if head + tail >= len(fields):
        return text, ""
    shown = [*fields[:head], "…", *fields[-tail:]]
    return "_".join(shown), "_".join(fields[head:-tail])


def _without_characters(text: str, head: int, width: int) -> _Cut:
    tail = len(text) - (width - head - 1)
    if tail <= head:
        return text, ""
    return f"{text[:head]}…{text[tail:]}", text[head:tail]


def _is_clear(shown: dict[str, str], width: int) -> bool:
    return len(set(shown.values())) == len(shown) and all(len(text) <= width for text in shown.values())


def _lost(cut: dict[str, _Cut]) -> tuple[int, int]:
    """How many different parts are left out, and how long they are."""
    left_out = {hidden for _, hidden in cut.values()}
    return len(left_out), sum(map(len, left_out))
