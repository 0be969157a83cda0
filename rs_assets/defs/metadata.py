"""What a partition's report says in the Dagster UI: one function for each step."""

from collections.abc import Mapping, Sequence

import dagster as dg

from rs_assets.catalog.protocol import UpsertStatus
from rs_assets.ingest import PartitionReport, Platform, Step
from rs_assets.ingest.manifest import Manifest, manifest_path
from rs_assets.ingest.publishing import Publication
from rs_assets.ingest.search_results import SearchResults, results_path
from rs_assets.ingest.sessions import SessionSummary, summaries_of
from rs_assets.items.files import STAGING_STATES, FileRecord, Order, count_states
from rs_assets.items.times import format_time
from rs_assets.items.units import MEGABYTE

Metadata = Mapping[str, dg.MetadataValue]

_ROWS = 50
"""Rows of a table at most; the documents in the store have them all."""


def metadata_of(platform: Platform, step: Step, report: PartitionReport) -> Metadata:
    """The metadata of one step of one partition that has completed it."""
    if step is Step.SEARCH and report.search is not None:
        return _of_search(platform, report.search)
    if step is Step.STAGE and report.manifest is not None:
        return _of_staging(platform, report.manifest)
    if step is Step.PUBLISH and report.publication is not None:
        return _of_publication(platform, report.publication)
    return {}


def records(rows: Sequence[Mapping[str, str | int]]) -> dg.MetadataValue:
    """A table of rows that have the same columns."""
    if not rows:
        return dg.MetadataValue.text("none")
    columns = [dg.TableColumn(name, "int" if isinstance(value, int) else "string") for name, value in rows[0].items()]
    records = [dg.TableRecord(dict(row)) for row in rows[:_ROWS]]
    return dg.MetadataValue.table(records, schema=dg.TableSchema(columns))


def _of_search(platform: Platform, results: SearchResults) -> Metadata:
    window = results.partition.window
    metadata: dict[str, dg.MetadataValue] = {
        "dagster/row_count": dg.MetadataValue.int(len(results.items)),
        "dagster/uri": dg.MetadataValue.url(platform.documents.url(results_path(results.station, results.partition))),
        "found": dg.MetadataValue.int(len(results.items)),
        "new": dg.MetadataValue.int(results.added),
        "evicted_since": dg.MetadataValue.int(len(results.evicted)),
        "total_size_mb": _megabytes(results.size),
        **_contents(platform, results),
        "pages": dg.MetadataValue.int(results.pages),
        "query": dg.MetadataValue.text(results.query),
        "window": dg.MetadataValue.text(
            f"{format_time(window.start)} to {format_time(window.end)}, "
            + ("closed" if results.window_closed else "still open: it is searched again after it has closed")
        ),
        "unassigned": dg.MetadataValue.text(
            "the station does not count them" if results.unassigned is None else str(results.unassigned)
        ),
    }
    if results.rejected:
        rows = [{"name": entry.name, "reason": entry.reason} for entry in results.rejected]
        metadata["rejected"] = records(rows)
    if results.warnings:
        metadata["warnings"] = dg.MetadataValue.md("\n".join(f"- {warning}" for warning in results.warnings))
    return metadata


def _contents(platform: Platform, results: SearchResults) -> Metadata:
    """What there is: the sessions, or else how many products there are of each type."""
    sessions = summaries_of(results.items, platform.settings.station(results.station), results.searched_at)
    return _sessions(sessions) if sessions else {"product_types": _table("product_type", results.product_types)}


def _sessions(sessions: Sequence[SessionSummary]) -> Metadata:
    rows: list[dict[str, str | int]] = [
        {
            "session": entry.session_id,
            "state": "complete" if entry.complete else "; ".join(entry.missing),
            "chunks": " ".join(f"ch{channel}:{count}" for channel, count in entry.channels.items()),
            "MB": f"{entry.size / MEGABYTE:.1f}",
        }
        for entry in sorted(sessions, key=lambda entry: entry.complete)
    ]
    complete = sum(entry.complete for entry in sessions)
    return {
        "sessions_complete": dg.MetadataValue.int(complete),
        "sessions_incomplete": dg.MetadataValue.int(len(sessions) - complete),
        "sessions": records(rows),
    }


def _of_staging(platform: Platform, manifest: Manifest) -> Metadata:
    counts = count_states(manifest.files)
    metadata: dict[str, dg.MetadataValue] = {
        # What people look for first stands first.
        **(_sessions(manifest.sessions) if manifest.sessions else {}),
        "dagster/uri": dg.MetadataValue.url(
            platform.documents.url(manifest_path(manifest.station, manifest.partition))
        ),
        **{state.value: dg.MetadataValue.int(counts[state]) for state in STAGING_STATES},
        **({"unpacked": dg.MetadataValue.int(manifest.unpacked)} if manifest.unpacked else {}),
        "moved_mb": _megabytes(manifest.moved),
        "mb_per_second": dg.MetadataValue.float(round(manifest.rate / MEGABYTE, 2)),
        "seconds": dg.MetadataValue.float(round(manifest.seconds, 3)),
        "retries": dg.MetadataValue.int(manifest.retries),
        "resumed": dg.MetadataValue.int(manifest.resumed),
    }
    if manifest.ordered:
        metadata["orders"] = records([_ordered(file.asset, order) for file, order in manifest.ordered])
    if manifest.failures:
        metadata["not_staged"] = records([_failure(file) for file in manifest.failures])
    warned = [{"file": file.asset, "warning": "; ".join(file.warnings)} for file in manifest.files if file.warnings]
    if warned:
        metadata["warnings"] = records(warned)
    return metadata


def _of_publication(platform: Platform, publication: Publication) -> Metadata:
    metadata: dict[str, dg.MetadataValue] = {
        "dagster/row_count": dg.MetadataValue.int(publication.total),
        "collection": dg.MetadataValue.text(publication.collection),
        "catalog": dg.MetadataValue.path(platform.settings.catalog.path),
        **{status.value: dg.MetadataValue.int(publication.count(status)) for status in UpsertStatus},
        "replaced_objects_removed": dg.MetadataValue.int(publication.collected),
    }
    refused = publication.report.refused
    if refused:
        metadata["not_catalogued"] = records([{"item": entry.item_id, "reason": entry.reason} for entry in refused])
    return metadata


def _ordered(asset: str, order: Order) -> dict[str, str | int]:
    return {
        "file": asset,
        "order": order.id,
        "ordered": format_time(order.ordered_at),
        "next look": format_time(order.look_again_at),
    }


def _failure(file: FileRecord) -> dict[str, str | int]:
    return {"file": file.asset, "status": file.state.value, "reason": file.reason or "", "attempts": file.attempts}


def _megabytes(count: int) -> dg.MetadataValue:
    return dg.MetadataValue.float(round(count / MEGABYTE, 3))


def _table(name: str, counts: Mapping[str, int]) -> dg.MetadataValue:
    return records([{name: key, "count": count} for key, count in counts.items()])
