"""Faults on demand, and the station's log: a middleware round the whole interface."""

import asyncio
from collections import deque
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import unquote_plus
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rs_assets.simulator.envelope import Envelope
from rs_assets.simulator.errors import QueryError, error_body
from rs_assets.simulator.tokens import Gatekeeper

LOG_LENGTH = 10_000
"""Requests that the log remembers."""


@dataclass(kw_only=True)
class Fault:
    """A rule: which requests it is for, and what goes wrong with them."""

    id: str = field(default_factory=lambda: uuid4().hex[:12])
    path_contains: str | None = None
    query_contains: str | None = None
    """Looked for in the percent-decoded query."""
    method: str | None = None
    times: int | None = None
    """How many requests are left to it; None for all until it is removed."""
    delay_seconds: float = 0.0
    status: int | None = None
    """Answers with this status in place of the station."""
    body: str | None = None
    content_type: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    redirect_to: str | None = None
    """Sends the client there (307, unless ``status`` says otherwise)."""
    truncate_bytes: int | None = None
    """Closes the connection after so many bytes of the body; Content-Length stays."""
    corrupt: bool = False
    """Inverts one byte of the body."""
    envelope: Envelope | None = None

    def __post_init__(self) -> None:
        if self.times is not None and self.times < 1:
            raise QueryError("The field 'times' of a fault is one or more, or null.")

    @classmethod
    def read(cls, rule: object) -> Self:
        """A rule from JSON; ``QueryError`` for a field that no rule has, or a value that it cannot have."""
        if not isinstance(rule, dict):
            raise QueryError("A fault is a JSON object.")
        unknown = rule.keys() - {known.name for known in fields(cls)}
        if unknown:
            raise QueryError(f"A fault has no field {min(unknown)!r}.")
        for name, kinds in _KINDS.items():
            if rule.get(name) is not None and not isinstance(rule[name], kinds):
                raise QueryError(f"The field {name!r} of a fault cannot be {rule[name]!r}.")
        given = {name: value for name, value in rule.items() if value is not None}
        if "envelope" in given and given["envelope"] not in set(Envelope):
            raise QueryError(f"There is no envelope {given['envelope']!r}.")
        if "body" in given and "status" not in given:
            given["status"] = 200
        return cls(**given)

    @property
    def answers(self) -> bool:
        """Whether it answers in place of the station."""
        return self.status is not None or self.redirect_to is not None

    def concerns(self, method: str, path: str, query: str) -> bool:
        """Whether the rule is for this request."""
        return (
            (self.method is None or self.method.upper() == method)
            and (self.path_contains is None or self.path_contains in path)
            and (self.query_contains is None or self.query_contains in query)
        )

    def response(self) -> Response:
        """The answer in place of the station's."""
        headers = dict(self.headers)
        if self.redirect_to is not None:
            headers["location"] = self.redirect_to
            return Response(self.body, self.status or 307, headers, media_type=self.content_type)
        status = self.status or 500
        if self.body is None and status >= 400:
            answer: Response = error_body(status, "This fault was asked for.", headers)
            if self.content_type is not None:
                answer.headers["content-type"] = self.content_type
            return answer
        return Response(self.body, status, headers, media_type=self.content_type or "text/plain")


_KINDS: dict[str, type | tuple[type, ...]] = {
    "id": str,
    "path_contains": str,
    "query_contains": str,
    "method": str,
    "times": int,
    "delay_seconds": (int, float),
    "status": int,
    "body": str,
    "content_type": str,
    "headers": dict,
    "redirect_to": str,
    "truncate_bytes": int,
    "corrupt": bool,
    "envelope": str,
}


class FaultBook:
    """The rules in force, in the order in which they were made; the first that fits a request is applied."""

    def __init__(self) -> None:
        self.rules: dict[str, Fault] = {}

    def take(self, method: str, path: str, query: str) -> Fault | None:
        """The rule for a request, which is one of its ``times``; a rule that is used up goes."""
        rule = next((rule for rule in self.rules.values() if rule.concerns(method, path, query)), None)
        if rule is not None and rule.times is not None:
            rule.times -= 1
            if rule.times <= 0:
                del self.rules[rule.id]
        return rule


@dataclass
class Entry:
    """One line of the station's log."""

    method: str
    path: str
    query: str
    """Percent-decoded."""
    range: str | None
    authorized: bool
    time: str
    """When it arrived, by the real clock in UTC."""
    status: int | None = None
    """None while no answer has begun."""
    bytes_sent: int = 0


class Station:
    """Writes the log, applies the faults, and turns away data requests without credentials."""

    def __init__(self, app: ASGIApp, gatekeeper: Gatekeeper, faults: FaultBook, log: deque[Entry]) -> None:
        self._app = app
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
            time=datetime.now(UTC).isoformat(timespec="milliseconds"),
        )
        self._log.append(entry)
        fault = self._faults.take(entry.method, entry.path, entry.query)
        wire = _Wire(send, entry, fault)
        if fault is not None:
            await asyncio.sleep(fault.delay_seconds)
            scope["simulator.envelope"] = fault.envelope
        if fault is not None and fault.answers:
            answer: ASGIApp = fault.response()
        elif refusal is not None:
            answer = error_body(401, refusal, self._gatekeeper.challenge())
        else:
            answer = self._app
        try:
            await answer(scope, receive, wire.send)
        except Exception as error:
            if wire.closed:
                raise TransferCutError from error
            raise
        if is_token:
            entry.authorized = entry.status == 200


class TransferCutError(Exception):
    """A body was cut short on demand; the server objects, and closes the connection as it should."""


class _Wire:
    """What the client gets to see of an answer."""

    def __init__(self, send: Send, entry: Entry, fault: Fault | None) -> None:
        self._send = send
        self._entry = entry
        self._fault = fault
        self._room = fault.truncate_bytes if fault is not None else None
        self._corrupt = fault is not None and fault.corrupt
        self.closed = False

    async def send(self, message: Message) -> None:
        """Pass a message on, changed as the fault demands."""
        if self.closed:
            return
        if message["type"] == "http.response.start":
            self._entry.status = message["status"]
            self._add_headers(message)
            await self._send(message)
            return
        body, more = self._changed(message.get("body", b"")), message.get("more_body", False)
        self._entry.bytes_sent += len(body)
        if self._room is not None and self._room <= 0:
            self.closed = True
        await self._send({**message, "body": body, "more_body": more and not self.closed})

    def _add_headers(self, message: Message) -> None:
        if self._fault is None or self._fault.answers:
            return
        headers = MutableHeaders(raw=message["headers"])
        headers.update(self._fault.headers)
        if self._fault.content_type is not None:
            headers["content-type"] = self._fault.content_type
        message["headers"] = headers.raw

    def _changed(self, body: bytes) -> bytes:
        if self._corrupt and body:
            middle = len(body) // 2
            body = body[:middle] + bytes([body[middle] ^ 0xFF]) + body[middle + 1 :]
            self._corrupt = False
        if self._room is not None:
            body = body[: self._room]
            self._room -= len(body)
        return body


def shown(record: Fault | Entry) -> dict[str, Any]:
    """A rule or a line of the log as JSON."""
    return asdict(record)
