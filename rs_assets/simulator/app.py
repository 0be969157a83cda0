"""The ASGI application of the simulated stations."""

import logging

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount

from rs_assets.simulator.auxip.families import FAMILIES as AUXIP_FAMILIES
from rs_assets.simulator.cadip.archive import SessionArchive
from rs_assets.simulator.cadip.control import CadipControl
from rs_assets.simulator.cadip.service import Cadip
from rs_assets.simulator.clock import Clock
from rs_assets.simulator.control import Control
from rs_assets.simulator.csc.archive import Archive
from rs_assets.simulator.csc.control import ProductControl
from rs_assets.simulator.csc.service import ProductService
from rs_assets.simulator.errors import RefusalError, error_body
from rs_assets.simulator.faults import FaultBook
from rs_assets.simulator.gate import Gate
from rs_assets.simulator.options import SimulatorOptions
from rs_assets.simulator.prip.families import FAMILIES as PRIP_FAMILIES
from rs_assets.simulator.request_log import RequestLog
from rs_assets.simulator.tokens import Gatekeeper
from rs_assets.simulator.wire import TransferCutError

_log = logging.getLogger(__name__)


def create_app(options: SimulatorOptions | None = None) -> Starlette:
    """Stations of every interface, with one clock, and their tokens, faults and log, all in memory."""
    options = options or SimulatorOptions()
    clock = Clock(options.now, options.speed)
    archives = {
        "auxip": Archive(options, clock, AUXIP_FAMILIES),
        "prip": Archive(options, clock, PRIP_FAMILIES, salt="prip"),
    }
    sessions = {name: SessionArchive(name, options, clock) for name in options.cadip_stations}
    gatekeeper = Gatekeeper(options)
    faults = FaultBook()
    log = RequestLog()

    def mounted(address: str, interface: ProductService | Cadip) -> Mount:
        gate = Middleware(Gate, station=address, gatekeeper=gatekeeper, faults=faults, log=log)
        return Mount(address, routes=interface.routes(), middleware=[gate])

    routes: list[BaseRoute] = [
        mounted(f"/{name}", ProductService(options, held, gatekeeper)) for name, held in archives.items()
    ]
    routes += [mounted(f"/cadip/{name}", Cadip(options, held, gatekeeper)) for name, held in sessions.items()]
    if options.control:
        levers: list[BaseRoute] = list(Control(clock, gatekeeper, faults, log).routes())
        levers += ProductControl(archives["auxip"], clock).routes()
        levers.append(Mount("/prip", routes=ProductControl(archives["prip"], clock).routes()))
        levers += CadipControl(sessions, clock, options.chunk_size).routes()
        routes.append(Mount("/control", routes=levers))
    handlers = {RefusalError: _refused, HTTPException: _failed, Exception: _broken}
    return Starlette(routes=routes, exception_handlers=handlers)


async def _refused(request: Request, error: Exception) -> Response:
    del request
    assert isinstance(error, RefusalError)
    return error_body(error.status, error.message)


async def _failed(request: Request, error: Exception) -> Response:
    del request
    assert isinstance(error, HTTPException)
    return error_body(error.status_code, error.detail, dict(error.headers or {}))


async def _broken(request: Request, error: Exception) -> Response:
    if not isinstance(error, TransferCutError):
        _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return error_body(500, "The simulator has failed; its log tells where.")
