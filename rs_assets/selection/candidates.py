"""What a selection policy looks at in an item: its validity, and how new it is."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from pystac import Item

from rs_assets.items.identity import source_id
from rs_assets.items.times import OPEN_END
from rs_assets.selection.errors import FilterError
from rs_assets.selection.instants import is_open, value_moment


class LatestBy(StrEnum):
    """Which of an item's times says that it is later than another."""

    GENERATION = "generation"
    """When the file was made: ``processing:datetime``, else the creation time in its name, else ``created``, else
    ``published``. A file that is published again does not become newer."""
    CREATED = "created"
    """When the originating system dates it."""
    PUBLISHED = "published"
    """When the station published it."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An item's validity and age. All times are aware UTC."""

    item: Item
    begin: datetime
    end: datetime
    """`OPEN_END` for every validity that has no end."""
    generated: datetime
    """The time by which it is later or earlier than another; an item that has none is the earliest of all."""
    source: str = ""
    """The station's key of the publication, which settles what nothing else does."""

    @property
    def is_open(self) -> bool:
        """Whether its validity has no end."""
        return is_open(self.end)

    @property
    def age(self) -> tuple[datetime, str, str]:
        """What makes it later than another: its time, then item id and source id, the greater the later."""
        return self.generated, self.item.id, self.source

    @property
    def place(self) -> tuple[datetime, datetime, datetime, str, str]:
        """Where it stands in a list: by begin, end, then age."""
        return self.begin, self.end, self.generated, self.item.id, self.source


def candidates(items: Iterable[Item], latest_by: LatestBy = LatestBy.GENERATION) -> list[Candidate]:
    """The items as candidates, in an order that does not depend on the items' order.

    An item's validity is ``start_datetime`` to ``end_datetime``, each replaced by ``datetime`` where it is missing.

    Raises:
        FilterError: an item has neither, or its time cannot be read.
    """
    found = [_candidate(item, latest_by) for item in items]
    found.sort(key=lambda candidate: candidate.place)
    return found


def creation_time(name: str) -> datetime | None:
    """The creation time in the name of a Sentinel auxiliary file or product, in UTC; None if it holds none.

    Three forms hold one: ``_G<time>`` (Sentinel-1 auxiliary files), ``<time>_V<begin>_<end>`` (orbits, Sentinel-2
    auxiliary files), and ``<begin>_<end>_<time>`` (Sentinel-3, and Sentinel-5P with an orbit number in between).
    """
    for form in _CREATION_FORMS:
        found = form.search(name)
        if found:
            return value_moment(found[1])
    return None


_NO_TIME = datetime.min.replace(tzinfo=UTC)

_STAMP = r"(?<!\d)\d{8}T\d{6}(?!\d)"
_CREATION_FORMS = (
    re.compile(rf"_G({_STAMP})"),
    re.compile(rf"_({_STAMP})_V{_STAMP}"),
    re.compile(rf"_{_STAMP}_{_STAMP}_(?:(?:\d+_){{3}})?({_STAMP})(?:[_.]|$)"),
)


def _candidate(item: Item, latest_by: LatestBy) -> Candidate:
    properties = item.properties
    begin = value_moment(properties.get("start_datetime") or item.datetime)
    end = value_moment(properties.get("end_datetime") or item.datetime)
    if begin is None or end is None:
        raise FilterError(f"item {item.id} has no validity that can be read: it needs start_datetime and end_datetime")
    return Candidate(item, begin, OPEN_END if is_open(end) else end, _age(item, latest_by) or _NO_TIME, _source(item))


def _age(item: Item, latest_by: LatestBy) -> datetime | None:
    times = item.properties
    if latest_by is LatestBy.GENERATION:
        return (
            value_moment(times.get("processing:datetime"))
            or creation_time(item.id)
            or value_moment(times.get("created"))
            or value_moment(times.get("published"))
        )
    return value_moment(times.get(latest_by.value))


def _source(item: Item) -> str:
    return min((source_id(item, key) for key in item.assets), default="")
