"""The stored form of a file's record, in manifests and in the results of requests."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rs_assets.items.files import FileRecord, FileState, Order
from rs_assets.items.multihash import Digest
from rs_assets.items.times import format_time
from rs_assets.store import Document


def file_document(file: FileRecord) -> Document:
    """The record as a JSON document; the collection is stated once by the document around it."""
    document: Document = {
        "item_id": file.item_id,
        "asset": file.asset,
        "source_id": file.source_id,
        "state": file.state.value,
        "source_href": file.source_href,
        "stated_size": file.stated_size,
        "stated_checksums": [digest.multihash for digest in file.stated_digests],
        "key": file.key,
        "href": file.href,
        "size": file.size,
        "checksum": file.checksum,
        "reason": file.reason,
        "attempts": file.attempts,
        "moved": file.moved,
        "resumed": file.resumed,
        "seconds": round(file.seconds, 3),
        "warnings": list(file.warnings),
    }
    if file.order is not None:
        document["order"] = {
            "id": file.order.id,
            "ordered_at": format_time(file.order.ordered_at),
            "look_again_at": format_time(file.order.look_again_at),
        }
    if file.members:
        document["members"] = [file_document(member) for member in file.members]
    return document


def file_from(document: Mapping[str, Any], collection: str) -> FileRecord:
    """Read what `file_document` wrote, or the form of version 1.

    Raises:
        KeyError, TypeError, ValueError: it is not the record of a file.
    """
    checksum, order = document["checksum"], document.get("order")
    return FileRecord(
        collection=collection,
        item_id=document["item_id"],
        asset=document["asset"],
        source_id=document["source_id"],
        source_href=document["source_href"],
        stated_size=document.get("stated_size"),
        stated_digests=tuple(Digest.from_multihash(each) for each in document.get("stated_checksums", ())),
        state=FileState(document["state"] if "state" in document else document["status"]),
        key=document["key"],
        href=document.get("href"),
        size=document["size"],
        digest=None if checksum is None else Digest.from_multihash(checksum),
        reason=document["reason"],
        attempts=document["attempts"],
        moved=document["moved"],
        resumed=document["resumed"],
        seconds=document["seconds"],
        warnings=tuple(document["warnings"]),
        order=None if order is None else _order(order),
        members=tuple(file_from(member, collection) for member in document.get("members", ())),
    )


def _order(document: Mapping[str, Any]) -> Order:
    return Order(
        id=document["id"],
        ordered_at=datetime.fromisoformat(document["ordered_at"]),
        look_again_at=datetime.fromisoformat(document["look_again_at"]),
    )
