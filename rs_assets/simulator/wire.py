"""What a client gets to see of an answer: the bytes that leave the station, changed as a fault demands."""

import asyncio
import socket
import struct
import zlib
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Scope, Send

from rs_assets.simulator.faults import Fault, Gzip
from rs_assets.simulator.request_log import Entry

TRANSPORT = "simulator.transport"
"""Where the server puts the connection's transport in the scope's state."""

_PIECES_PER_SECOND = 20
_GZIP_WINDOW = 31
_READ_S = 0.1
"""How long a client has to read what it got before its connection is reset."""


class TransferCutError(Exception):
    """A body was cut short on demand; the server objects, and closes the connection as it should."""


class Wire:
    """One answer on its way out."""

    def __init__(self, scope: Scope, send: Send, entry: Entry, fault: Fault | None) -> None:
        self._send = send
        self._entry = entry
        self._fault = fault
        self._transport: asyncio.Transport | None = scope.get("state", {}).get(TRANSPORT)
        self._corrupt = fault is not None and fault.corrupt
        self._stall = fault.stall_seconds if fault is not None else 0.0
        encodes = fault is not None and fault.gzip is Gzip.ENCODED and entry.method != "HEAD"
        self._compressor = zlib.compressobj(wbits=_GZIP_WINDOW) if encodes else None
        self._is_chunked = False
        self.closed = False
        """Whether the client gets nothing more."""

    async def send(self, message: Message) -> None:
        """Pass a message on, changed as the fault demands."""
        if self.closed:
            return
        if self._fault is None:
            self._count(message)
            await self._send(message)
        elif message["type"] == "http.response.start":
            if self._fault.reset and self._fault.after_bytes is None:
                await self._reset()
                return
            self._count(message)
            await self._send({**message, "headers": self._headers(message["headers"], self._fault)})
        else:
            await self._send_body(message.get("body", b""), message.get("more_body", False), self._fault)

    def _count(self, message: Message) -> None:
        self._entry.status = message.get("status", self._entry.status)
        self._entry.bytes_sent += len(message.get("body", b""))

    def _headers(self, raw: Any, fault: Fault) -> list[tuple[bytes, bytes]]:
        headers = MutableHeaders(raw=list(raw))
        headers.update(fault.more_headers())
        if fault.gzip is Gzip.ENCODED:
            del headers["content-length"]
        for name in fault.without_headers:
            del headers[name]
        self._is_chunked = "content-length" not in headers
        return headers.raw

    async def _send_body(self, body: bytes, more: bool, fault: Fault) -> None:
        body = self._changed(body, more, fault)
        limit = fault.after_bytes if fault.reset else fault.truncate_bytes
        room = None if limit is None else limit - self._entry.bytes_sent
        cut = room is not None and len(body) >= room
        body = body if room is None else body[:room]
        for piece, pause in self._pieces(body, fault):
            await asyncio.sleep(pause)
            await self._pass(piece, more=True)
        if cut and fault.reset:
            await self._reset()
        elif cut and self._is_chunked and self._transport is not None:
            # The server would end the body properly, whose length nobody knows.
            self.closed = True
            self._transport.close()
        elif cut or not more:
            self.closed = cut
            await self._pass(b"", more=False)

    def _changed(self, body: bytes, more: bool, fault: Fault) -> bytes:
        if fault.empty:
            return b""
        if self._compressor is not None:
            body = self._compressor.compress(body) + (b"" if more else self._compressor.flush())
        if self._corrupt and body:
            offset = len(body) // 2 if fault.after_bytes is None else fault.after_bytes - self._entry.bytes_sent
            if offset < len(body):
                body = body[:offset] + bytes([body[offset] ^ 0xFF]) + body[offset + 1 :]
                self._corrupt = False
        return body

    def _pieces(self, body: bytes, fault: Fault) -> list[tuple[bytes, float]]:
        """Parts of a body, each with the seconds to wait before it is sent."""
        if not body:
            return []
        begins = max(0, (fault.after_bytes or 0) - self._entry.bytes_sent)
        if begins >= len(body) or not (self._stall or fault.bytes_per_second):
            return [(body, 0.0)]
        pieces = [(body[:begins], 0.0)] if begins else []
        speed = fault.bytes_per_second
        length = len(body) if speed is None else max(1, int(speed / _PIECES_PER_SECOND))
        for start in range(begins, len(body), length):
            piece = body[start : start + length]
            pieces.append((piece, (len(piece) / speed if speed else 0.0) + self._stall))
            self._stall = 0.0
        return pieces

    async def _pass(self, body: bytes, *, more: bool) -> None:
        self._entry.bytes_sent += len(body)
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def _reset(self) -> None:
        """End the connection with a TCP RST; where the server has none to reset, end the answer."""
        self.closed = True
        if self._transport is None:
            if self._entry.status:
                await self._pass(b"", more=False)
            raise TransferCutError("the connection was to be reset")
        if self._entry.status:
            # With no room in its buffer, the server waits until all that was sent has left.
            self._transport.set_write_buffer_limits(high=0)
            await self._pass(b"", more=True)
            # A reset takes with it what the client has received and not read yet.
            await asyncio.sleep(_READ_S)
        connection = self._transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()
