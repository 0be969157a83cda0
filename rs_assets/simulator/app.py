"""The ASGI application of the simulated stations."""

import logging
from collections import deque

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount

from rs_assets.simulator.archive import Archive
from rs_assets.simulator.auxip import Auxip
from rs_assets.simulator.cadip import Cadip
from rs_assets.simulator.clock import Clock
from rs_assets.simulator.control import Control
from rs_assets.simulator.errors import RefusalError, error_body
from rs_assets.simulator.faults import LOG_LENGTH, Entry, FaultBook, Station, TransferCutError
from rs_assets.simulator.options import SimulatorOptions
from rs_assets.simulator.session_archive import SessionArchive
from rs_assets.simulator.tokens import Gatekeeper

_log = logging.getLogger(__name__)


def create_app(options: SimulatorOptions | None = None) -> Starlette:
    """Stations of every interface, with one clock, and their tokens, faults and log, all in memory."""
    options = options or SimulatorOptions()
    clock = Clock(options.now, options.speed)
    archive = Archive(options, clock)
    sessions = {name: SessionArchive(name, options, clock) for name in options.cadip_stations}
    gatekeeper = Gatekeeper(options)
    faults = FaultBook()
    log: deque[Entry] = deque(maxlen=LOG_LENGTH)
    station = Middleware(Station, gatekeeper=gatekeeper, faults=faults, log=log)
    routes: list[BaseRoute] = [
        Mount("/auxip", routes=Auxip(options, archive, gatekeeper).routes(), middleware=[station]),
        *(
            Mount(f"/cadip/{name}", routes=Cadip(options, held, gatekeeper).routes(), middleware=[station])
            for name, held in sessions.items()
        ),
    ]
    if options.control:
        routes.append(Mount("/control", routes=Control(archive, clock, gatekeeper, faults, log).routes()))
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
