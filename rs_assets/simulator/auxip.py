"""The AUXIP routes: the product collection, one product, its bytes, the service's metadata."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from email.utils import format_datetime, parsedate_to_datetime
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from rs_assets.simulator.archive import Archive
from rs_assets.simulator.content import content
from rs_assets.simulator.edmx import EDMX
from rs_assets.simulator.entity import Json, entity
from rs_assets.simulator.envelope import Envelope
from rs_assets.simulator.errors import MissingError, error_body
from rs_assets.simulator.options import SimulatorOptions
from rs_assets.simulator.products import Product
from rs_assets.simulator.query import Query, answer
from rs_assets.simulator.ranges import Slice, UnsatisfiableError, requested
from rs_assets.simulator.tokens import Gatekeeper


class Auxip:
    """Answers the requests below ``/auxip``."""

    def __init__(self, options: SimulatorOptions, archive: Archive, gatekeeper: Gatekeeper) -> None:
        self._options = options
        self._archive = archive
        self._gatekeeper = gatekeeper

    def routes(self) -> list[Route]:
        """The routes, relative to ``/auxip``."""
        return [
            Route("/token", self._gatekeeper.token, methods=["POST"]),
            Route("/$metadata", self._metadata),
            Route("/Products", self._collection),
            Route("/Products({id})", self._product),
            Route("/Products({id})/$value", self._value),
        ]

    async def _metadata(self, request: Request) -> Response:
        del request
        return Response(EDMX, media_type="application/xml")

    async def _collection(self, request: Request) -> Response:
        query = Query.parse(request.query_params, self._options.max_page)
        page = await answer(query, self._archive)
        shown = [await _shown(product, query) for product in page.products]
        body: Json = {"@odata.context": _context(request, "Products")}
        if page.count is not None:
            body["@odata.count"] = page.count
        body["value"] = shown
        if page.more and query.top and self._options.next_link:
            body["@odata.nextLink"] = _next_link(request, query)
        return _wrapped(body, Envelope(request.scope.get("simulator.envelope") or Envelope.VALUE))

    async def _product(self, request: Request) -> Response:
        query = Query.parse(request.query_params, self._options.max_page)
        product = self._found(request)
        context = {"@odata.context": _context(request, "Products/$entity")}
        return JSONResponse(context | await _shown(product, query))

    async def _value(self, request: Request) -> Response:
        product = self._found(request)
        headers = {
            "Accept-Ranges": "bytes",
            "ETag": _etag(product),
            "Last-Modified": _last_modified(product),
            "Content-Disposition": f"attachment; filename={_quoted(product.name)}",
        }
        try:
            part = requested(_range(request, product), product.size)
        except UnsatisfiableError:
            headers["Content-Range"] = f"bytes */{product.size}"
            return error_body(416, "The range lies outside the product.", headers)
        status = 200
        if part is None:
            part = Slice(0, product.size)
        else:
            status = 206
            headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{product.size}"
        headers["Content-Length"] = str(part.stop - part.start)
        if request.method == "HEAD":
            return Response(None, status, headers, media_type=product.content_type)
        chunks = _asynchronous(content(product).chunks(part.start, part.stop))
        return StreamingResponse(chunks, status, headers, media_type=product.content_type)

    def _found(self, request: Request) -> Product:
        given = request.path_params["id"]
        unquoted = given[1:-1] if len(given) > 1 and given[0] == given[-1] == "'" else given
        product = self._archive.find(unquoted)
        if product is None:
            raise MissingError(f"There is no product with the id {unquoted}.")
        return product


async def _shown(product: Product, query: Query) -> Json:
    # Checksums are made here for the first time, which takes a while for a large page.
    await asyncio.sleep(0)
    return entity(product, expand=query.expand)


def _range(request: Request, product: Product) -> str | None:
    """The Range header, unless If-Range says that it was meant for other bytes."""
    condition = request.headers.get("if-range")
    if condition is None or condition == _etag(product):
        return request.headers.get("range")
    try:
        same = parsedate_to_datetime(condition) == product.published.replace(microsecond=0)
    except (TypeError, ValueError):
        same = False
    return request.headers.get("range") if same else None


def _etag(product: Product) -> str:
    return f'"{product.key.hex()[:32]}-{product.size:x}"'


def _last_modified(product: Product) -> str:
    return format_datetime(product.published, usegmt=True)


def _quoted(name: str) -> str:
    if name.isascii() and all(character.isalnum() or character in "._-" for character in name):
        return name
    return f'"{quote(name, safe=" ")}"'


async def _asynchronous(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        # A send that need not wait does not let others run: neither those who ask for something
        # else, nor the notice that this client has gone.
        await asyncio.sleep(0)
        yield chunk


def _context(request: Request, what: str) -> str:
    return f"{_base(request)}/$metadata#{what}"


def _base(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}/auxip"


def _next_link(request: Request, query: Query) -> str:
    options = dict(request.query_params) | {"$skip": str(query.skip + query.top)}
    return f"{_base(request)}/Products?{urlencode(options, safe='$', quote_via=quote)}"


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
