"""What the answer to a request says in the Dagster UI."""

from collections.abc import Sequence

import dagster as dg

from rs_assets.defs.metadata import Metadata, records
from rs_assets.defs.on_demand import GROUP
from rs_assets.defs.steps import asset_key
from rs_assets.ingest import Platform, Step
from rs_assets.items.files import STAGING_STATES
from rs_assets.items.times import format_time
from rs_assets.items.units import MEGABYTE
from rs_assets.requests.answering import RequestResult
from rs_assets.requests.choosing import TypeChoice
from rs_assets.requests.results import items_path
from rs_assets.selection import Gap

COVERED = "requested_types_covered"
"""The check: is every type covered that a request of the run asked for?"""


def metadata_of(platform: Platform, step: Step, result: RequestResult, picture: bytes | None) -> Metadata:
    """The metadata of one step of a request that was answered, wholly or in part."""
    match step:
        case Step.SEARCH:
            return _of_search(result, picture)
        case Step.STAGE:
            return _of_staging(result)
        case Step.PUBLISH:
            return _of_publication(platform, result, picture)


def coverage_check(results: Sequence[RequestResult]) -> dg.AssetCheckResult:
    """Whether every type that these requests asked for is covered, and by what."""
    rows: list[dict[str, str | int]] = []
    open_gaps: list[str] = []
    for result in results:
        for entry in result.choice.types if result.choice else ():
            gaps = ", ".join(_shown(gap) for gap in entry.coverage.gaps)
            rows.append(
                {
                    "request": result.request_id,
                    "product type": entry.product_type,
                    "covered": "yes" if entry.coverage.is_covered else f"no: {gaps}",
                    "by": ", ".join(item.id for item in entry.selection.items) or "nothing",
                }
            )
            if gaps:
                open_gaps.append(f"{result.request_id}: {entry.product_type} lacks {gaps}")
    description = "Every type asked for is covered."
    if open_gaps:
        description = open_gaps[0] + (f" and {len(open_gaps) - 1} more" if len(open_gaps) > 1 else "")
    return dg.AssetCheckResult(
        passed=not open_gaps,
        asset_key=asset_key(GROUP, Step.PUBLISH),
        check_name=COVERED,
        severity=dg.AssetCheckSeverity.WARN,
        description=description,
        metadata={"types": records(rows), "gaps": dg.MetadataValue.int(len(open_gaps))},
    )


def _of_search(result: RequestResult, picture: bytes | None) -> Metadata:
    request = result.request
    asked = request.model_dump(mode="json", exclude_defaults=True)
    metadata: dict[str, dg.MetadataValue] = {
        "dagster/row_count": dg.MetadataValue.int(result.found),
        "found": dg.MetadataValue.int(result.found),
        "chosen": dg.MetadataValue.int(len(result.choice.items) if result.choice else 0),
        "request": dg.MetadataValue.json(asked),
        "source": dg.MetadataValue.text(request.source or ""),
    }
    if result.choice and result.choice.types:
        metadata["coverage"] = records([_coverage(entry) for entry in result.choice.types])
    if picture is not None:
        metadata["timeline"] = _image(picture)
    if result.warnings:
        metadata["warnings"] = dg.MetadataValue.md("\n".join(f"- {warning}" for warning in result.warnings))
    return metadata


def _of_staging(result: RequestResult) -> Metadata:
    metadata: dict[str, dg.MetadataValue] = {
        state.value: dg.MetadataValue.int(result.count(state)) for state in STAGING_STATES
    }
    metadata["moved_mb"] = dg.MetadataValue.float(round(sum(file.moved for file in result.files) / MEGABYTE, 3))
    metadata["files"] = records(
        [
            {
                "file": file.asset,
                "outcome": file.state.value,
                "bytes": file.size or 0,
                "attempts": file.attempts,
                "reason": file.reason or "",
            }
            for file in result.files
        ]
    )
    return metadata


def _of_publication(platform: Platform, result: RequestResult, picture: bytes | None) -> Metadata:
    metadata: dict[str, dg.MetadataValue] = {
        "dagster/row_count": dg.MetadataValue.int(len(result.items)),
        "dagster/uri": dg.MetadataValue.url(platform.documents.url(items_path(result.request_id))),
        "state": dg.MetadataValue.text(result.state.value),
        "message": dg.MetadataValue.text(result.message),
        "answer": dg.MetadataValue.md(_markdown(result)),
    }
    if picture is not None:
        metadata["timeline"] = _image(picture)
    if result.refused:
        metadata["not_catalogued"] = records(
            [{"item": entry.item_id, "reason": entry.reason} for entry in result.refused]
        )
    return metadata


def _image(picture: bytes) -> dg.MetadataValue:
    # Drawing takes a second to import, which every process that loads the definitions would pay.
    from rs_assets.reports import markdown_image

    return dg.MetadataValue.md(markdown_image(picture))


def _markdown(result: RequestResult) -> str:
    """The items with their validity and place, as a table."""
    lines = ["| item | valid from | to | file |", "|---|---|---|---|"]
    for item in result.items:
        files = " ".join(asset.href for asset in item.assets.values())
        start, end = item.properties.get("start_datetime", ""), item.properties.get("end_datetime", "")
        lines.append(f"| {item.id} | {start} | {end} | {files} |")
    return "\n".join(lines) if result.items else "No item."


def _coverage(entry: TypeChoice) -> dict[str, str | int]:
    return {
        "product type": entry.product_type,
        "found": len(entry.found),
        "chosen": len(entry.selection.items),
        "covered": "yes" if entry.coverage.is_covered else "no",
        "gaps": ", ".join(_shown(gap) for gap in entry.coverage.gaps),
    }


def _shown(gap: Gap) -> str:
    return f"{format_time(gap.start)} to {format_time(gap.end)}"
