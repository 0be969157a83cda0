"""The levers of all simulated stations: faults, the clock, the tokens, the request log."""

from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rs_assets.simulator.bodies import moment, read_json, read_object
from rs_assets.simulator.clock import Clock
from rs_assets.simulator.errors import MissingError, QueryError
from rs_assets.simulator.faults import Fault, FaultBook
from rs_assets.simulator.request_log import RequestLog
from rs_assets.simulator.tokens import Gatekeeper


class Control:
    """Answers the requests below ``/control``."""

    def __init__(self, clock: Clock, gatekeeper: Gatekeeper, faults: FaultBook, log: RequestLog) -> None:
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
            Route("/load", self._tell_load, methods=["GET"]),
            Route("/clock", self._tell_clock, methods=["GET"]),
            Route("/clock", self._set_clock, methods=["POST"]),
            Route("/revoke", self._revoke, methods=["POST"]),
        ]

    async def _health(self, request: Request) -> Response:
        del request
        return JSONResponse({"status": "ok", "now": self._clock.now().isoformat()})

    async def _list_faults(self, request: Request) -> Response:
        del request
        return JSONResponse([asdict(rule) for rule in self._faults.rules.values()])

    async def _add_fault(self, request: Request) -> Response:
        rule = Fault.read(await read_json(request))
        self._faults.rules[rule.id] = rule
        return JSONResponse({"id": rule.id}, 201)

    async def _clear_faults(self, request: Request) -> Response:
        del request
        self._faults.clear()
        return Response(status_code=204)

    async def _remove_fault(self, request: Request) -> Response:
        if self._faults.rules.pop(request.path_params["id"], None) is None:
            raise MissingError("There is no such fault; perhaps it is used up.")
        return Response(status_code=204)

    async def _list_requests(self, request: Request) -> Response:
        del request
        return JSONResponse([asdict(entry) for entry in self._log.entries])

    async def _clear_requests(self, request: Request) -> Response:
        del request
        self._log.clear()
        return Response(status_code=204)

    async def _tell_load(self, request: Request) -> Response:
        del request
        return JSONResponse({station: asdict(load) for station, load in self._log.loads.items()})

    async def _tell_clock(self, request: Request) -> Response:
        del request
        return JSONResponse({"now": self._clock.now().isoformat(), "speed": self._clock.speed})

    async def _set_clock(self, request: Request) -> Response:
        order = await read_object(request)
        now, speed = order.get("now"), order.get("speed")
        if speed is not None and (isinstance(speed, bool) or not isinstance(speed, int | float)):
            raise QueryError(f"speed is a number, not {speed!r}.")
        # A speed alone is that of the clock as it stands; neither gives back the real time.
        present = self._clock.now() if "now" not in order and speed is not None else None
        try:
            self._clock.set(present if now is None else moment(now), speed)
        except ValueError as error:
            raise QueryError(str(error)) from error
        return await self._tell_clock(request)

    async def _revoke(self, request: Request) -> Response:
        del request
        return JSONResponse({"revoked": self._gatekeeper.revoke()})
