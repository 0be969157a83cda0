"""Reading a collection of an OData service whole, page by page, whatever its envelope and its way of paging.

A page that fails is an error, never the end. A page that begins like the first one is the end where it is short,
and an error where it is full, since the service then does not honour ``$skip``.
"""

from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from rs_assets.errors import StationError
from rs_assets.items.untrusted import UnreadableError, json_of
from rs_assets.stations.http import StationConnection
from rs_assets.stations.links import followed

Entity = dict[str, Any]
"""An entity as the service wrote it; it does not travel beyond the module of its interface."""

_OVERLAP = 5
"""Entities of the last page that the next one repeats, to notice that the collection moved in between."""

_MAX_PASSES = 3
"""How often a collection that moves while it is read is read from its start."""

_ENVELOPES = frozenset({"value", "responses"})
"""Keys under which services put a collection's entities."""

_UNREADABLE_STATUSES = {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_IMPLEMENTED}


class QueryRefusedError(StationError):
    """The service does not understand the query (400, 501)."""


@dataclass
class Listing:
    """What a query gave: its entities, each once, in the service's order."""

    entities: dict[str, Entity] = field(default_factory=dict)
    """By the service's key."""
    keyless: list[Entity] = field(default_factory=list)
    """Entities without a key, which cannot be distinguished."""
    pages: int = 0
    partial: bool = False
    """Whether something is known to be missing."""
    ambiguous_empty: bool = False
    """Whether "nothing" was said in a way that a fault or a wrong address would look like, too."""
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Query:
    """A query on one collection of the service."""

    collection: str
    """E.g. ``Products``."""
    filter: str
    orderby: str = "PublicationDate asc"
    """One key: more than one is refused by some services."""
    expand: str | None = None

    @property
    def order_field(self) -> str:
        """The field that puts the entities in order."""
        return self.orderby.partition(" ")[0]

    def url(self, root: str, *, top: int, skip: int) -> str:
        """The request's URL, percent-encoded."""
        options = {"$filter": self.filter, "$orderby": self.orderby, "$top": str(top), "$skip": str(skip)}
        options |= {"$expand": self.expand} if self.expand else {}
        options["$count"] = "true"
        encoded = "&".join(f"{name}={quote(value, safe=_SAFE)}" for name, value in options.items())
        return f"{root.rstrip('/')}/{self.collection}?{encoded}"


_SAFE = "()',:/$"


async def read_all(connection: StationConnection, query: Query) -> Listing:
    """Read every entity that the query matches.

    A collection that moves while it is read is read again; a listing that may lack something in the end says so
    in its warnings.

    Raises:
        QueryRefusedError: the service does not understand the query.
        StationError: the service failed, or what it answers cannot be the whole collection.
    """
    listing = Listing()
    for _ in range(_MAX_PASSES):
        missing = await _one_pass(connection, query, listing)
        if not missing:
            return listing
    listing.partial = True
    listing.warnings.append(f"the station's answer changed while it was read; {missing} or more may be missing")
    return listing


async def count(connection: StationConnection, query: Query) -> tuple[int | None, list[Entity]]:
    """How many entities match, as the service counts them (None if it does not), and the first of them."""
    page = _page(connection, await connection.get(query.url(str(connection.station.url), top=1, skip=0)))
    return page.total, page.entities


async def read_entity(connection: StationConnection, collection: str, key: str, *, expand: str) -> Entity:
    """One entity of a collection with what it leads to; empty where the service says "nothing".

    Raises:
        StationError: the service failed, does not know the entity, or answers something else.
    """
    root = str(connection.station.url).rstrip("/")
    url = f"{root}/{collection}({quote(key, safe='')})?$expand={quote(expand, safe=_SAFE)}"
    page = _page(connection, await connection.get(url))
    return page.entities[0] if len(page.entities) == 1 else {}


def literal(text: str) -> str:
    """A string literal of OData; a quote in it is doubled."""
    return "'" + text.replace("'", "''") + "'"


def moment(value: datetime) -> str:
    """A DateTimeOffset literal of OData in UTC with milliseconds, which every station reads."""
    return value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"


@dataclass(frozen=True, slots=True)
class _Page:
    entities: list[Entity]
    total: int | None
    next_link: str | None
    is_absent: bool = False
    """Whether it says "nothing" by lacking what a collection has: 404, an empty body, no ``value``."""

    @property
    def keyed(self) -> list[tuple[str, Entity]]:
        """The entities that have a key, with it."""
        return [(_key(entity), entity) for entity in self.entities if _key(entity)]


async def _one_pass(connection: StationConnection, query: Query, listing: Listing) -> int:
    """Read the pages from the first to the last into `listing`; how many are known to be missing in the end."""
    root, top = str(connection.station.url), connection.station.page_size
    listing.keyless.clear()
    reading = _Reading(query.order_field)
    while True:
        url = query.url(root, top=top, skip=reading.skip)
        page = await _read(connection, url, listing, may_be_absent=reading.skip == 0)
        if page.next_link:
            return _missing(await _last_linked(connection, url, page, listing), listing)
        if reading.has_moved_at(page):
            return max(1, _missing(page, listing))
        if reading.ends_with(page, top):
            return _missing(page, listing)
        if reading.repeats(page):
            first = await _read(connection, query.url(root, top=top, skip=0), listing)
            if reading.repeats(first):
                raise StationError(
                    f"{connection.station.name}: {root} repeats the same page of {top} whatever is asked for; "
                    "choose a larger page_size or a shorter window"
                )
            return max(1, _missing(page, listing))
        reading.take(page)


class _Reading:
    """How far a pass has come with ``$skip``, and whether the collection has stood still enough for it.

    Every page but the first begins with the last entities of the page before. While the first of them is one that
    is known, and has kept its place in the order, nothing can have slipped through between the two pages.
    """

    def __init__(self, order_field: str) -> None:
        self.skip = 0
        """Where the next page begins."""
        self._order_field = order_field
        self._places: dict[str, object] = {}
        self._first: str | None = None
        self._position = 0
        self._overlap = 0

    def take(self, page: _Page) -> None:
        """Note the page that begins at `skip`, and move `skip` to the next one."""
        self._first = self._first or next((key for key, _ in page.keyed), None)
        self._places |= {key: entity.get(self._order_field) for key, entity in page.keyed}
        self._position = self.skip + len(page.entities)
        # Less than a page, however short the service keeps them, so that every page leads further.
        self._overlap = min(_OVERLAP, len(page.entities) - 1)
        self.skip = self._position - self._overlap

    def has_moved_at(self, page: _Page) -> bool:
        """Whether the page does not begin where the last one said it would."""
        if not self._overlap:
            return False
        return not any(
            key in self._places and self._places[key] == entity.get(self._order_field) for key, entity in page.keyed[:1]
        )

    def ends_with(self, page: _Page, top: int) -> bool:
        """Whether the page is the last: it leads no further, or the service counts no more."""
        reached = self.skip + len(page.entities)
        is_short = len(page.entities) < top
        counted_out = page.total is not None and reached >= page.total
        return reached <= self._position or (is_short and (counted_out or self.repeats(page)))

    def repeats(self, page: _Page) -> bool:
        """Whether the page begins like the very first one, as it does where ``$skip`` is not honoured."""
        return self._first is not None and [key for key, _ in page.keyed[:1]] == [self._first]


async def _last_linked(connection: StationConnection, url: str, page: _Page, listing: Listing) -> _Page:
    """Follow the links to the next page, to the last one."""
    seen: set[str] = set()
    while page.next_link:
        url = str(followed(connection.station.name, httpx.URL(url), page.next_link))
        if url in seen:
            raise StationError(f"{connection.station.name}: its links to the next page go in circles")
        seen.add(url)
        page = await _read(connection, url, listing, may_be_absent=False)
    return page


async def _read(connection: StationConnection, url: str, listing: Listing, *, may_be_absent: bool = True) -> _Page:
    page = _page(connection, await connection.get(url), may_be_absent=may_be_absent)
    if page.is_absent and not listing.pages:
        listing.ambiguous_empty = True
        listing.warnings.append("the station answers no collection, which is taken as nothing; is its url right?")
    listing.pages += 1
    listing.entities |= dict(page.keyed)
    listing.keyless += [entity for entity in page.entities if not _key(entity) and entity not in listing.keyless]
    return page


def _missing(page: _Page, listing: Listing) -> int:
    return max(0, (page.total or 0) - len(listing.entities) - len(listing.keyless))


def _key(entity: Entity) -> str:
    key = entity.get("Id")
    return "" if key is None else str(key)


def _page(connection: StationConnection, response: httpx.Response, *, may_be_absent: bool = True) -> _Page:
    name, url = connection.station.name, connection.station.url
    body = response.text
    if may_be_absent and response.status_code == HTTPStatus.NOT_FOUND and not _is_html(body):
        return _Page([], None, None, is_absent=True)  # the way in which some services say "nothing"
    if response.status_code in _UNREADABLE_STATUSES:
        raise QueryRefusedError(f"{name}: {url} refuses the query ({response.status_code}): {connection.excerpt(body)}")
    if not response.is_success:
        raise StationError(f"{name}: {url} answers {response.status_code}: {connection.excerpt(body)}")
    try:
        answer = json_of(body) if body.strip() else []
    except UnreadableError as error:
        raise StationError(f"{name}: {url} answers, but {error}: {connection.excerpt(body)}") from error

    entities = _entities(answer)
    if entities is None:
        raise StationError(f"{name}: {url} answers JSON that is not an OData collection: {connection.excerpt(body)}")
    envelope = answer if isinstance(answer, dict) else {}
    link = envelope.get("@odata.nextLink")
    is_absent = not body.strip() or (isinstance(answer, dict) and not entities and not _ENVELOPES & answer.keys())
    return _Page(
        entities, _total(envelope.get("@odata.count")), link if isinstance(link, str) and link else None, is_absent
    )


def _entities(answer: object) -> list[Entity] | None:
    """The entities in an answer of any envelope; None if it is not a collection."""
    if isinstance(answer, dict):
        for key in _ENVELOPES & answer.keys():
            answer = answer[key] or []
            break
        else:
            if all(key.startswith("@odata.") for key in answer):
                return []
            answer = [answer] if _key(answer) else None
    if isinstance(answer, dict):
        answer = [answer]
    if not isinstance(answer, list) or (answer and not any(isinstance(entity, dict) for entity in answer)):
        return None
    return [entity if isinstance(entity, dict) else {} for entity in answer]


def _total(value: object) -> int | None:
    try:
        return int(str(value))
    except ValueError:
        return None


def _is_html(body: str) -> bool:
    return body.lstrip()[:200].lower().startswith(("<!doctype html", "<html"))
