"""Time at the edges: what stations write is parsed to aware UTC, and aware UTC is printed as RFC 3339.

Inside the package every `datetime` is aware, in UTC, with its microseconds.
"""

import re
from datetime import MAXYEAR, UTC, datetime

OPEN_END = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""The end of an open-ended validity. Adding to it overflows: compare with it, never compute with it."""

_ALL_NINES = re.compile(r"9999-?99-?99(T[9:.]*Z?)?")


def parse_time(text: str) -> datetime:
    """Read a station's date as aware UTC.

    Accepts ISO 8601 in its basic and extended forms, dates without seconds, any number of fraction digits
    (those past the microsecond are cut), and the two ways of saying "no end": ``99991231T235959`` and
    ``99999999T999999``. A date without a zone is UTC, as the interfaces define it.

    Raises:
        ValueError: the text is not a date.
    """
    text = text.strip()
    if _ALL_NINES.fullmatch(text):
        return OPEN_END
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a date in ISO 8601") from error
    if parsed.tzinfo is None:
        return parsed.replace(tzinfo=UTC)
    try:
        return parsed.astimezone(UTC)
    except OverflowError:
        if parsed.year == MAXYEAR:
            return OPEN_END
        raise ValueError(f"{text!r} lies before the first year") from None


def format_time(moment: datetime) -> str:
    """Print an aware datetime as RFC 3339 in UTC with ``Z``; microseconds are kept, and left out where zero.

    Raises:
        ValueError: the datetime is naive, so which instant it means is unknown.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone; give it one, e.g. tzinfo=UTC")
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def utc_now() -> datetime:
    """The current time, aware, in UTC."""
    return datetime.now(UTC)
