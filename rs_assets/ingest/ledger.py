"""The state's record of what staging did: transfers, failures and their resolution."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rs_assets.ingest.manifest import FileStatus, ManifestFile
from rs_assets.ingest.platform import Platform
from rs_assets.items.times import utc_now
from rs_assets.settings import Station
from rs_assets.state import FileFailure, Resolution, TransferRecord

STAGING_FAILURES = frozenset({FileStatus.FAILED, FileStatus.EVICTED, FileStatus.CLASH})
"""The failures that staging records, and resolves."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """Under which names the transfers and failures of a run are recorded in the state."""

    owner: str
    """A station's name, or another group of assets that has a check of its own."""
    partition: str
    run_id: str | None = None
    is_retried: bool = True
    """Whether a sensor looks after what has failed; otherwise no next try is promised."""


def known_evictions(platform: Platform, ledger: Ledger, evicted: Collection[str]) -> set[str]:
    """Which of the files that the station does not list any more it did not have when they were asked for, either."""
    if not evicted:
        return set()
    failures = platform.outcomes.outstanding(ledger.owner)
    known = {failure.source_id for failure in failures if failure.status == FileStatus.EVICTED}
    return known & set(evicted) | platform.outcomes.accepted(ledger.owner, evicted, FileStatus.EVICTED)


def record_staging(
    platform: Platform, station: Station, collection: str, files: Sequence[ManifestFile], ledger: Ledger
) -> None:
    """Record what was moved, what failed, and what is all right again.

    A file that is lost and that was accepted as lost is no new failure.
    """
    now = utc_now()
    lost = {file.source_id for file in files if file.status is FileStatus.EVICTED}
    accepted = platform.outcomes.accepted(ledger.owner, lost, FileStatus.EVICTED) if lost else set()
    failed = [
        file
        for file in files
        if file.status.is_failure and not (file.status is FileStatus.EVICTED and file.source_id in accepted)
    ]
    platform.transfers.record(
        [
            TransferRecord(
                object_key=file.key,
                station=station.name,
                partition=ledger.partition,
                source_href=file.source_href,
                size=file.size,
                checksum=file.checksum,
                attempts=file.attempts,
                moved=file.moved,
                seconds=file.seconds,
                run_id=ledger.run_id,
                finished_at=now,
            )
            for file in _in_store(platform, files)
            if file.key is not None
        ]
    )
    platform.outcomes.record(
        failed=[_failure(collection, file, ledger, now) for file in failed],
        resolved=[
            Resolution(collection, file.item_id, file.asset, file.status, STAGING_FAILURES)
            for file in files
            if not file.status.is_failure and file.status is not FileStatus.POSTPONED
        ],
        at=now,
        pause=timedelta(seconds=station.retries.next_run_after),
    )


def _in_store(platform: Platform, files: Sequence[ManifestFile]) -> list[ManifestFile]:
    """The files to remember as staged: those moved now, and those found in the store that nothing was known of."""
    found = [file for file in files if file.status is FileStatus.PRESENT and file.key is not None]
    recorded = platform.transfers.of(str(file.key) for file in found) if found else {}
    return [
        *(file for file in files if file.status is FileStatus.STAGED),
        *(file for file in found if file.key not in recorded),
    ]


def _failure(collection: str, file: ManifestFile, ledger: Ledger, now: datetime) -> FileFailure:
    return FileFailure(
        station=ledger.owner,
        collection=collection,
        item_id=file.item_id,
        asset=file.asset,
        source_id=file.source_id,
        partition=ledger.partition,
        status=file.status,
        reason=file.reason or "no reason is known",
        attempts=file.attempts,
        failed_first=now,
        failed_last=now,
        next_try=now if ledger.is_retried and file.status is FileStatus.FAILED else None,
    )
