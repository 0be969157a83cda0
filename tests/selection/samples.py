"""Items to select from, and random ones."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from pystac import Asset, Item

from rs_assets.items.times import OPEN_END, format_time

DAY = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def clock(text: str) -> datetime:
    """A time of the day that the examples play on, e.g. ``10:30``."""
    hours, minutes = map(int, text.split(":"))
    return DAY + timedelta(hours=hours, minutes=minutes)


def item_with(name: str = "FILE", moment: datetime | None = DAY, geometry: Any = None, **properties: Any) -> Item:
    """An item with these properties; ``product__type`` stands for the property ``product:type``."""
    named = {key.replace("__", ":"): value for key, value in properties.items()}
    if moment is None:
        named = {"start_datetime": "2026-11-01T00:00:00Z", "end_datetime": "2026-11-02T00:00:00Z"} | named
    item = Item(name, geometry, [0, 0, 0, 0] if geometry else None, moment, named)
    item.collection_id = "s1_aux"
    return item


def file(name: str, begin: datetime, end: datetime, generated: datetime, source: str | None = None) -> Item:
    """An item with a validity and a time of generation."""
    item = item_with(
        name,
        begin,
        start_datetime=format_time(begin),
        end_datetime=format_time(end),
        processing__datetime=format_time(generated),
    )
    if source is not None:
        item.properties["auxip:id"] = source
        item.add_asset(name, Asset(f"https://station.example/{source}"))
    return item


def names(items: Any) -> list[str]:
    """The items' ids in order."""
    return [item.id for item in items]


minutes = st.integers(-6, 6).map(lambda step: clock("10:00") + step * timedelta(minutes=15))
"""Times on a coarse grid, so that ties and touching bounds are frequent."""


@st.composite
def files(draw: st.DrawFn, most: int = 8) -> list[Item]:
    """Items with validities that tie, touch, nest and never end."""
    count = draw(st.integers(0, most))
    found = []
    for number in range(count):
        begin, end = sorted((draw(minutes), draw(minutes)))
        if draw(st.integers(0, 4)) == 0:
            end = draw(st.sampled_from([OPEN_END, OPEN_END.replace(microsecond=999999), OPEN_END.replace(month=1)]))
        generated = DAY + draw(st.integers(0, 3)) * timedelta(days=1)
        found.append(file(draw(st.sampled_from("ABC")), begin, end, generated, source=f"{number:02d}"))
    return found
