"""The state's record of what staging did: transfers, failures and their resolution."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rs_assets.ingest.platform import Platform
from rs_assets.items.files import FileRecord, FileState
from rs_assets.items.times import utc_now
from rs_assets.settings import Station
from rs_assets.state import FileFailure, Resolution, StagedFile

STAGING_FAILURES = frozenset({FileState.FAILED, FileState.EVICTED, FileState.CLASH})
"""The failures that staging records, and resolves."""

_RETRIED = frozenset({FileState.FAILED, FileState.UNCATALOGUED})
"""The failures that trying again may help."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """Under which names the transfers and failures of a run are recorded in the state."""

    owner: str
    """A station's name, or another group of assets that has a check of its own."""
    partition: str
    run_id: str | None = None
    is_retried: bool = True
    """Whether a sensor looks after what has failed; otherwise no next try is promised."""

    def failure(self, file: FileRecord, at: datetime) -> FileFailure:
        """The entry of a file that has failed at a moment (aware UTC)."""
        is_due = self.is_retried and file.state in _RETRIED
        return FileFailure(
            file, self.owner, self.partition, failed_first=at, failed_last=at, next_try=at if is_due else None
        )


def known_evictions(platform: Platform, ledger: Ledger, evicted: Collection[str]) -> set[str]:
    """Which of the files that the station does not list any more it did not have when they were asked for, either."""
    if not evicted:
        return set()
    failures = platform.outcomes.outstanding(ledger.owner)
    known = {failure.file.source_id for failure in failures if failure.file.state is FileState.EVICTED}
    return known & set(evicted) | platform.outcomes.accepted(ledger.owner, evicted, FileState.EVICTED)


async def record_order(platform: Platform, ledger: Ledger, file: FileRecord) -> None:
    """Record the order of a file, before anything else is done."""
    await asyncio.to_thread(platform.orders.record, ledger.owner, ledger.partition, [file])


def record_staging(platform: Platform, station: Station, files: Sequence[FileRecord], ledger: Ledger) -> None:
    """Record what was moved, what failed, and what is all right again.

    A file that is lost and that was accepted as lost is no new failure.
    """
    now = utc_now()
    lost = {file.source_id for file in files if file.state is FileState.EVICTED}
    accepted = platform.outcomes.accepted(ledger.owner, lost, FileState.EVICTED) if lost else set()
    failed = [
        file
        for file in files
        if file.state.is_failure and not (file.state is FileState.EVICTED and file.source_id in accepted)
    ]
    platform.transfers.record(
        [StagedFile(file, station.name, ledger.partition, ledger.run_id, now) for file in _in_store(platform, files)]
    )
    platform.outcomes.record(
        failed=[ledger.failure(file, now) for file in failed],
        resolved=[
            Resolution(file.collection, file.item_id, file.asset, file.state, STAGING_FAILURES)
            for file in files
            if file.state.is_settled or file.state is FileState.ORDERED
        ],
        at=now,
        pause=timedelta(seconds=station.retries.next_run_after),
    )
    waiting = [file for file in files if _is_waited_for(file)]
    platform.orders.record(ledger.owner, ledger.partition, waiting)
    platform.orders.resolve(ledger.owner, (file for file in files if not _keeps_order(file)))


def _is_waited_for(file: FileRecord) -> bool:
    """Whether the file still comes by an order: a fault on the way to the station does not end it."""
    return file.order is not None and file.state in {FileState.ORDERED, FileState.FAILED}


def _keeps_order(file: FileRecord) -> bool:
    """Whether nothing is known against an order of the file: a run's limit has left it out."""
    return _is_waited_for(file) or file.state is FileState.POSTPONED


def _in_store(platform: Platform, files: Sequence[FileRecord]) -> list[FileRecord]:
    """The files to remember as staged: those moved now, and those found in the store that nothing was known of."""
    found = [file for file in files if file.state is FileState.PRESENT]
    recorded = platform.transfers.of(str(file.key) for file in found) if found else {}
    return [
        *(file for file in files if file.state is FileState.STAGED),
        *(file for file in found if file.key not in recorded),
    ]
