"""One job of staging and publishing, and the state's record of it: transfers, orders, failures and their resolution."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from pystac import Item

from rs_assets.catalog.protocol import UpsertReport
from rs_assets.ingest.platform import Platform
from rs_assets.items.files import FileRecord, FileState
from rs_assets.items.times import utc_now
from rs_assets.settings import Station
from rs_assets.staging.staged_items import files_of
from rs_assets.state import FileFailure, Resolution, StagedFile

_OF_STAGING = frozenset({FileState.FAILED, FileState.EVICTED, FileState.CLASH})
"""The failures that staging records, and resolves."""
_OF_PUBLISHING = frozenset({FileState.UNCATALOGUED})

_RETRIED = frozenset({FileState.FAILED, FileState.UNCATALOGUED})
"""The failures that trying again may help."""


@dataclass(frozen=True, slots=True)
class IngestJob:
    """What is done for a partition or a request: where, for which station, and under which names it is recorded."""

    platform: Platform
    station: Station
    owner: str
    """The station's name, or another group of assets that has a check of its own."""
    partition: str
    """Its key, or that of the request."""
    run_id: str | None = None
    is_retried: bool = True
    """Whether a sensor looks after what has failed; otherwise no next try is promised."""

    def known_evictions(self, evicted: Collection[str]) -> set[str]:
        """Which of the files that are not listed any more the station did not have when they were asked for, either."""
        if not evicted:
            return set()
        outcomes = self.platform.outcomes
        failed = (failure.file for failure in outcomes.outstanding(self.owner))
        known = {file.source_id for file in failed if file.state is FileState.EVICTED}
        return known & set(evicted) | outcomes.accepted(self.owner, evicted, FileState.EVICTED)

    async def record_order(self, file: FileRecord) -> None:
        """Record the order of a file, before anything else is done."""
        await asyncio.to_thread(self.platform.orders.record, self.owner, self.partition, [file])

    def record_staging(self, files: Sequence[FileRecord]) -> None:
        """Record what was moved, what failed, and what is all right again.

        A file that is lost and that was accepted as lost is no new failure.
        """
        lost = {file.source_id for file in files if file.state is FileState.EVICTED}
        accepted = self.platform.outcomes.accepted(self.owner, lost, FileState.EVICTED) if lost else set()
        failed = [
            file
            for file in files
            if file.state.is_failure and not (file.state is FileState.EVICTED and file.source_id in accepted)
        ]
        now, new = utc_now(), self._newly_stored(files)
        self.platform.transfers.record(
            [StagedFile(file, self.station.name, self.partition, self.run_id, now) for file in new]
        )
        resolved = [
            Resolution(file.collection, file.item_id, file.asset, file.state, _OF_STAGING)
            for file in files
            if file.state.is_settled or file.state is FileState.ORDERED
        ]
        self._record_outcomes(failed, resolved)
        # An error on the way to the station does not end an order, and nothing is known against one that a run's
        # limit has left out.
        done = [file for file in files if not _is_waited_for(file) and file.state is not FileState.POSTPONED]
        waiting = [file for file in files if _is_waited_for(file)]
        self.platform.orders.record(self.owner, self.partition, waiting)
        self.platform.orders.resolve(self.owner, done)

    def record_publication(self, items: Sequence[Item], report: UpsertReport) -> None:
        """Record which of the items the catalogue has refused, and which it has taken."""
        files = {item.id: files_of(report.collection_id, item) for item in items}
        failed: list[FileRecord] = []
        resolved: list[Resolution] = []
        for result in report.results:
            for file in files[result.item_id]:
                if result.status.in_catalog:
                    how = Resolution(file.collection, file.item_id, file.asset, result.status, _OF_PUBLISHING)
                    resolved.append(how)
                else:
                    reason = result.reason
                    failed.append(replace(file, state=FileState.UNCATALOGUED, reason=reason, attempts=1))
        self._record_outcomes(failed, resolved)

    def _newly_stored(self, files: Sequence[FileRecord]) -> list[FileRecord]:
        """The files to remember as staged: those moved now, and those found in the store that nothing was known of."""
        found = [str(file.key) for file in files if file.state is FileState.PRESENT]
        recorded = self.platform.transfers.of(found) if found else {}
        return [
            file
            for file in files
            if file.state is FileState.STAGED or (file.state is FileState.PRESENT and file.key not in recorded)
        ]

    def _record_outcomes(self, failed: Sequence[FileRecord], resolved: Sequence[Resolution]) -> None:
        now = utc_now()
        pause = timedelta(seconds=self.station.retries.next_run_after)
        failures = [
            FileFailure(
                file,
                self.owner,
                self.partition,
                failed_first=now,
                failed_last=now,
                next_try=now if self.is_retried and file.state in _RETRIED else None,
            )
            for file in failed
        ]
        self.platform.outcomes.record(failed=failures, resolved=resolved, at=now, pause=pause)


def _is_waited_for(file: FileRecord) -> bool:
    """Whether the file still comes by an order."""
    return file.order is not None and file.state in {FileState.ORDERED, FileState.FAILED}
