"""OData over HTTP: the answers that every interface gives in the same way, whatever its entities are."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rs_assets.simulator.errors import MissingError
from rs_assets.simulator.odata.envelope import Envelope
from rs_assets.simulator.odata.notation import Json
from rs_assets.simulator.odata.query import Days, Query, answer
from rs_assets.simulator.odata.schema import E, Schema


@dataclass(frozen=True)
class EntitySet(Generic[E]):
    """A collection of an interface, and its single entities."""

    name: str
    schema: Schema[E]
    days: Days[E]
    show: Callable[[E, frozenset[str]], Json]
    """The entity as JSON, with the navigation properties that are to be expanded."""
    find: Callable[[str], E | None] | None = None
    """The entity with an id; None for a collection without keys."""
    max_page: int = 1000
    next_link: bool = True

    def routes(self) -> list[Route]:
        """The routes of the collection and of one entity."""
        routes = [Route(f"/{self.name}", self._collection)]
        if self.find is not None:
            routes.append(Route(f"/{self.name}({{id}})", self._entity))
        return routes

    def found(self, request: Request) -> E:
        """The entity that a request's path names; ``MissingError`` if it cannot be had."""
        assert self.find is not None
        given = request.path_params["id"]
        unquoted = given[1:-1] if len(given) > 1 and given[0] == given[-1] == "'" else given
        entity = self.find(unquoted)
        if entity is None:
            raise MissingError(f"There is no {self.schema.name.lower()} with the id {unquoted}.")
        return entity

    async def _collection(self, request: Request) -> Response:
        query = Query.parse(request.query_params, self.schema, self.max_page)
        page = await answer(query, self.days)
        body: Json = {"@odata.context": _context(request, self.name)}
        if page.count is not None:
            body["@odata.count"] = page.count
        body["value"] = [await self._shown(entity, query) for entity in page.entities]
        if page.more and query.top and self.next_link:
            body["@odata.nextLink"] = self._next_link(request, query)
        return _wrapped(body, Envelope(request.scope.get("simulator.envelope") or Envelope.VALUE))

    async def _entity(self, request: Request) -> Response:
        query = Query.parse(request.query_params, self.schema, self.max_page)
        entity = self.found(request)
        return JSONResponse(
            {"@odata.context": _context(request, f"{self.name}/$entity")} | await self._shown(entity, query)
        )

    async def _shown(self, entity: E, query: Query[E]) -> Json:
        # Checksums are made here for the first time, which takes a while for a large page.
        await asyncio.sleep(0)
        return self.show(entity, query.expand)

    def _next_link(self, request: Request, query: Query[E]) -> str:
        options = dict(request.query_params) | {"$skip": str(query.skip + query.top)}
        return f"{_base(request)}/{self.name}?{urlencode(options, safe='$', quote_via=quote)}"


def _context(request: Request, what: str) -> str:
    return f"{_base(request)}/$metadata#{what}"


def _base(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}{request.scope['root_path']}"


def _wrapped(body: Json, envelope: Envelope) -> Response:
    match envelope:
        case Envelope.BARE_LIST:
            return JSONResponse(body["value"])
        case Envelope.RESPONSES:
            return JSONResponse({"responses": body["value"]})
        case Envelope.MISSING:
            return JSONResponse({"@odata.context": body["@odata.context"]})
        case Envelope.EMPTY_404:
            return Response(status_code=404)
        case Envelope.VALUE:
            return JSONResponse(body)
