"""Points in time inside a filter: what a literal means, and what the value of an item's property means.

A literal must say which instant it means, so a date and time without a zone is refused. A property's value comes
from a station, whose interface defines a time without a zone as UTC.
"""

import re
from datetime import MAXYEAR, UTC, date, datetime, time
from functools import lru_cache

from rs_assets.items.times import parse_time
from rs_assets.selection.errors import FilterError

_TIME = re.compile(
    r"\d{4}-\d\d-\d\d"
    r"(?P<clock>[Tt ]\d\d:\d\d(:\d\d([.,]\d+)?)?(?P<zone>[Zz]|[+-]\d\d:?\d\d)?)?"
)


def looks_like_time(text: str) -> bool:
    """Whether a text has the form of an RFC 3339 date, or date and time (the zone may be missing)."""
    return _TIME.fullmatch(text) is not None


def literal_moment(text: str) -> datetime | None:
    """The instant that a literal means, aware UTC, a date being its midnight; None if it is not a date at all.

    Raises:
        FilterError: it has a time of day but no zone, or its numbers are no date.
    """
    form = _TIME.fullmatch(text)
    if form is None:
        return None
    if form["clock"] and not form["zone"]:
        raise FilterError(f"{text!r} has no time zone; write which instant it means, e.g. {text}Z")
    moment = value_moment(text)
    if moment is None:
        raise FilterError(f"{text!r} is not a date")
    return moment


def zoned_moment(text: str) -> datetime:
    """The instant that a text with a date, a time of day and a zone means, aware UTC, microseconds kept.

    Raises:
        FilterError: any of these is missing or wrong.
    """
    form = _TIME.fullmatch(text)
    if form is None or not form["clock"]:
        raise FilterError(f"{text!r} is not a date with time and zone, as in 2026-11-01T12:00:00Z")
    moment = literal_moment(text)
    assert moment is not None
    return moment


def aware(moment: datetime) -> datetime:
    """An aware datetime in UTC.

    Raises:
        FilterError: the datetime is naive, so which instant it means is unknown, or lies beyond the years 1 to 9999.
    """
    if moment.utcoffset() is None:
        raise FilterError(f"{moment.isoformat()} has no time zone; give it one, e.g. tzinfo=UTC")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise FilterError(f"{moment.isoformat()} is not in the years 1 to 9999 of UTC") from error


def midnight(day: date) -> datetime:
    """The instant in UTC at which a day begins."""
    return datetime.combine(day, time.min, UTC)


def value_moment(value: object) -> datetime | None:
    """The instant, aware UTC, that the value of a property means; None if it means none. Without a zone it is UTC."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return _parsed(value) if isinstance(value, str) else None


def is_open(moment: datetime) -> bool:
    """Whether the moment is one of the ways in which stations write "no end": any time of the year 9999."""
    return moment.year == MAXYEAR


@lru_cache(maxsize=1 << 16)
def _parsed(text: str) -> datetime | None:
    try:
        return parse_time(text)
    except ValueError:
        return None
