"""The checks of a station's assets. Their verdict comes from the state, over all partitions outstanding.

A verdict of the last run alone would turn green with the next good partition, while a file is still missing.
"""

from collections.abc import Sequence

import dagster as dg

from rs_assets.ingest import Platform, Step
from rs_assets.ingest.publishing import UNCATALOGUED
from rs_assets.items.times import format_time
from rs_assets.settings import Station
from rs_assets.state import FileFailure

_ROWS = 50
_NAMES = {Step.STAGE: "every_file_staged", Step.PUBLISH: "every_item_catalogued"}


def check_specs(station: Station) -> list[dg.AssetCheckSpec]:
    """The checks of a station."""
    staged = (
        "Every file that the station has shown is in the store, or in the catalogue already. Red while any file of "
        "any partition is not, with its name and reason; what nobody can mend is accepted by "
        f"`rs-assets failures accept {station.name} FILE --why …`."
    )
    catalogued = "Every item whose files are verified is in the catalogue. Red while the catalogue refuses any."
    return [
        dg.AssetCheckSpec(_NAMES[Step.STAGE], asset=[station.name, Step.STAGE.value], description=staged),
        dg.AssetCheckSpec(_NAMES[Step.PUBLISH], asset=[station.name, Step.PUBLISH.value], description=catalogued),
    ]


def verdicts(platform: Platform, station: Station) -> dict[dg.AssetCheckKey, dg.AssetCheckResult]:
    """What each check of the station says now."""
    outstanding = platform.outcomes.outstanding(station.name)
    uncatalogued = [failure for failure in outstanding if failure.status == UNCATALOGUED]
    unstaged = [failure for failure in outstanding if failure.status != UNCATALOGUED]
    results = {}
    for step, failures in ((Step.STAGE, unstaged), (Step.PUBLISH, uncatalogued)):
        key = dg.AssetCheckKey(dg.AssetKey([station.name, step.value]), _NAMES[step])
        results[key] = _verdict(key, failures)
    return results


def _verdict(key: dg.AssetCheckKey, failures: Sequence[FileFailure]) -> dg.AssetCheckResult:
    metadata: dict[str, dg.MetadataValue] = {"outstanding": dg.MetadataValue.int(len(failures))}
    description = "Nothing is outstanding."
    if failures:
        first = failures[0]
        more = f" and {len(failures) - 1} more" if len(failures) > 1 else ""
        description = f"{first.asset} ({first.partition}): {first.reason}{more}"
        metadata["files"] = dg.MetadataValue.table([_record(failure) for failure in failures[:_ROWS]])
    return dg.AssetCheckResult(
        passed=not failures,
        asset_key=key.asset_key,
        check_name=key.name,
        severity=dg.AssetCheckSeverity.ERROR,
        description=description,
        metadata=metadata,
    )


def _record(failure: FileFailure) -> dg.TableRecord:
    return dg.TableRecord(
        {
            "file": failure.asset,
            "partition": failure.partition,
            "status": failure.status,
            "reason": failure.reason,
            "attempts": failure.attempts,
            "failing since": format_time(failure.failed_first),
            "next try": format_time(failure.next_try) if failure.next_try else "none: trying again cannot help",
        }
    )
