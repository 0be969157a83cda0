"""Candidates of a request for the hour from 10:00 to 11:00, given in minutes from its start."""

from datetime import UTC, datetime, timedelta

from rs_assets.items.times import OPEN_END
from rs_assets.reports import TimelineRow

START = datetime(2026, 11, 1, 10, tzinfo=UTC)
END = datetime(2026, 11, 1, 11, tzinfo=UTC)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def row(begin: float, end: float | None, *, chosen: bool = True, group: str = "AUX_RESORB") -> TimelineRow:
    """A restituted orbit file, named as such; an end of None is not an end."""
    first = START + minutes(begin)
    last = OPEN_END if end is None else START + minutes(end)
    stamps = f"20261101T123456_V{first:%Y%m%dT%H%M%S}_{last:%Y%m%dT%H%M%S}"
    return TimelineRow(f"S1A_OPER_{group}_OPOD_{stamps}.EOF", group, first, last, chosen)
