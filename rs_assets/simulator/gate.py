"""The way into a station: a middleware that logs, applies faults, and turns away who has no credentials."""

import asyncio
import re
from urllib.parse import quote, unquote_plus

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from rs_assets.simulator.errors import error_body
from rs_assets.simulator.faults import Fault, FaultBook
from rs_assets.simulator.request_log import Entry, RequestLog, now
from rs_assets.simulator.tokens import Gatekeeper
from rs_assets.simulator.wire import TransferCutError, Wire

_HOP = re.compile(rb"&?simulator-hop=([^&.]*)\.(\d{1,6})", re.ASCII)
"""How the address of a client that is being sent round names the fault, and counts its hops."""


class Gate:
    """Stands before one station."""

    def __init__(self, app: ASGIApp, station: str, gatekeeper: Gatekeeper, faults: FaultBook, log: RequestLog) -> None:
        """``station`` is its address, such as ``/auxip``."""
        self._app = app
        self._station = station
        self._gatekeeper = gatekeeper
        self._faults = faults
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        is_token = scope["path"].endswith("/token")
        refusal = None if is_token else self._gatekeeper.refuses(headers)
        entry = Entry(
            method=scope["method"],
            path=scope["path"],
            query=unquote_plus(scope["query_string"].decode("latin-1")),
            range=headers.get("range"),
            authorized=refusal is None,
            started=now(),
            port=scope["client"][1] if scope.get("client") else None,
        )
        self._log.begin(entry, self._station, is_data=not is_token)
        try:
            await self._answer(scope, receive, send, entry, refusal)
        finally:
            self._log.end(entry, self._station, is_data=not is_token)
        if is_token:
            entry.authorized = entry.status == 200

    async def _answer(self, scope: Scope, receive: Receive, send: Send, entry: Entry, refusal: str | None) -> None:
        fault, hop = self._fault(scope, entry)
        answer: ASGIApp | None = None
        if fault is not None:
            await asyncio.sleep(fault.delay_seconds)
            scope["simulator.envelope"] = fault.envelope
            answer = self._in_place(scope, fault, hop)
            if fault.ignore_range:
                scope["headers"] = [header for header in scope["headers"] if header[0] != b"range"]
        if answer is None and refusal is not None:
            answer = error_body(401, refusal, self._gatekeeper.challenge())
        wire = Wire(scope, send, entry, fault)
        try:
            await (answer or self._app)(scope, receive, wire.send)
        except RuntimeError as error:
            # The server's, about a body that is shorter than it was to be.
            if wire.closed:
                raise TransferCutError(f"the answer to {entry.path} was cut short on demand") from error
            raise

    def _fault(self, scope: Scope, entry: Entry) -> tuple[Fault | None, int]:
        """The fault for a request, and how often its client was sent round by it."""
        hop = _HOP.search(scope["query_string"])
        if hop is None:
            return self._faults.take(entry.method, entry.path, entry.query), 0
        scope["query_string"] = _HOP.sub(b"", scope["query_string"]).removeprefix(b"&")
        return self._faults.chain(hop[1].decode("latin-1")), int(hop[2])

    def _in_place(self, scope: Scope, fault: Fault, hop: int) -> Response | None:
        query = scope["query_string"].decode("latin-1")
        marker = f"simulator-hop={quote(fault.id, safe='')}.{hop + 1}"
        again = f"{quote(scope['path'], safe='/()$,=')}?{query}{'&' if query else ''}{marker}"
        return fault.response(hop, again)
