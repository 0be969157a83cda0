"""A product as the station knows it, and the families that products come in."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property

from rs_assets.simulator.csc.ground import Position, seen
from rs_assets.simulator.missions import Mission
from rs_assets.simulator.odata.schema import Attribute, Kind

OPEN_END = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""The end of a validity that has no end."""


@dataclass(frozen=True)
class Product:
    """One publication of one file. All times are aware UTC."""

    id: str
    name: str
    size: int
    key: bytes = field(repr=False)
    """What its bytes are made from: the same key, name and size give the same bytes."""
    published: datetime
    origin: datetime
    evicted: datetime
    """When the station means to drop it."""
    start: datetime
    end: datetime
    product_type: str = ""
    platform: str = ""
    serial: str = ""
    center: str = ""
    version: str = ""
    more: tuple[Attribute, ...] = ()
    """Attributes beyond those that every product has."""
    content_type: str = "application/octet-stream"
    vouched: tuple[tuple[str, str], ...] | None = None
    """Checksums (algorithm, value) announced in place of the true ones."""
    announced_size: int | None = None
    """ContentLength announced in place of the true size."""
    footprint: tuple[Position, ...] | None = None
    """The closed ring of what was seen; None for a product that has seen nothing."""
    online: bool | None = None
    """Whether it can be fetched at once; None where the interface does not say."""
    production_type: str = ""
    """Why it was made; empty where the interface does not say."""

    @property
    def listed_size(self) -> int:
        """The ContentLength that the station announces, in bytes."""
        return self.size if self.announced_size is None else self.announced_size

    @cached_property
    def attributes(self) -> tuple[Attribute, ...]:
        """What ``$expand=Attributes`` shows; a fact that the product lacks is left out."""
        return tuple(attribute for attribute in self._attributes() if attribute.value != "") + self.more

    def _attributes(self) -> Iterator[Attribute]:
        yield Attribute("platformShortName", Kind.STRING, self.platform)
        yield Attribute("platformSerialIdentifier", Kind.STRING, self.serial)
        yield Attribute("productType", Kind.STRING, self.product_type)
        yield Attribute("beginningDateTime", Kind.DATE, self.start)
        yield Attribute("endingDateTime", Kind.DATE, self.end)
        yield Attribute("processingCenter", Kind.STRING, self.center)
        yield Attribute("processorVersion", Kind.STRING, self.version)
        yield Attribute("processingDate", Kind.DATE, self.origin)


@dataclass(frozen=True)
class Validity:
    """How a product's validity follows from the time of its publication."""

    lead: timedelta
    """From the start of validity to publication; negative when it is published ahead of time."""
    length: timedelta | None = None
    """From start to end; None for a validity that ends at ``until``."""
    until: datetime = OPEN_END
    grid: timedelta = timedelta(seconds=1)
    """The start is brought down to a multiple of this, counted from midnight or from 1970, …"""
    offset: timedelta = timedelta(0)
    """… and then moved by this."""

    def interval(self, published: datetime) -> tuple[datetime, datetime]:
        """Start and end for a publication time."""
        wanted = published - self.lead
        start = wanted - (wanted - _EPOCH) % self.grid + self.offset
        return start, self.until if self.length is None else start + self.length

    @property
    def lag(self) -> tuple[timedelta, timedelta]:
        """The least and the most time from the start of validity to publication."""
        return self.lead - self.offset, self.lead - self.offset + self.grid


@dataclass(frozen=True)
class Instrument:
    """What sees the Earth."""

    short_name: str
    kilometres: float
    """Across the track, half on each side."""
    attributes: tuple[Attribute, ...] = ()
    """What is the same for all its products."""
    sees_clouds: bool = False

    def footprint(self, start: datetime, end: datetime) -> tuple[Position, ...]:
        """What it has seen between two times, as a closed ring."""
        return seen(start, end, self.kilometres)


@dataclass(frozen=True)
class Family:
    """Products of one type, made by one centre: one row of the table of families."""

    product_type: str
    mission: Mission
    units: str
    """Satellites, a letter each; ``_`` for a product that serves the whole mission."""
    name: str
    """Format of the file name: unit, type, center, created, start, stop (compact UTC times), number."""
    kilobytes: tuple[float, float]
    validity: Validity
    per_day: int = 1
    """Publications of each unit on a day of publication."""
    every: int = 1
    """Days from one day of publication to the next."""
    center: str = "OPOD"
    version: str = "1.0"
    together: bool = False
    """Whether all units are published at the same instant."""
    orbit: bool = False
    """Whether products carry the number of the orbit that they belong to."""
    observes: Instrument | None = None
    """What has seen what the products show; None for products that show nothing."""


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
