"""What an interface says of itself and of its stations: all that the rest of the package knows of it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from rs_assets.settings import Mission, Station

if TYPE_CHECKING:
    from pystac import Item

    from rs_assets.selection import Vocabulary
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
    station's key of a publication or a file stands in the field ``<name>:id`` of its item or asset.
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

    def settle(self, item: "Item", station: Station, now: datetime) -> None:  # noqa: B027
        """Let an item that has got files from several places or times say again whether it is complete."""

    def expected_by(self, item: "Item", station: Station) -> datetime:  # noqa: ARG002
        """From when on an item that is not complete should have been (aware UTC)."""
        return _ALWAYS

    def publishes_incomplete(self, station: Station) -> bool:  # noqa: ARG002
        """Whether an item that is not complete is catalogued as far as it goes, rather than held back."""
        return False
