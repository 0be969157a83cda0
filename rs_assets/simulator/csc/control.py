"""The levers of a station of products: publications by hand, new publications of old products, evictions."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rs_assets.simulator.bodies import read_object
from rs_assets.simulator.clock import Clock
from rs_assets.simulator.csc.archive import Archive
from rs_assets.simulator.csc.entity import entity
from rs_assets.simulator.csc.handmade import made, republished
from rs_assets.simulator.csc.products import Product
from rs_assets.simulator.errors import MissingError


class ProductControl:
    """Answers the requests below ``/control``, or a folder of it, that are about products."""

    def __init__(self, archive: Archive, clock: Clock) -> None:
        self._archive = archive
        self._clock = clock

    def routes(self) -> list[Route]:
        """The routes, relative to that."""
        return [
            Route("/add", self._add, methods=["POST"]),
            Route("/republish", self._republish, methods=["POST"]),
            Route("/evict", self._evict, methods=["POST"]),
        ]

    async def _add(self, request: Request) -> Response:
        product = made(await read_object(request), self._clock.now(), self._archive.kept)
        self._archive.add(product)
        return JSONResponse(entity(product, expand=True), 201)

    async def _republish(self, request: Request) -> Response:
        order = await read_object(request)
        old = self._one(order)
        new = republished(
            old,
            self._clock.now(),
            self._archive.kept,
            same_id=order.get("same_id") is True,
            changed=order.get("checksum_changed", True) is True,
        )
        if order.get("replace") is True:
            self._archive.remove(old)
        self._archive.add(new)
        return JSONResponse(entity(new, expand=True), 201)

    async def _evict(self, request: Request) -> Response:
        order = await read_object(request)
        evicted = [self._one(order)] if "id" in order else self._archive.named(str(order.get("name")))
        if not evicted:
            raise MissingError("There is no such product.")
        for product in evicted:
            self._archive.remove(product)
        return JSONResponse({"evicted": [product.id for product in evicted]})

    def _one(self, order: dict[str, Any]) -> Product:
        """The product that an order names by id, or by name: its latest publication."""
        if "id" in order:
            product = self._archive.find(str(order["id"]))
        else:
            product = next(reversed(self._archive.named(str(order.get("name")))), None)
        if product is None:
            raise MissingError("There is no such product.")
        return product
