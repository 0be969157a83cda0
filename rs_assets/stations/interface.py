"""What an interface says of itself and of its stations: all that the rest of the package knows of it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from rs_assets.settings import Mission, Station

if TYPE_CHECKING:
    from pystac import Item

    from rs_assets.selection import Vocabulary
    from rs_assets.stations.chunks import Chunk
    from rs_assets.stations.http import StationConnection
    from rs_assets.stations.search import StationSearch

_ALWAYS = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Contents:
    """What the collections of an interface hold, in the words of their description."""

    title: str
    """Follows the constellation, e.g. ``auxiliary files``."""
    description: str
    """Begins the description, e.g. ``Auxiliary files``."""
    keyword: str


class StationInterface(ABC):
    """One interface. Each exports an object of its own subclass, named in `rs_assets.settings.interfaces`.

    The settings load it at every start, so its module should import what asks a station only when one is asked. The
    station's key of a publication or a file stands in the field ``<name>:id`` of its item or asset; the name that the
    station of a session gives itself stands in ``<name>:station``.
    """

    name: ClassVar[str]
    """As the settings of a station call it."""
    settings: ClassVar[type[Station]]
    """The settings of its stations: the common keys, and those that only this interface has."""
    contents: ClassVar[Contents]
    kinds: ClassVar[frozenset[str]] = frozenset()
    """The kinds that the UI shows of what has been searched."""
    has_sessions: ClassVar[bool] = False
    """Whether its items are sessions: known by their id, growing file by file, each file with a key of its own."""
    answers_product_types: ClassVar[bool] = False
    """Whether a request for product types can be answered by its stations."""
    followed_as: ClassVar[str] = "publications"
    """What the sensor that follows a station calls it, behind the station's name."""
    takes_orders: ClassVar[bool] = False
    """Whether a product may have to be ordered before it can be fetched."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    @property
    @abstractmethod
    def vocabulary(self) -> "Vocabulary":
        """What its stations can be asked for."""

    @abstractmethod
    def search(self, connection: "StationConnection", missions: Mapping[str, Mission]) -> "StationSearch":
        """The search of a connected station."""

    def follow_every(self, station: Station) -> timedelta | None:  # noqa: ARG002
        """How often the station is asked for what it has just published; None where it is not followed."""
        return None

    def missing(self, item: "Item", station: Station, now: datetime) -> tuple[str, ...]:  # noqa: ARG002
        """What keeps an item from being complete at `now`, in words; empty for one that is, as all are by default.

        Pure: it depends on nothing else, and changes nothing.
        """
        return ()

    def stated(self, item: "Item", station: Station, now: datetime, also_missing: Sequence[str] = ()) -> "Item":  # noqa: ARG002
        """The item as it is published: it says whether it is complete at `now`, where its interface has such.

        Args:
            item: it is not changed.
            station: the station that has it.
            now: aware UTC.
            also_missing: what else is missing, e.g. files that are not in the store.
        """
        return item

    def chunks(self, item: "Item") -> "Sequence[Chunk]":  # noqa: ARG002
        """The files of a session in the order of their delivery: of two for one place, the later is to be preferred."""
        return ()

    def expected_chunks(self, item: "Item") -> Mapping[int, int | None]:  # noqa: ARG002
        """How many chunks the station states of each channel of a session; None where it does not know it yet."""
        return {}

    def expected_by(self, item: "Item", station: Station) -> datetime:  # noqa: ARG002
        """From when on an item that is not complete should have been (aware UTC)."""
        return _ALWAYS

    def publishes_incomplete(self, station: Station) -> bool:  # noqa: ARG002
        """Whether an item that is not complete is catalogued as far as it goes, rather than held back."""
        return False
