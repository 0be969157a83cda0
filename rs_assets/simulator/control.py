"""The levers of a simulated station: faults, publications by hand, evictions, the clock, the request log."""

import json
from collections import deque
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rs_assets.simulator.archive import Archive
from rs_assets.simulator.clock import Clock
from rs_assets.simulator.entity import entity
from rs_assets.simulator.errors import MissingError, QueryError
from rs_assets.simulator.faults import Entry, Fault, FaultBook, shown
from rs_assets.simulator.handmade import made, moment, republished
from rs_assets.simulator.products import Product
from rs_assets.simulator.tokens import Gatekeeper


class Control:
    """Answers the requests below ``/control``."""

    def __init__(
        self, archive: Archive, clock: Clock, gatekeeper: Gatekeeper, faults: FaultBook, log: deque[Entry]
    ) -> None:
        self._archive = archive
        self._clock = clock
        self._gatekeeper = gatekeeper
        self._faults = faults
        self._log = log

    def routes(self) -> list[Route]:
        """The routes, relative to ``/control``."""
        return [
            Route("/health", self._health),
            Route("/faults", self._list_faults, methods=["GET"]),
            Route("/faults", self._add_fault, methods=["POST"]),
            Route("/faults", self._clear_faults, methods=["DELETE"]),
            Route("/faults/{id}", self._remove_fault, methods=["DELETE"]),
            Route("/requests", self._list_requests, methods=["GET"]),
            Route("/requests", self._clear_requests, methods=["DELETE"]),
            Route("/add", self._add, methods=["POST"]),
            Route("/republish", self._republish, methods=["POST"]),
            Route("/evict", self._evict, methods=["POST"]),
            Route("/clock", self._set_clock, methods=["POST"]),
            Route("/revoke", self._revoke, methods=["POST"]),
        ]

    async def _health(self, request: Request) -> Response:
        del request
        return JSONResponse({"status": "ok", "now": self._clock.now().isoformat()})

    async def _list_faults(self, request: Request) -> Response:
        del request
        return JSONResponse([shown(rule) for rule in self._faults.rules.values()])

    async def _add_fault(self, request: Request) -> Response:
        rule = Fault.read(await _json(request))
        self._faults.rules[rule.id] = rule
        return JSONResponse({"id": rule.id}, 201)

    async def _clear_faults(self, request: Request) -> Response:
        del request
        self._faults.rules.clear()
        return Response(status_code=204)

    async def _remove_fault(self, request: Request) -> Response:
        if self._faults.rules.pop(request.path_params["id"], None) is None:
            raise MissingError("There is no such fault; perhaps it is used up.")
        return Response(status_code=204)

    async def _list_requests(self, request: Request) -> Response:
        del request
        return JSONResponse([shown(entry) for entry in self._log])

    async def _clear_requests(self, request: Request) -> Response:
        del request
        self._log.clear()
        return Response(status_code=204)

    async def _add(self, request: Request) -> Response:
        product = made(await _object(request), self._clock.now(), self._archive.kept)
        self._archive.add(product)
        return JSONResponse(entity(product, expand=True), 201)

    async def _republish(self, request: Request) -> Response:
        order = await _object(request)
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
        order = await _object(request)
        evicted = [self._one(order)] if "id" in order else self._archive.named(str(order.get("name")))
        if not evicted:
            raise MissingError("There is no such product.")
        for product in evicted:
            self._archive.remove(product)
        return JSONResponse({"evicted": [product.id for product in evicted]})

    async def _set_clock(self, request: Request) -> Response:
        now = (await _object(request)).get("now")
        self._clock.set(None if now is None else moment(now))
        return JSONResponse({"now": self._clock.now().isoformat()})

    async def _revoke(self, request: Request) -> Response:
        del request
        return JSONResponse({"revoked": self._gatekeeper.revoke()})

    def _one(self, order: dict[str, Any]) -> Product:
        """The product that an order names by id, or by name: its latest publication."""
        if "id" in order:
            product = self._archive.find(str(order["id"]))
        else:
            product = next(reversed(self._archive.named(str(order.get("name")))), None)
        if product is None:
            raise MissingError("There is no such product.")
        return product


async def _json(request: Request) -> object:
    try:
        return json.loads(await request.body())
    except ValueError as error:
        raise QueryError(f"The body is not JSON: {error}") from error


async def _object(request: Request) -> dict[str, Any]:
    order = await _json(request)
    if not isinstance(order, dict):
        raise QueryError("The body is not a JSON object.")
    return order
