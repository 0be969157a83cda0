"""What a request leaves in the store: its items, every file's outcome, and a picture of the validities."""

from datetime import datetime
from typing import TYPE_CHECKING

from rs_assets.ingest import Platform
from rs_assets.ingest.file_documents import file_document
from rs_assets.items.times import format_time
from rs_assets.requests.answering import RequestResult
from rs_assets.requests.choosing import TypeChoice, validity, widest_margins
from rs_assets.store import Document

if TYPE_CHECKING:
    from rs_assets.reports import TimelineRow

SCHEMA_VERSION = 2
"""Version of the stored form; version 1 calls the state of a file its status. Nothing reads it back here."""


def items_path(request_id: str) -> str:
    """Where the ItemCollection of a request stands in the store."""
    return f"requests/{request_id}/items.json"


def timeline_path(request_id: str) -> str:
    """Where the picture of a request stands in the store."""
    return f"requests/{request_id}/timeline.png"


def keep_result(platform: Platform, result: RequestResult, at: datetime) -> bytes | None:
    """Write the result into the store; the picture, or None for a request without an interval.

    Raises:
        StoreError: it cannot be written.
    """
    platform.documents.write(items_path(result.request_id), result_document(result, at))
    picture = timeline(result)
    if picture is not None:
        platform.documents.write_bytes(timeline_path(result.request_id), picture)
    return picture


def result_document(result: RequestResult, at: datetime) -> Document:
    """The items as an ItemCollection; what is ours stands under ``rs_assets``."""
    types = result.choice.types if result.choice else ()
    return {
        "type": "FeatureCollection",
        "features": [item.to_dict(include_self_link=False, transform_hrefs=False) for item in result.items],
        "rs_assets": {
            "schema_version": SCHEMA_VERSION,
            "request_id": result.request_id,
            "state": result.state,
            "message": result.message,
            "ended_at": format_time(at),
            "found": result.found,
            "warnings": list(result.warnings),
            "coverage": [
                {
                    "product_type": entry.product_type,
                    "covered": entry.coverage.is_covered,
                    "by": [item.id for item in entry.selection.items],
                    "gaps": [[format_time(gap.start), format_time(gap.end)] for gap in entry.coverage.gaps],
                }
                for entry in types
            ],
            "files": [{"collection": file.collection} | file_document(file) for file in result.files],
            "refused": [{"item_id": entry.item_id, "reason": entry.reason} for entry in result.refused],
        },
    }


def timeline(result: RequestResult) -> bytes | None:
    """The validity of everything found against the interval asked for, as PNG; None without an interval."""
    # Drawing takes a second to import, which every process that loads the definitions would pay.
    from rs_assets.reports import draw_timeline

    request = result.request
    if result.choice is None or request.start is None or request.end is None:
        return None
    policies = dict.fromkeys(need.policy.value for need in request.each_need)
    return draw_timeline(
        [row for entry in result.choice.types for row in _rows(entry)],
        request.start,
        request.end,
        title=f"{result.request_id}: {', '.join(policies)} on {request.source}",
        margins=widest_margins(request),
        groups=request.every_type,
    )


def _rows(entry: TypeChoice) -> "list[TimelineRow]":
    from rs_assets.reports import TimelineRow

    chosen = {id(item) for item in entry.selection.items}
    rows = []
    for item in entry.found:
        begin, end = validity(item)
        label = next(iter(item.assets), item.id)
        rows.append(TimelineRow(label, entry.product_type, begin, end, chosen=id(item) in chosen))
    return rows
