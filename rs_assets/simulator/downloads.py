"""Downloads: the bytes of a file, whole or in part, with the headers that go with them (RFC 9110)."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Protocol
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from rs_assets.simulator.content import content
from rs_assets.simulator.errors import error_body
from rs_assets.simulator.ranges import Slice, UnsatisfiableError, requested


class Download(Protocol):
    """What can be downloaded: a product, or a file of a session."""

    @property
    def name(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def key(self) -> bytes: ...
    @property
    def published(self) -> datetime: ...
    @property
    def content_type(self) -> str: ...


def deliver(request: Request, file: Download) -> Response:
    """The answer to a request for a file's bytes."""
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": _etag(file),
        "Last-Modified": format_datetime(file.published, usegmt=True),
        "Content-Disposition": f"attachment; filename={_quoted(file.name)}",
    }
    try:
        part = requested(_range(request, file), file.size)
    except UnsatisfiableError:
        headers["Content-Range"] = f"bytes */{file.size}"
        return error_body(416, "The range lies outside the file.", headers)
    status = 200
    if part is None:
        part = Slice(0, file.size)
    else:
        status = 206
        headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{file.size}"
    headers["Content-Length"] = str(part.stop - part.start)
    if request.method == "HEAD":
        return Response(None, status, headers, media_type=file.content_type)
    chunks = _asynchronous(content(file.key, file.size, file.name).chunks(part.start, part.stop))
    return StreamingResponse(chunks, status, headers, media_type=file.content_type)


def _range(request: Request, file: Download) -> str | None:
    """The Range header, unless If-Range says that it was meant for other bytes."""
    condition = request.headers.get("if-range")
    if condition is None or condition == _etag(file):
        return request.headers.get("range")
    try:
        same = parsedate_to_datetime(condition) == file.published.replace(microsecond=0)
    except (TypeError, ValueError):
        same = False
    return request.headers.get("range") if same else None


def _etag(file: Download) -> str:
    return f'"{file.key.hex()[:32]}-{file.size:x}"'


def _quoted(name: str) -> str:
    if name.isascii() and all(character.isalnum() or character in "._-" for character in name):
        return name
    return f'"{quote(name, safe=" ")}"'


async def _asynchronous(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        # A send that need not wait does not let others run: neither those who ask for something
        # else, nor the notice that this client has gone.
        await asyncio.sleep(0)
        yield chunk
