"""The stored form of a file's record, in manifests and in the results of requests."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from rs_assets.items.files import FileRecord, FileState, Order
from rs_assets.items.multihash import Digest
from rs_assets.items.times import format_time
from rs_assets.store import Document

_ORDER_TIMES = ("ordered_at", "look_again_at")
_AS_THEY_ARE = (
    *("item_id", "asset", "source_id", "source_href", "stated_size", "key", "href", "size"),
    *("reason", "attempts", "moved", "resumed"),
)
"""The fields that are stored under their own name and as they are."""


def file_document(file: FileRecord) -> Document:
    """The record as a JSON document; the collection is stated once by the document around it."""
    document: Document = {name: getattr(file, name) for name in _AS_THEY_ARE} | {
        "state": file.state.value,
        "stated_checksums": [digest.multihash for digest in file.stated_digests],
        "checksum": file.checksum,
        "seconds": round(file.seconds, 3),
        "warnings": list(file.warnings),
    }
    if file.order is not None:
        facts = asdict(file.order)
        document["order"] = facts | {name: format_time(facts[name]) for name in _ORDER_TIMES}
    if file.members:
        document["members"] = [file_document(member) for member in file.members]
    return document


def file_from(document: Mapping[str, Any], collection: str) -> FileRecord:
    """Read what `file_document` wrote, now or in an earlier version, which states less.

    Raises:
        KeyError, TypeError, ValueError: it is not the record of a file.
    """
    optional = {"stated_size": None, "href": None} | dict(document)
    checksum, order = document["checksum"], document.get("order")
    return FileRecord(
        collection=collection,
        **{name: optional[name] for name in _AS_THEY_ARE},
        stated_digests=tuple(Digest.from_multihash(each) for each in document.get("stated_checksums", ())),
        state=FileState(document["state"]),
        digest=None if checksum is None else Digest.from_multihash(checksum),
        seconds=document["seconds"],
        warnings=tuple(document["warnings"]),
        order=None if order is None else _order(order),
        members=tuple(file_from(member, collection) for member in document.get("members", ())),
    )


def _order(document: Mapping[str, Any]) -> Order:
    return Order(id=document["id"], **{name: datetime.fromisoformat(document[name]) for name in _ORDER_TIMES})
