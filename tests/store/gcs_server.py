"""A server of Google's XML interface in memory: emulators that are to be had only speak the JSON one to writers."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import uuid4
from xml.etree import ElementTree
from xml.sax.saxutils import escape

BUCKET = "bucket"
TOKEN = "t0ken"
_DATE = "Wed, 21 Oct 2026 07:28:00 GMT"


class GcsHandler(BaseHTTPRequestHandler):
    """One bucket; every version of an object has a generation."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    server: "GcsServer"

    def log_message(self, *_: object) -> None:
        """Stay silent."""

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        self._query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        _, bucket, *rest = parts.path.split("/", 2)
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._error(401, "AuthenticationRequired")
        elif bucket != BUCKET:
            self._error(404, "NoSuchBucket")
        else:
            with self.server.guard:
                self._do(unquote(rest[0]) if rest else "", body)

    def _do(self, key: str, body: bytes) -> None:
        upload = self._query.get("uploadId")
        match self.command:
            case "GET" if "list-type" in self._query:
                self._list()
            case "GET" | "HEAD":
                self._get(key)
            case "POST" if upload is None:
                upload = uuid4().hex
                self.server.uploads[upload] = {}
                self._xml(
                    f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>"
                )
            case "POST":
                numbers = [
                    int(found.text or "") for found in ElementTree.fromstring(body).iter() if "PartN" in found.tag
                ]
                sent = self.server.uploads.pop(upload or "")
                self._put(key, b"".join(sent[number] for number in numbers), "CompleteMultipartUploadResult")
            case "PUT" if upload is not None:
                self.server.uploads[upload][int(self._query["partNumber"])] = body
                self._answer(200, b"", {"ETag": _etag(body)})
            case "PUT" if "x-goog-copy-source" in self.headers:
                source = unquote(self.headers["x-goog-copy-source"]).lstrip("/").partition("/")[2]
                if source in self.server.objects:
                    self._put(key, self.server.objects[source][0], "CopyObjectResult")
                else:
                    self._error(404, "NoSuchKey")
            case "PUT":
                self._put(key, body)
            case _:
                known = self.server.uploads.pop(upload, None) if upload else self.server.objects.pop(key, None)
                self._error(404, "NoSuchKey") if known is None else self._answer(204)

    def _put(self, key: str, body: bytes, root: str = "") -> None:
        wanted = self.headers.get("x-goog-if-generation-match")
        if wanted is not None and int(wanted) != self.server.objects.get(key, (b"", 0))[1]:
            self._error(412, "PreconditionFailed")
            return
        generation = next(self.server.generations)
        self.server.objects[key] = (body, generation)
        headers = {"ETag": _etag(body), "x-goog-generation": str(generation)}
        self._answer(200, f"<{root}><ETag>{escape(_etag(body))}</ETag></{root}>".encode() if root else b"", headers)

    def _get(self, key: str) -> None:
        if key not in self.server.objects:
            self._error(404, "NoSuchKey")
            return
        body, generation = self.server.objects[key]
        headers = {"ETag": _etag(body), "x-goog-generation": str(generation), "Last-Modified": _DATE}
        self._answer(200, body, headers)

    def _list(self) -> None:
        prefix = self._query.get("prefix", "")
        inside = [key for key in sorted(self.server.objects) if key.startswith(prefix)]
        direct = [key for key in inside if "delimiter" not in self._query or "/" not in key.removeprefix(prefix)]
        folders = {f"{prefix}{key.removeprefix(prefix).split('/')[0]}/" for key in inside if key not in direct}
        found = [
            f"<Contents><Key>{escape(key)}</Key><LastModified>2026-10-21T07:28:00.000Z</LastModified>"
            f"<Size>{len(self.server.objects[key][0])}</Size></Contents>"
            for key in direct
        ]
        found += [f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>" for name in sorted(folders)]
        self._xml(f"<ListBucketResult><IsTruncated>false</IsTruncated>{''.join(found)}</ListBucketResult>")

    def _xml(self, text: str) -> None:
        self._answer(200, text.encode())

    def _error(self, status: int, code: str) -> None:
        self._answer(status, f"<Error><Code>{code}</Code><Message>s1gned</Message></Error>".encode())

    def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()


class GcsServer(ThreadingHTTPServer):
    """The server; its bucket is gone with it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), GcsHandler)
        self.guard = threading.Lock()
        self.objects: dict[str, tuple[bytes, int]] = {}
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.generations = count(1)


@contextmanager
def gcs_server() -> Iterator[GcsServer]:
    """The server on a free port, in threads of this process."""
    with GcsServer() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def _etag(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
