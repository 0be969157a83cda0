"""What a search of any station interface gives."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from pystac import Item

from rs_assets.selection import Expression
from rs_assets.stations.window import Window


@dataclass(frozen=True, slots=True)
class Rejected:
    """Something that a station listed and that cannot become an item."""

    name: str
    reason: str
    key: str = ""
    """The station's key of it, which tells that it is listed still."""


@dataclass
class Answer:
    """What a station lists for one window and mission."""

    query: str
    """What the station was asked, in its own language."""
    items: list[Item] = field(default_factory=list)
    """In the order of publication."""
    rejected: list[Rejected] = field(default_factory=list)
    pages: int = 0
    partial: bool = False
    """Whether something is known to be missing, so that absence means nothing."""
    ambiguous_empty: bool = False
    """Whether "nothing" was said in a way that a fault or a wrong address would look like, too."""
    unassigned: int | None = None
    """Products of the window that belong to no mission of the settings; None where it is not known."""
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Listed:
    """An item, or a file of one, that a station has published of late."""

    key: str
    """The station's own key of it."""
    published: datetime
    """When it was published (aware UTC)."""
    mission: str | None
    """The mission of the item that it belongs to; None while the station does not show that item."""
    window_time: datetime | None
    """The time (aware UTC) that decides to which window that item belongs; None where it has none."""
    is_file: bool = False
    """Whether it is a file of a session, rather than an item."""


@dataclass(frozen=True, slots=True)
class Publications:
    """What a station has published of late."""

    listed: tuple[Listed, ...] = ()
    is_whole: bool = True
    """Whether nothing is known to be missing."""


class StationSearch(Protocol):
    """The search of one station, whatever its interface."""

    async def search(self, window: Window, mission: str) -> Answer:
        """Everything that the station lists for a window and a mission.

        Raises:
            StationError: the station could not be asked; the message begins with its name.
        """
        ...

    async def find(self, expression: Expression) -> Answer:
        """Everything in the station's archive that meets a filter.

        Raises:
            StationError: the station could not be asked; the message begins with its name.
        """
        ...

    async def published_since(self, start: datetime) -> Publications:
        """What was published at `start` (aware UTC) or later; asked of a station that is followed.

        Raises:
            StationError: the station could not be asked; the message begins with its name.
        """
        ...
