"""The inbox: where requests are put, by the command line or by hand, and where they go from there.

All are documents in the store. ``inbox/<id>.json`` waits or is being answered; ``requests/<id>/request.json`` has
ended; ``rejected/<name>`` is what was no request, with the reasons beside it in ``rejected/<name>.reason.txt``.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from pydantic_core import from_json

from rs_assets.items.times import utc_now
from rs_assets.requests.model import (
    AuxRequest,
    RequestError,
    checked_request_id,
    is_request_id,
    new_request_id,
    parse_request,
)
from rs_assets.store import Documents

LARGEST_REQUEST = 1_000_000
"""Most bytes that a request's document may have."""

_SUFFIX = ".json"
_REASON = ".reason.txt"
_SETTLED_AFTER = timedelta(seconds=5)
_MAX_NAME_BYTES = 200
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Inbox:
    """The requests of a store, as documents."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def file(self, request: AuxRequest, request_id: str | None = None) -> str:
        """Put a request into the inbox, under a new id if none is given; the id.

        Raises:
            RequestError: the id is none, or is used already; or the request is too large.
            StoreError: it cannot be written.
        """
        chosen = new_request_id(utc_now()) if request_id is None else checked_request_id(request_id)
        if self.has(chosen):
            raise RequestError(_used(chosen))
        content = _content(request)
        if len(content) > LARGEST_REQUEST:
            raise RequestError(_too_large(len(content)))
        if not self._documents.create(_waiting(chosen), content):
            raise RequestError(_used(chosen))
        return chosen

    def has(self, request_id: str) -> bool:
        """Whether a request of this id waits, or has ended and was kept beside its result."""
        return any(self._documents.size(path) is not None for path in (_waiting(request_id), _archived(request_id)))

    def names(self) -> list[str]:
        """The names of all files in the inbox, requests or not; without folders, and without what begins with '.'."""
        return self._documents.names("inbox")

    def ids(self) -> list[str]:
        """The ids of the files in the inbox that are named as requests are."""
        return [request_id for name in self.names() if (request_id := request_id_of(name)) is not None]

    def content(self, name: str) -> bytes | None:
        """The bytes of a file in the inbox; None if there is none.

        Raises:
            RequestError: it is too large for a request.
            StoreError: it cannot be read.
        """
        path = f"inbox/{name}"
        size = self._documents.size(path)
        if size is not None and size > LARGEST_REQUEST:
            raise RequestError(_too_large(size))
        return self._documents.read_bytes(path)

    def read(self, request_id: str) -> AuxRequest:
        """A request, from the inbox, or from the archive if it is no longer there.

        Raises:
            RequestError: there is none of this id, or it cannot be understood.
            StoreError: it cannot be read.
        """
        content = self.content(document_name(request_id))
        if content is None:
            content = self._documents.read_bytes(_archived(request_id))
        if content is None:
            raise RequestError(f"there is no request {request_id!r}, neither in the inbox nor in the archive")
        return parse_request(content)

    def is_unfinished(self, name: str, content: bytes, now: datetime) -> bool:
        """Whether a file of this content is still being written: its JSON breaks off, and it has just been changed."""
        modified = self._documents.modified(f"inbox/{name}")
        return modified is not None and abs(now - modified) < _SETTLED_AFTER and _breaks_off(content)

    def reject(self, name: str, reasons: Sequence[str]) -> None:
        """Move a file of the inbox to the rejected ones, byte for byte, with the reasons beside it.

        A file that was rejected earlier under the same name is replaced. After a crash, do it again.
        """
        kept = f"rejected/{_kept_name(name)}"
        self._documents.copy(f"inbox/{name}", kept)
        text = "".join(f"{reason}\n" for reason in reasons)
        self._documents.write_bytes(kept + _REASON, text.encode(errors="backslashreplace"))
        self._documents.delete(f"inbox/{name}")

    def forget_rejected(self, before: datetime, most: int) -> int:
        """Delete at most `most` rejected files that were rejected before a time (aware UTC); how many there were."""
        names = self._documents.names("rejected")
        deleted = 0
        for name in names:
            modified = self._documents.modified(f"rejected/{name}")
            if modified is not None and modified < before:
                self._documents.delete(f"rejected/{name}")
                deleted += 1
            if deleted >= most:
                break
        return deleted

    def rejection(self, request_id: str) -> str | None:
        """Why a request was rejected; None if it was not, or if the inbox has one of this id again."""
        name = document_name(request_id)
        if self._documents.size(_waiting(request_id)) is not None:
            return None
        reasons = self._documents.read_bytes(f"rejected/{_kept_name(name)}{_REASON}")
        return None if reasons is None else reasons.decode().strip()

    def archive(self, request_id: str, request: AuxRequest) -> None:
        """Keep a request beside its result."""
        self._documents.write_bytes(_archived(request_id), _content(request))

    def is_archived(self, request_id: str) -> bool:
        """Whether a request was kept beside its result."""
        return self._documents.size(_archived(request_id)) is not None

    def restore(self, request_id: str) -> None:
        """Put an archived request into the inbox again.

        Raises:
            RequestError: it was never archived, or the inbox has another one of the same id.
        """
        content = self._documents.read_bytes(_archived(request_id))
        if content is None:
            raise RequestError(f"the request {request_id!r} is not in the archive; file it anew")
        request = parse_request(content)
        if not self._documents.create(_waiting(request_id), _content(request)) and not self._lacks_or_has(
            request_id, request
        ):
            raise RequestError(f"another request lies in the inbox as {request_id!r}; take it away first")

    def remove(self, request_id: str, request: AuxRequest) -> None:
        """Take a request out of the inbox; what someone has put into its place meanwhile stays."""
        with self._documents.locked(_waiting(request_id)):
            if self._lacks_or_has(request_id, request):
                self._documents.delete(_waiting(request_id))

    def replace(self, request_id: str, request: AuxRequest) -> None:
        """Put a request into the place of the one that waits under its id."""
        with self._documents.locked(_waiting(request_id)):
            self._documents.write_bytes(_waiting(request_id), _content(request))

    def _lacks_or_has(self, request_id: str, request: AuxRequest) -> bool:
        """Whether the inbox has nothing else of this id than the request."""
        try:
            content = self.content(document_name(request_id))
            return content is None or parse_request(content).digest == request.digest
        except RequestError:
            return False


def document_name(request_id: str) -> str:
    """The name of a request's file in the inbox.

    Raises:
        RequestError: it is not an id.
    """
    return checked_request_id(request_id) + _SUFFIX


def request_id_of(name: str) -> str | None:
    """The id of the request whose file has this name; None for any other file."""
    stem = name.removesuffix(_SUFFIX)
    return stem if stem != name and is_request_id(stem) else None


def _waiting(request_id: str) -> str:
    return f"inbox/{document_name(request_id)}"


def _archived(request_id: str) -> str:
    return f"requests/{checked_request_id(request_id)}/request.json"


def _content(request: AuxRequest) -> bytes:
    return json.dumps(request.to_dict(), indent=1, allow_nan=False).encode()


def _used(request_id: str) -> str:
    return f"the id {request_id!r} is used by another request; choose another, or none"


def _too_large(size: int) -> str:
    return f"the document has {size} bytes; a request has at most {LARGEST_REQUEST}"


def _kept_name(name: str) -> str:
    """The name, shortened where there is no room for the reasons' suffix, and never that of another one's reasons."""
    whole = name.encode(errors="surrogateescape")
    if len(whole) > _MAX_NAME_BYTES:
        digest = hashlib.blake2b(whole, digest_size=8).hexdigest()
        name = f"{whole[: _MAX_NAME_BYTES // 2].decode(errors='ignore')}~{digest}"
    return f"{name}~" if name.endswith(_REASON) else name


def _breaks_off(content: bytes) -> bool:
    """Whether the content is the beginning of a JSON document, without its end."""
    text = content.removeprefix(_BYTE_ORDER_MARK)
    if not text.strip():
        return True
    try:
        from_json(text, allow_partial=True)
    except ValueError:
        return False
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return error.msg != "Extra data"
    except ValueError:
        return True
    return False
