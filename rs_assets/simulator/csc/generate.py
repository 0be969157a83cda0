"""From a family and a day to the products that were published: always the same, each on its own."""

import struct
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from rs_assets.simulator.csc.ground import direction
from rs_assets.simulator.csc.products import OPEN_END, Family, Instrument, Product
from rs_assets.simulator.identity import Identity
from rs_assets.simulator.missions import DAY
from rs_assets.simulator.odata.schema import Attribute, Kind

_JITTER = 0.6
_ORBITS_PER_DAY = 14.6


class Generator:
    """Makes the products of one table of families and one seed."""

    def __init__(self, families: Sequence[Family], seed: str, kept: timedelta) -> None:
        """``kept`` is the time from a product's publication to its EvictionDate."""
        self._families = families
        self._identity = Identity(seed)
        self._kept = kept
        self._cached = lru_cache(maxsize=8192)(self._make)

    def products(self, family: int, day: date) -> tuple[Product, ...]:
        """What a family (its place in the table) published on a UTC day, in no particular order."""
        row = self._families[family]
        if (day.toordinal() + 5 * family) % row.every:
            return ()
        return self._cached(family, day)

    def locate(self, product_id: str) -> Product | None:
        """The product with this id, or None if the id is none of this archive's."""
        family, _, ordinal = struct.unpack(">BBI", self._identity.place(product_id))
        if family >= len(self._families) or not 0 < ordinal <= date.max.toordinal():
            return None
        found = self.products(family, date.fromordinal(ordinal))
        return next((product for product in found if product.id == product_id), None)

    def specimens(self, family: int) -> tuple[str, ...]:
        """How a family's file names look, one for each satellite, with digits of no meaning."""
        row = self._families[family]
        return tuple(_name(row, unit, created=OPEN_END, start=OPEN_END, end=OPEN_END, number=0) for unit in row.units)

    def _make(self, family: int, day: date) -> tuple[Product, ...]:
        row = self._families[family]
        units = [unit for unit in row.units if row.mission.flies(unit, day)]
        return tuple(self._products(family, row, day, units))

    def _products(self, family: int, row: Family, day: date, units: list[str]) -> Iterator[Product]:
        midnight = datetime.combine(day, time(), UTC)
        pitch = DAY / row.per_day
        for slot in range(row.per_day):
            for unit in units:
                key = self._digest(family, day, slot, unit)
                shared = self._digest(family, day, slot, "") if row.together else key
                spread = int.from_bytes(shared[:2], "big") / 2**16
                weight = int.from_bytes(key[2:4], "big") / 2**16
                delay = int.from_bytes(key[4:6], "big") / 2**16
                published = midnight + pitch * (slot + 0.2 + _JITTER * spread)
                published -= timedelta(microseconds=published.microsecond % 1000)
                low, high = row.kilobytes
                yield self._product(
                    row,
                    unit,
                    product_id=self._identity.uuid(struct.pack(">BBI", family, slot, day.toordinal()), key),
                    key=key,
                    published=published,
                    origin=published - timedelta(milliseconds=120_000 + int(delay * 2_400_000)),
                    size=int(1000 * low * (high / low) ** weight) + key[6],
                    number=(day.toordinal() * row.per_day + slot) % 10_000,
                )

    def _product(
        self,
        row: Family,
        unit: str,
        *,
        product_id: str,
        key: bytes,
        published: datetime,
        origin: datetime,
        size: int,
        number: int,
    ) -> Product:
        start, end = row.validity.interval(published)
        orbit = int((start - _launch(row, unit)) / DAY * _ORBITS_PER_DAY) if row.orbit or row.observes else 0
        return Product(
            id=product_id,
            name=_name(row, unit, created=origin, start=start, end=end, number=number),
            size=size,
            key=key,
            published=published,
            origin=origin,
            evicted=published + self._kept,
            start=start,
            end=end,
            product_type=row.product_type,
            platform=row.mission.platform,
            serial="" if unit == "_" else unit,
            center=row.center.strip("_"),
            version=row.version,
            more=_orbit(orbit) if row.observes is None else _observed(row.observes, orbit, start, key),
            footprint=None if row.observes is None else row.observes.footprint(start, end),
            online=None if row.observes is None else True,
            production_type="" if row.observes is None else "systematic_production",
        )

    def _digest(self, family: int, day: date, slot: int, unit: str) -> bytes:
        return self._identity.digest(f"{family}/{day.toordinal()}/{slot}/{unit}")


def _orbit(number: int) -> tuple[Attribute, ...]:
    return (Attribute("orbitNumber", Kind.INTEGER, number),) if number else ()


def _observed(instrument: Instrument, orbit: int, start: datetime, key: bytes) -> tuple[Attribute, ...]:
    """What a station states of a product that its instrument has seen."""
    cloud = (Attribute("cloudCover", Kind.DOUBLE, key[7] * 100 / 255),) if instrument.sees_clouds else ()
    return (
        *_orbit(orbit),
        Attribute("relativeOrbitNumber", Kind.INTEGER, 1 + orbit % 175),
        Attribute("orbitDirection", Kind.STRING, direction(start)),
        Attribute("instrumentShortName", Kind.STRING, instrument.short_name),
        *instrument.attributes,
        *cloud,
    )


def _launch(row: Family, unit: str) -> datetime:
    first, _ = row.mission.satellites[unit]
    return datetime.combine(first, time(), UTC)


def _name(row: Family, unit: str, *, created: datetime, start: datetime, end: datetime, number: int) -> str:
    return row.name.format(
        unit=row.mission.code + unit,
        type=row.product_type,
        center=row.center,
        created=_compact(created),
        start=_compact(start),
        stop=_compact(end),
        number=number,
    )


def _compact(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")[:19].replace("-", "").replace(":", "")
