"""The query options of a collection request, and the page that answers them."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic

from rs_assets.simulator.errors import QueryError
from rs_assets.simulator.odata.expressions import parse
from rs_assets.simulator.odata.hints import ANYTHING, Hints, hints
from rs_assets.simulator.odata.predicate import Predicate, compile_filter
from rs_assets.simulator.odata.schema import E, Schema

_KNOWN = {"$filter", "$orderby", "$top", "$skip", "$count", "$expand", "$format"}


@dataclass(frozen=True)
class Ordering:
    """One key of ``$orderby``."""

    field: str
    descending: bool = False


Days = Callable[[Hints, bool], Iterator[list[E]]]
"""Gives every entity that the hints leave, and perhaps more: a list for each UTC day, the latest first if told so."""


@dataclass(frozen=True)
class Query(Generic[E]):
    """A collection request, checked."""

    schema: Schema[E]
    passes: Predicate[E]
    hints: Hints
    order: tuple[Ordering, ...]
    top: int
    skip: int
    count: bool
    expand: frozenset[str]
    """The navigation properties to show, too."""

    @classmethod
    def parse(cls, options: Mapping[str, str], schema: Schema[E], max_page: int) -> "Query[E]":
        """Read the options of a URL; ``QueryError`` for what is malformed or not served."""
        unknown = [name for name in options if name.startswith("$") and name not in _KNOWN]
        if unknown:
            raise QueryError(f"the query option {unknown[0]} is not supported")
        passes, bounds = _filter(options.get("$filter"), schema)
        return cls(
            schema=schema,
            passes=passes,
            hints=bounds,
            order=_order(options.get("$orderby"), schema),
            top=min(_number(options, "$top", max_page), max_page),
            skip=_number(options, "$skip", 0),
            count=_truth(options, "$count"),
            expand=_expanded(options, schema),
        )


@dataclass(frozen=True)
class Page(Generic[E]):
    """The answer to a query."""

    entities: list[E]
    more: bool
    """Whether further entities follow."""
    count: int | None
    """How many entities pass the filter, if that was asked."""


async def answer(query: Query[E], days: Days[E]) -> Page[E]:
    """Select, sort and cut; where the order allows it, no further than the page reaches."""
    stop = query.skip + query.top
    first = query.order[0]
    by_day = first.field == query.schema.daily
    found: list[E] = []
    for day in days(query.hints, by_day and first.descending):
        # A walk through the whole archive takes seconds, in which others are served, too.
        await asyncio.sleep(0)
        found += _sorted([entity for entity in day if query.passes(entity)], query)
        if by_day and not query.count and len(found) > stop:
            break
    if not by_day:
        found = _sorted(found, query)
    return Page(found[query.skip : stop], len(found) > stop, len(found) if query.count else None)


def _sorted(entities: list[E], query: Query[E]) -> list[E]:
    entities.sort(key=query.schema.key)
    for ordering in reversed(query.order):
        entities.sort(key=_nulls_first(query.schema.fields[ordering.field].get), reverse=ordering.descending)
    return entities


def _nulls_first(get: Callable[[E], Any]) -> Callable[[E], tuple[bool, Any]]:
    def key(entity: E) -> tuple[bool, Any]:
        value = get(entity)
        return value is not None, value

    return key


def _filter(text: str | None, schema: Schema[E]) -> tuple[Predicate[E], Hints]:
    if text is None:
        return _everything, ANYTHING
    tree = parse(text.strip())
    return compile_filter(tree, schema), hints(tree)


def _everything(_: object) -> bool:
    return True


def _order(text: str | None, schema: Schema[E]) -> tuple[Ordering, ...]:
    if text is None:
        return (Ordering(schema.daily),)
    return tuple(_ordering(key, schema) for key in text.split(","))


def _ordering(key: str, schema: Schema[E]) -> Ordering:
    match key.split():
        case [field] | [field, "asc"] if field in schema.fields:
            return Ordering(field)
        case [field, "desc"] if field in schema.fields:
            return Ordering(field, descending=True)
        case _:
            raise QueryError(f"$orderby wants a property and asc or desc, not {key.strip()!r}")


def _expanded(options: Mapping[str, str], schema: Schema[E]) -> frozenset[str]:
    text = options.get("$expand", "")
    names = frozenset(name.strip() for name in text.split(",")) if text else frozenset()
    unknown = names - schema.expandable
    if unknown:
        known = " and ".join(sorted(schema.expandable)) or "nothing"
        raise QueryError(f"$expand knows {known}, not {min(unknown)!r}")
    return names


def _number(options: Mapping[str, str], name: str, default: int) -> int:
    text = options.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise QueryError(f"{name} wants a number, zero or more, not {text!r}")
    return int(text)


def _truth(options: Mapping[str, str], name: str) -> bool:
    text = options.get(name, "false")
    if text not in ("true", "false"):
        raise QueryError(f"{name} knows true and false, not {text!r}")
    return text == "true"
