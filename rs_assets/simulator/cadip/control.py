"""The levers of the CADIP stations: sessions on demand, retransfers, oddities, releases and evictions."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rs_assets.simulator.bodies import read_object
from rs_assets.simulator.cadip.archive import SessionArchive
from rs_assets.simulator.cadip.entities import entity, file_row, quality_rows, session_row
from rs_assets.simulator.cadip.orders import changed, made, only_oddities, transferred
from rs_assets.simulator.cadip.sessions import NEVER, Session
from rs_assets.simulator.clock import Clock
from rs_assets.simulator.errors import MissingError, QueryError
from rs_assets.simulator.odata.hints import Hints


class CadipControl:
    """Answers the requests below ``/control/cadip``."""

    def __init__(self, archives: Mapping[str, SessionArchive], clock: Clock, chunk_size: int) -> None:
        self._archives = archives
        self._clock = clock
        self._chunk_size = chunk_size

    def routes(self) -> list[Route]:
        """The routes, relative to ``/control``."""
        return [
            Route("/cadip", self._stations, methods=["GET"]),
            Route("/cadip/{station}/sessions", self._add, methods=["POST"]),
            Route("/cadip/{station}/retransfer", self._retransfer, methods=["POST"]),
            Route("/cadip/{station}/change", self._change, methods=["POST"]),
            Route("/cadip/{station}/release", self._release, methods=["POST"]),
            Route("/cadip/{station}/evict", self._evict, methods=["POST"]),
        ]

    async def _stations(self, request: Request) -> Response:
        del request
        return JSONResponse(list(self._archives))

    async def _add(self, request: Request) -> Response:
        archive, order = self._archive(request), await read_object(request, empty=True)
        session = made(order, archive.station, self._clock.now(), self._chunk_size)
        archive.put(session)
        return JSONResponse(_in_full(session, archive), 201)

    async def _retransfer(self, request: Request) -> Response:
        archive, order = self._archive(request), await read_object(request)
        session = transferred(_one(archive, order), order, self._clock.now())
        archive.put(session)
        return JSONResponse(_in_full(session, archive), 201)

    async def _change(self, request: Request) -> Response:
        archive, order = self._archive(request), await read_object(request)
        only_oddities(order)
        session = changed(_one(archive, order), order)
        archive.put(session)
        return JSONResponse(_in_full(session, archive))

    async def _release(self, request: Request) -> Response:
        archive, order = self._archive(request), await read_object(request, empty=True)
        sessions = [_one(archive, order)] if "session" in order else archive.made()
        released: list[str] = []
        for session in sessions:
            held = [chunk.name for chunk in session.chunks if chunk.published == NEVER]
            if held:
                archive.put(replace(session, released=self._clock.now()))
            released += held
        return JSONResponse({"released": released})

    async def _evict(self, request: Request) -> Response:
        archive, order = self._archive(request), await read_object(request)
        if "session" in order:
            evicted = [_one(archive, order).id]
        elif "id" in order:
            file = archive.file(str(order["id"]))
            evicted = [] if file is None else [file.key]
        else:
            name = str(order.get("name"))
            days = archive.file_days(Hints.equal("Name", name), latest_first=False)
            evicted = [row.key for day in days for row in day if row.facts["Name"] == name]
        if not evicted:
            raise MissingError("There is no such file.")
        for gone in evicted:
            archive.remove(gone)
        return JSONResponse({"evicted": evicted})

    def _archive(self, request: Request) -> SessionArchive:
        name = request.path_params["station"]
        if name not in self._archives:
            raise MissingError(f"There is no station {name!r}; there are {', '.join(self._archives)}.")
        return self._archives[name]


def _one(archive: SessionArchive, order: Mapping[str, Any]) -> Session:
    """The session that an order names by its Id or its SessionId."""
    if not isinstance(order.get("session"), str):
        raise QueryError("The order names a session, by its Id or its SessionId.")
    session = archive.named(order["session"])
    if session is None:
        raise MissingError(f"There is no session {order['session']}.")
    return session


def _in_full(session: Session, archive: SessionArchive) -> dict[str, Any]:
    """The session as it will be when everything is delivered and released."""
    return entity(session_row(session, NEVER)) | {
        "Files": [entity(file_row(chunk, session, NEVER, archive.kept)) for chunk in session.chunks],
        "QualityInfo": [entity(row) for row in quality_rows(session, NEVER)],
    }
