"""An S3 server in memory that fails as it is told, and that shows which uploads are still open."""

import asyncio
import hashlib
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Self
from urllib.parse import quote, unquote
from uuid import uuid4
from xml.etree import ElementTree

from aiohttp import web
from aiohttp.web_protocol import RequestHandler
from pydantic import HttpUrl

from rs_assets.settings import S3Store

BUCKET = "bucket"


class Operation(StrEnum):
    """What a request asks for."""

    PUT = "PutObject"
    COPY = "CopyObject"
    GET = "GetObject"
    HEAD = "HeadObject"
    DELETE = "DeleteObjects"
    LIST = "ListObjectsV2"
    BEGIN = "CreateMultipartUpload"
    PART = "UploadPart"
    COMPLETE = "CompleteMultipartUpload"
    ABORT = "AbortMultipartUpload"


@dataclass
class Fault:
    """What happens instead of the answer, to some requests of one operation."""

    operation: Operation
    times: int = 1_000_000
    """How many requests it happens to."""
    after: int = 0
    """How many requests go well before."""
    status: int = 500
    code: str = "InternalError"
    reset: bool = False
    """Whether the connection ends without an answer."""
    hold: bool = False
    """Whether the request waits for `FaultS3.release`, and goes well then."""
    done: bool = False
    """Whether what was asked for is done before it is answered so."""

    def strikes(self) -> bool:
        """Whether it happens to the next request."""
        if self.after:
            self.after -= 1
            return False
        self.times -= 1
        return self.times >= 0


@dataclass
class Upload:
    """A multipart upload that is open."""

    key: str
    parts: dict[int, bytes] = field(default_factory=dict)


class FaultS3:
    """One bucket; faults are told to `faults`."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.latency = 0.0
        """Seconds before every answer."""
        self.objects: dict[str, bytes] = {}
        self.uploads: dict[str, Upload] = {}
        """Those that are open."""
        self.asked: list[Operation] = []
        self.hashes: list[str] = []
        """What the requests say of the hash of their payload."""
        self.tokens: set[str] = set()
        """The session tokens that came."""
        self.faults: list[Fault] = []
        self.conditions: bool | None = True
        """Whether ``If-None-Match`` is honoured; None: it is refused as not implemented."""
        self.key_id: str | None = None
        """The only one that is let in."""
        self.release = asyncio.Event()
        """Lets held requests go on."""
        self.held = asyncio.Event()
        """Set when a request is held."""
        self.in_hold = 0
        """How many requests have been held."""
        self.crowd = 2
        """How many held requests set `crowded`."""
        self.crowded = asyncio.Event()
        self.most_at_once = 0
        """Most parts that were being sent at the same time."""
        self._at_once = 0
        self._runner: web.ServerRunner | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        self._runner = web.ServerRunner(web.Server(self._answered), shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls)
        await site.start()
        self.url = f"http{'s' if self._tls else ''}://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release.set()
        assert self._runner is not None
        await self._runner.cleanup()

    def store(self, **settings: object) -> S3Store:
        """The settings of a store in its bucket."""
        document = {"kind": "s3", "url": f"s3://{BUCKET}", "endpoint": HttpUrl(self.url), "region": "r"}
        document |= {"skip_signature": "access_key_id" not in settings}
        return S3Store.model_validate(document | settings)

    def count(self, operation: Operation) -> int:
        """How often something was asked for."""
        return self.asked.count(operation)

    async def _answered(self, request: web.BaseRequest) -> web.StreamResponse:
        operation = _operation(request)
        self.asked.append(operation)
        await asyncio.sleep(self.latency)
        self.tokens.add(request.headers.get("x-amz-security-token", ""))
        self.hashes.append(request.headers.get("x-amz-content-sha256", ""))
        fault = next((fault for fault in self.faults if fault.operation is operation and fault.strikes()), None)
        if fault is not None and fault.hold:
            self.held.set()
            self.in_hold += 1
            if self.in_hold == self.crowd:
                self.crowded.set()
            await self.release.wait()
            fault = None
        if fault is None or fault.done:
            response = await self._done(operation, request)
        if fault is None:
            return response
        if fault.reset:
            assert isinstance(request.protocol, RequestHandler)
            assert request.transport is not None
            request.transport.abort()
            raise ConnectionResetError
        await request.content.read()
        return _error(fault.status, fault.code)

    async def _done(self, operation: Operation, request: web.BaseRequest) -> web.StreamResponse:
        _, bucket, *rest = unquote(request.rel_url.raw_path).split("/", 2)
        key = rest[0] if rest else ""
        if bucket != BUCKET:
            return _error(404, "NoSuchBucket")
        if self.key_id is not None and f"Credential={self.key_id}/" not in request.headers.get("Authorization", ""):
            return _error(403, "SignatureDoesNotMatch", "<StringToSign>AWS4-HMAC-SHA256 s1gned</StringToSign>")
        if operation is Operation.PART:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            body = await request.content.read()
        finally:
            self._at_once -= operation is Operation.PART
        return self._result(operation, request, key, body)

    def _result(self, operation: Operation, request: web.BaseRequest, key: str, body: bytes) -> web.Response:
        match operation:
            case Operation.PUT:
                return self._put(request, key, body)
            case Operation.COPY:
                return self._copied(unquote(request.headers["x-amz-copy-source"]).lstrip("/").partition("/")[2], key)
            case Operation.GET | Operation.HEAD:
                return self._get(request, key, with_body=operation is Operation.GET)
            case Operation.DELETE:
                for deleted in _texts(body, "Key"):
                    self.objects.pop(deleted, None)
                keys = "".join(f"<Deleted><Key>{_escaped(name)}</Key></Deleted>" for name in _texts(body, "Key"))
                return _xml(f"<DeleteResult>{keys}</DeleteResult>")
            case Operation.LIST:
                return self._list(request.query)
            case _:
                return self._multipart(operation, request, key, body)

    def _copied(self, source: str, key: str) -> web.Response:
        if source not in self.objects:
            return _error(404, "NoSuchKey")
        self.objects[key] = self.objects[source]
        return _xml(f"<CopyObjectResult><ETag>{_escaped(_etag(self.objects[key]))}</ETag></CopyObjectResult>")

    def _put(self, request: web.BaseRequest, key: str, body: bytes) -> web.Response:
        if "If-None-Match" in request.headers:
            if self.conditions is None:
                return _error(501, "NotImplemented")
            if self.conditions and key in self.objects:
                return _error(412, "PreconditionFailed")
        self.objects[key] = body
        return web.Response(headers={"ETag": _etag(body)})

    def _get(self, request: web.BaseRequest, key: str, *, with_body: bool) -> web.Response:
        if key not in self.objects:
            return _error(404, "NoSuchKey")
        body = self.objects[key]
        headers = {"ETag": _etag(body), "Last-Modified": "Wed, 21 Oct 2026 07:28:00 GMT", "Accept-Ranges": "bytes"}
        if not with_body:
            return web.Response(headers=headers | {"Content-Length": str(len(body))})
        asked = request.http_range
        if asked.start is None:
            return web.Response(body=body, headers=headers)
        end = min(asked.stop or len(body), len(body))
        headers["Content-Range"] = f"bytes {asked.start}-{end - 1}/{len(body)}"
        return web.Response(status=206, body=body[asked.start : end], headers=headers)

    def _list(self, query: Mapping[str, str]) -> web.Response:
        prefix = query.get("prefix", "")
        inside = [key for key in sorted(self.objects) if key.startswith(prefix)]
        if "delimiter" not in query:
            # Two on a page.
            begin = int(query.get("continuation-token", "0"))
            objects = {quote(key): self.objects[key] for key in inside}
            more = f"<NextContinuationToken>{begin + 2}</NextContinuationToken>" if begin + 2 < len(inside) else ""
            return _xml(
                f"<ListBucketResult>{_contents(list(objects)[begin : begin + 2], objects)}{more}</ListBucketResult>"
            )
        direct = [key for key in inside if "/" not in key.removeprefix(prefix)]
        folders = {f"{prefix}{key.removeprefix(prefix).split('/')[0]}/" for key in inside if key not in direct}
        return _xml(
            f"<ListBucketResult><IsTruncated>false</IsTruncated>{_contents(direct, self.objects)}"
            + "".join(f"<CommonPrefixes><Prefix>{_escaped(name)}</Prefix></CommonPrefixes>" for name in folders)
            + "</ListBucketResult>"
        )

    def _multipart(self, operation: Operation, request: web.BaseRequest, key: str, body: bytes) -> web.Response:
        if operation is Operation.BEGIN:
            upload_id = uuid4().hex
            self.uploads[upload_id] = Upload(key)
            return _xml(
                f"<InitiateMultipartUploadResult><UploadId>{upload_id}</UploadId></InitiateMultipartUploadResult>"
            )
        upload = self.uploads.get(request.query["uploadId"])
        if upload is None:
            return _error(404, "NoSuchUpload")
        if operation is Operation.PART:
            upload.parts[int(request.query["partNumber"])] = body
            return web.Response(headers={"ETag": _etag(body)})
        del self.uploads[request.query["uploadId"]]
        if operation is Operation.ABORT:
            return web.Response(status=204)
        tags = _texts(body, "ETag")
        parts = [upload.parts[number] for number in sorted(upload.parts)]
        if tags != [_etag(part) for part in parts] or any(len(part) < 5 << 20 for part in parts[:-1]):
            return _error(400, "InvalidPart")
        self.objects[key] = b"".join(parts)
        return _xml(
            f"<CompleteMultipartUploadResult><ETag>{_escaped(_etag(body))}</ETag></CompleteMultipartUploadResult>"
        )


def _operation(request: web.BaseRequest) -> Operation:  # noqa: PLR0911
    query = request.query
    match request.method:
        case "PUT" if "uploadId" in query:
            return Operation.PART
        case "PUT" if "x-amz-copy-source" in request.headers:
            return Operation.COPY
        case "PUT":
            return Operation.PUT
        case "POST" if "delete" in query:
            return Operation.DELETE
        case "POST":
            return Operation.BEGIN if "uploads" in query else Operation.COMPLETE
        case "GET":
            return Operation.LIST if "list-type" in query else Operation.GET
        case "HEAD":
            return Operation.HEAD
        case _:
            return Operation.ABORT


def _contents(keys: Iterable[str], objects: dict[str, bytes]) -> str:
    return "".join(
        f"<Contents><Key>{_escaped(key)}</Key><LastModified>2026-10-21T07:28:00.000Z</LastModified>"
        f"<ETag>{_escaped(_etag(objects[key]))}</ETag><Size>{len(objects[key])}</Size></Contents>"
        for key in keys
    )


def _texts(document: bytes, tag: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(document).iter() if element.tag.endswith(tag)]


def _etag(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def _xml(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, content_type="application/xml")


def _error(status: int, code: str, more: str = "") -> web.Response:
    return _xml(f"<Error><Code>{code}</Code><Message>told so</Message>{more}</Error>", status)
