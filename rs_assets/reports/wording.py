"""How times and lengths of time are written in a picture: in UTC, as short as they can be without losing anything."""

from datetime import datetime, timedelta

from rs_assets.items.times import OPEN_END

_UNITS = ((86_400_000_000, "d"), (3_600_000_000, "h"), (60_000_000, "min"), (1_000_000, "s"), (1_000, "ms"), (1, "µs"))
_UNITS_WRITTEN = 3


def time_text(moment: datetime, *, with_day: bool) -> str:
    """An instant in UTC as ``10:20:00`` or ``2026-11-01 10:20:00``, with a fraction of a second where it has one."""
    if moment == OPEN_END:
        return "no end"
    day = f"{moment.date().isoformat()} " if with_day else ""
    fraction = f".{moment.microsecond:06}".rstrip("0").rstrip(".")
    return f"{day}{moment.hour:02}:{moment.minute:02}:{moment.second:02}{fraction}"


def span_text(start: datetime, end: datetime, *, with_day: bool = True) -> str:
    """Two instants in UTC; with the day, the second one has it only if it is another one."""
    with_second = with_day and start.date() != end.date()
    return f"{time_text(start, with_day=with_day)} – {time_text(end, with_day=with_second)}"


def length_text(length: timedelta) -> str:
    """A length of time as ``25 min 30 s``, cut after its three largest units."""
    rest = length // timedelta(microseconds=1)
    parts = []
    for size, unit in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:_UNITS_WRITTEN]) or "0 s"
