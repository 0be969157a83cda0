"""The archive: what is published at this moment, generated or put there by hand."""

import re
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from uuid import UUID

from rs_assets.simulator.clock import Clock
from rs_assets.simulator.csc.generate import Generator
from rs_assets.simulator.csc.products import Family, Product
from rs_assets.simulator.odata.hints import ANYTHING, Hints, Pattern, Span
from rs_assets.simulator.options import SimulatorOptions


class Archive:
    """Products by id, name and query: only those that are published, and not evicted."""

    def __init__(self, options: SimulatorOptions, clock: Clock, families: Sequence[Family], *, salt: str = "") -> None:
        """Take the table of families; archives of one seed differ by their salt."""
        rolling = options.evict_after_days
        self.kept = timedelta(days=options.eviction_days if rolling is None else rolling)
        """From a product's publication to its EvictionDate."""
        self._rolling = None if rolling is None else self.kept
        self._generator = Generator(families, f"{options.seed}{salt}", self.kept)
        self._families = families
        self._clock = clock
        self._first_day = options.first_day
        self._added: dict[str, Product] = {}
        self._removed: set[str] = set()

    def find(self, product_id: str) -> Product | None:
        """The product with this id, if it can be had now; the case of a UUID does not matter."""
        product = self._added.get(product_id) or self._added.get(product_id.lower())
        if product is None:
            product = self._generated(product_id)
        return product if product is not None and product.published in self._present() else None

    def named(self, name: str) -> list[Product]:
        """The publications of a file name that can be had now, the earliest first."""
        found = [p for day in self.days(Hints.equal("Name", name)) for p in day if p.name == name]
        return sorted(found, key=lambda product: product.published)

    def days(self, hints: Hints = ANYTHING, *, latest_first: bool = False) -> Iterator[list[Product]]:
        """Every product that the hints leave, and perhaps more: a list for each UTC day of publication."""
        if (ids := hints.values.get("Id")) is not None:
            found = [product for wanted in ids if (product := self.find(wanted))]
            yield from _by_day(found, latest_first).values()
            return
        present = self._present()
        added = _by_day([p for p in list(self._added.values()) if p.published in present], latest_first)
        windows = self._windows(hints, present)
        days = set(added)
        for _, first, last in windows:
            days.update(range(first, last + 1))
        for ordinal in sorted(days, reverse=latest_first):
            day = date.fromordinal(ordinal)
            generated = (
                product
                for family, first, last in windows
                if first <= ordinal <= last
                for product in self._generator.products(family, day)
                if product.id not in self._removed and product.published in present
            )
            yield [*generated, *added.get(ordinal, ())]

    def add(self, product: Product) -> None:
        """Publish a product; one with the same id is replaced."""
        self._added[product.id] = product
        self._removed.add(product.id)

    def remove(self, product: Product) -> None:
        """Evict a product for good."""
        self._added.pop(product.id, None)
        self._removed.add(product.id)

    def _generated(self, product_id: str) -> Product | None:
        try:
            wanted = str(UUID(product_id))
        except ValueError:
            return None
        product = None if wanted in self._removed else self._generator.locate(wanted)
        return product if product is not None and product.published.date() >= self._first_day else None

    def _present(self) -> Span:
        """Between which times a product must have been published to be had now."""
        now = self._clock.now()
        return Span(now - self._rolling + timedelta.resolution, now) if self._rolling is not None else Span(high=now)

    def _windows(self, hints: Hints, present: Span) -> list[tuple[int, int, int]]:
        """Families that can have what is asked for, and between which days (proleptic ordinals)."""
        start = hints.span("ContentDate/Start") & _dates_in(hints.values.get("Name", ()))
        end = hints.span("ContentDate/End")
        windows = []
        for family, row in enumerate(self._families):
            if not self._may_have(family, row, hints):
                continue
            span = present & hints.span("PublicationDate") & _publication(row, start, end)
            first = max(span.low.date(), row.mission.first_day, self._first_day).toordinal()
            if first <= span.high.toordinal():
                windows.append((family, first, span.high.toordinal()))
        return windows

    def _may_have(self, family: int, row: Family, hints: Hints) -> bool:
        types, patterns = hints.values.get("Attributes/productType"), hints.patterns.get("Name")
        if types is not None and row.product_type not in types:
            return False
        specimens = self._generator.specimens(family)
        return patterns is None or any(_fits(pattern, name) for pattern in patterns for name in specimens)


_DIGITS = re.compile("[0-9]")
_STAMP = re.compile(r"[0-9]{8}T[0-9]{6}")


def _dates_in(names: Collection[str]) -> Span:
    """Between the dates that full file names state, of which their starts of validity are some."""
    spans = []
    for name in names:
        dates = [moment for text in _STAMP.findall(name) if (moment := _stamped(text)) is not None]
        spans.append(Span(min(dates), max(dates)) if dates else Span())
    return reduce(Span.__or__, spans) if spans else Span()


def _stamped(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def _fits(pattern: Pattern, specimen: str) -> bool:
    """Whether a name that looks like the specimen, whatever its digits, can fit the pattern."""
    text, name = _DIGITS.sub("0", pattern.text), _DIGITS.sub("0", specimen)
    if pattern.begins and pattern.ends:
        return text == name
    if pattern.begins:
        return name.startswith(text)
    return name.endswith(text) if pattern.ends else text in name


def _publication(row: Family, start: Span, end: Span) -> Span:
    """When a family's products can have been published whose validity starts and ends in the spans."""
    least, most = row.validity.lag
    span = _moved(start, least, most)
    if row.validity.length is not None:
        return span & _moved(end, least - row.validity.length, most - row.validity.length)
    if not end.low <= row.validity.until <= end.high:
        return Span(span.high, span.low)
    return span


def _moved(span: Span, least: timedelta, most: timedelta) -> Span:
    return Span(_shifted(span.low, least), _shifted(span.high, most))


def _shifted(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:
        return Span().low if by < timedelta(0) else Span().high


def _by_day(products: list[Product], latest_first: bool) -> dict[int, list[Product]]:
    days: dict[int, list[Product]] = {}
    for product in sorted(products, key=lambda p: p.published, reverse=latest_first):
        days.setdefault(product.published.toordinal(), []).append(product)
    return days
