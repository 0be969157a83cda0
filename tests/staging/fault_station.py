"""A station on a loopback port that answers byte for byte what its script says, faults included."""

import asyncio
import socket
import ssl
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Request:
    """A request as it arrived."""

    target: str
    headers: Mapping[str, str]
    """By lower-case name."""
    connection: int
    """Number of the connection that it came over."""
    at: float
    """Monotonic time in seconds."""


@dataclass(frozen=True)
class Reply:
    """One answer of the script."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    announced: int | None = None
    """Content-Length, if not the body's."""
    chunked: bool = False
    """Whether the body comes in chunks, without a Content-Length."""
    cut: int | None = None
    """After so many bytes of the body the connection ends."""
    reset: bool = False
    """Whether the connection ends with RST rather than with FIN."""
    late: bool = False
    """Whether `FaultStation.release` is waited for before anything is sent."""
    hold_at: int | None = None
    """After so many bytes of the body `FaultStation.release` is waited for."""
    drip: int | None = None
    """So many bytes at a time, with a pause of 10 ms after each."""


Script = Reply | Callable[[Request], Reply]


class FaultStation:
    """Give each path its replies with `serve`; the last of them repeats."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._scripts: dict[str, list[Script]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.requests: list[Request] = []
        self.connections = 0
        self.in_flight = 0
        self.most_in_flight = 0
        self.release = asyncio.Event()
        """Lets held replies go on."""
        self.crowd = 1
        """How many requests at once set `crowded`."""
        self.crowded = asyncio.Event()
        self.hung_up = asyncio.Event()
        """Set when a client has ended a connection before its answer was complete."""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=self._tls)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def open(self) -> int:
        """Connections that no client has ended."""
        return len(self._tasks)

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def url(self, path: str = "/") -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}{path}"

    def serve(self, path: str, *replies: Script) -> str:
        """Set the replies of a path; its URL."""
        self._scripts[path] = list(replies)
        return self.url(path)

    def asked(self, path: str) -> list[Request]:
        """The requests for a path, in their order."""
        return [request for request in self.requests if request.target == path]

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        number = self.connections
        try:
            while True:
                request = _parsed(await reader.readuntil(b"\r\n\r\n"), number)
                self.requests.append(request)
                await self._answer(request, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, _EndError):
            pass
        except asyncio.CancelledError:
            # Only the station's own end cancels; asyncio would print a handler that ends as cancelled.
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _answer(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        scripts = self._scripts.get(request.target, [Reply(status=404)])
        script = scripts.pop(0) if len(scripts) > 1 else scripts[0]
        reply = script(request) if callable(script) else script
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        if self.in_flight >= self.crowd:
            self.crowded.set()
        try:
            await self._send(reply, reader, writer)
        finally:
            self.in_flight -= 1

    async def _send(self, reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if reply.late:
            await self.release.wait()
        writer.write(_head(reply))
        body = reply.body if reply.cut is None else reply.body[: reply.cut]
        if reply.hold_at is not None:
            writer.write(_framed(body[: reply.hold_at], reply))
            await writer.drain()
            await self._held(reader)
            body = body[reply.hold_at :]
        size = reply.drip or len(body)
        for begin in range(0, len(body), max(1, size)):
            writer.write(_framed(body[begin : begin + size], reply))
            if reply.drip:
                await asyncio.sleep(0.01)
        if reply.cut is not None:
            if reply.reset:
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                writer.transport.abort()
            raise _EndError
        if reply.chunked:
            writer.write(b"0\r\n\r\n")
        await writer.drain()

    async def _held(self, reader: asyncio.StreamReader) -> None:
        released = asyncio.ensure_future(self.release.wait())
        left = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait({released, left}, return_when=asyncio.FIRST_COMPLETED)
            if left.done() and not released.done():
                self.hung_up.set()
                raise _EndError
        finally:
            released.cancel()
            left.cancel()
            await asyncio.gather(released, left, return_exceptions=True)


class _EndError(Exception):
    """The connection ends here."""


def _parsed(head: bytes, connection: int) -> Request:
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines if line)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    return Request(first.split(" ")[1], headers, connection, time.monotonic())


def _head(reply: Reply) -> bytes:
    headers = dict(reply.headers)
    if reply.chunked:
        headers["Transfer-Encoding"] = "chunked"
    else:
        headers["Content-Length"] = str(len(reply.body) if reply.announced is None else reply.announced)
    lines = [f"HTTP/1.1 {reply.status} Status", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _framed(data: bytes, reply: Reply) -> bytes:
    if not reply.chunked or not data:
        return data
    return b"%x\r\n%s\r\n" % (len(data), data)
