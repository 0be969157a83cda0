"""The query options of a collection request, and the page that answers them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from rs_assets.simulator.archive import Archive
from rs_assets.simulator.errors import QueryError
from rs_assets.simulator.hints import ANYTHING, Hints, hints
from rs_assets.simulator.odata import parse
from rs_assets.simulator.predicate import FIELDS, Predicate, compile_filter
from rs_assets.simulator.products import Product

_KNOWN = {"$filter", "$orderby", "$top", "$skip", "$count", "$expand", "$format"}


@dataclass(frozen=True)
class Ordering:
    """One key of ``$orderby``."""

    field: str
    descending: bool = False


_DEFAULT_ORDER = (Ordering("PublicationDate"),)


@dataclass(frozen=True)
class Query:
    """A collection request, checked."""

    passes: Predicate
    hints: Hints
    order: tuple[Ordering, ...]
    top: int
    skip: int
    count: bool
    expand: bool

    @classmethod
    def parse(cls, options: Mapping[str, str], max_page: int) -> "Query":
        """Read the options of a URL; ``QueryError`` for what is malformed or not served."""
        unknown = [name for name in options if name.startswith("$") and name not in _KNOWN]
        if unknown:
            raise QueryError(f"the query option {unknown[0]} is not supported")
        passes, bounds = _filter(options.get("$filter"))
        return cls(
            passes=passes,
            hints=bounds,
            order=_order(options.get("$orderby")),
            top=min(_number(options, "$top", max_page), max_page),
            skip=_number(options, "$skip", 0),
            count=_choice(options, "$count", {"true": True, "false": False}),
            expand=_choice(options, "$expand", {"Attributes": True, "": False}),
        )


@dataclass(frozen=True)
class Page:
    """The answer to a query."""

    products: list[Product]
    more: bool
    """Whether further products follow."""
    count: int | None
    """How many products pass the filter, if that was asked."""


async def answer(query: Query, archive: Archive) -> Page:
    """Select, sort and cut; where the order allows it, no further than the page reaches."""
    stop = query.skip + query.top
    first = query.order[0]
    by_day = first.field == "PublicationDate"
    found: list[Product] = []
    for day in archive.days(query.hints, latest_first=by_day and first.descending):
        # A walk through the whole archive takes seconds, in which others are served, too.
        await asyncio.sleep(0)
        found += _sorted([product for product in day if query.passes(product)], query.order)
        if by_day and not query.count and len(found) > stop:
            break
    if not by_day:
        found = _sorted(found, query.order)
    return Page(found[query.skip : stop], len(found) > stop, len(found) if query.count else None)


def _sorted(products: list[Product], order: tuple[Ordering, ...]) -> list[Product]:
    products.sort(key=lambda product: product.id)
    for ordering in reversed(order):
        products.sort(key=FIELDS[ordering.field].get, reverse=ordering.descending)
    return products


def _filter(text: str | None) -> tuple[Predicate, Hints]:
    if text is None:
        return _everything, ANYTHING
    tree = parse(text.strip())
    return compile_filter(tree), hints(tree)


def _everything(_: Product) -> bool:
    return True


def _order(text: str | None) -> tuple[Ordering, ...]:
    if text is None:
        return _DEFAULT_ORDER
    return tuple(_ordering(key) for key in text.split(","))


def _ordering(key: str) -> Ordering:
    match key.split():
        case [field] | [field, "asc"] if field in FIELDS:
            return Ordering(field)
        case [field, "desc"] if field in FIELDS:
            return Ordering(field, descending=True)
        case _:
            raise QueryError(f"$orderby wants a property and asc or desc, not {key.strip()!r}")


def _number(options: Mapping[str, str], name: str, default: int) -> int:
    text = options.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise QueryError(f"{name} wants a number, zero or more, not {text!r}")
    return int(text)


def _choice(options: Mapping[str, str], name: str, choices: dict[str, bool]) -> bool:
    text = options.get(name)
    if text is None:
        return False
    if text not in choices:
        raise QueryError(f"{name} knows {' and '.join(filter(None, choices))}, not {text!r}")
    return choices[text]
