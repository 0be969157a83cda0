"""What a search of any station interface gives."""

from dataclasses import dataclass, field
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
    doubtful: bool = False
    """Whether "nothing" was said in a way that a fault or a wrong address would look like, too."""
    strays: int | None = None
    """Products of the window that belong to no mission of the settings; None where it is not known."""
    warnings: list[str] = field(default_factory=list)


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
