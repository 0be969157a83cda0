"""The checks of a station's assets. Their verdict comes from the state, over all partitions outstanding.

A verdict of the last run alone would turn green with the next good partition, while a file is still missing.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import dagster as dg

from rs_assets.defs.steps import asset_key
from rs_assets.ingest import Platform, Step
from rs_assets.items.files import FileState
from rs_assets.items.times import format_time, utc_now
from rs_assets.settings import Station
from rs_assets.state import FileFailure, IncompleteItem
from rs_assets.stations.registry import interface_of

_ROWS = 50
_SESSIONS = "sessions_complete"
_NAMES = {Step.STAGE: "every_file_staged", Step.PUBLISH: "every_item_catalogued"}


def check_specs(station: Station) -> list[dg.AssetCheckSpec]:
    """The checks of a station."""
    staged = (
        "Every file that the station has shown is in the store, or in the catalogue already. Red while any file of "
        "any partition is not, with its name and reason; acknowledge files that cannot be recovered with "
        f"`rs-assets failures accept {station.name} FILE --why …`."
    )
    catalogued = "Every item whose files are verified is in the catalogue. Red while the catalogue refuses any."
    specs = [
        dg.AssetCheckSpec(_NAMES[Step.STAGE], asset=asset_key(station.name, Step.STAGE), description=staged),
        dg.AssetCheckSpec(_NAMES[Step.PUBLISH], asset=asset_key(station.name, Step.PUBLISH), description=catalogued),
    ]
    if interface_of(station).has_sessions:
        complete = (
            "Every session whose downlink ended long ago is complete. A warning while the station shows less than that "
            "of any session, or has deleted a chunk before it was staged, with what is missing; acknowledge sessions "
            f"that cannot be recovered with `rs-assets failures accept {station.name} SESSION --why …`."
        )
        specs.append(dg.AssetCheckSpec(_SESSIONS, asset=asset_key(station.name, Step.STAGE), description=complete))
    return specs


def verdicts(platform: Platform, station: Station) -> dict[dg.AssetCheckKey, dg.AssetCheckResult]:
    """What each check of the station says now."""
    now = utc_now()
    outstanding = platform.outcomes.outstanding(station.name)
    uncatalogued = [failure for failure in outstanding if failure.file.state is FileState.UNCATALOGUED]
    unstaged = [failure for failure in outstanding if failure.file.state is not FileState.UNCATALOGUED]
    results = {}
    for step, failures in ((Step.STAGE, unstaged), (Step.PUBLISH, uncatalogued)):
        key = dg.AssetCheckKey(asset_key(station.name, step), _NAMES[step])
        results[key] = _verdict(
            key,
            [f"{failure.file.asset} ({failure.partition}): {failure.file.reason}" for failure in failures],
            "Nothing is outstanding.",
            {"outstanding": dg.MetadataValue.int(len(failures))},
            {"files": [_record(failure) for failure in failures[:_ROWS]]},
        )
    if interface_of(station).has_sessions:
        result = _sessions_verdict(station, platform.incomplete.outstanding(station.name, overdue_at=now), unstaged)
        results[dg.AssetCheckKey(asset_key(station.name, Step.STAGE), _SESSIONS)] = result
    return results


def _sessions_verdict(
    station: Station, overdue: Sequence[IncompleteItem], unstaged: Sequence[FileFailure]
) -> dg.AssetCheckResult:
    """Which sessions are incomplete though they should not be, and why."""
    rows = [_session_record(item.item_id, item.partition, item.missing, item.look_again_at) for item in overdue]
    lost: dict[tuple[str, str], list[str]] = {}
    for failure in unstaged:
        if failure.file.state is FileState.EVICTED:
            lost.setdefault((failure.file.item_id, failure.partition), []).append(failure.file.asset)
    rows += [
        _session_record(session, partition, f"deleted before it was staged: {', '.join(names)}", None)
        for (session, partition), names in lost.items()
    ]
    problems = [f"{row.data['session']} ({row.data['partition']}): {row.data['missing']}" for row in rows]
    return _verdict(
        dg.AssetCheckKey(asset_key(station.name, Step.STAGE), _SESSIONS),
        problems,
        "Every session that should be complete is.",
        {"incomplete": dg.MetadataValue.int(len(rows))},
        {"sessions": rows},
        severity=dg.AssetCheckSeverity.WARN,
    )


def _session_record(session: str, partition: str, missing: str, next_look: datetime | None) -> dg.TableRecord:
    return dg.TableRecord(
        {
            "session": session,
            "partition": partition,
            "missing": missing,
            "next look": format_time(next_look) if next_look else "none: the station has deleted it",
        }
    )


def _verdict(
    key: dg.AssetCheckKey,
    problems: Sequence[str],
    all_well: str,
    metadata: Mapping[str, dg.MetadataValue],
    tables: Mapping[str, Sequence[dg.TableRecord]],
    *,
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR,
) -> dg.AssetCheckResult:
    """Passed where there is no problem; else the first problem describes it. Tables without rows are left out."""
    more = f" and {len(problems) - 1} more" if len(problems) > 1 else ""
    shown = {name: dg.MetadataValue.table(rows[:_ROWS]) for name, rows in tables.items() if rows}
    return dg.AssetCheckResult(
        passed=not problems,
        asset_key=key.asset_key,
        check_name=key.name,
        severity=severity,
        description=f"{problems[0]}{more}" if problems else all_well,
        metadata={**metadata, **shown},
    )


def _record(failure: FileFailure) -> dg.TableRecord:
    return dg.TableRecord(
        {
            "file": failure.file.asset,
            "partition": failure.partition,
            "status": failure.file.state.value,
            "reason": failure.file.reason or "",
            "attempts": failure.file.attempts,
            "failing since": format_time(failure.failed_first),
            "next try": format_time(failure.next_try) if failure.next_try else "none: a retry cannot help",
        }
    )
