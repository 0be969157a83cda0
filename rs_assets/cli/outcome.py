"""What came of ``rs-assets stage``: in words, as a document, and as an exit status."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rs_assets.catalog.protocol import UpsertStatus
from rs_assets.ingest import PartitionReport, Platform, Tally
from rs_assets.ingest.manifest import Manifest
from rs_assets.ingest.pipeline import failure_message
from rs_assets.ingest.steps import counted
from rs_assets.items.files import STAGING_STATES, FileState, count_states
from rs_assets.items.times import format_time
from rs_assets.items.units import MEGABYTE

SOME_FILES_FAILED = 3
"""Exit status where every partition ran, but some files failed."""

_SHOWN_FAILURES = 20


@dataclass(frozen=True, slots=True)
class _Failure:
    """A file that was not staged, or an item that was not catalogued."""

    partition: str
    name: str
    status: str
    reason: str
    attempts: int = 0


class StageOutcome:
    """What came of some partitions, far smaller than their reports."""

    def __init__(self, platform: Platform, station: str, tally: Tally) -> None:
        """Begin with nothing; `tally` adds up what the run tells, of partitions that it does not end, too."""
        self.interrupted: int | None = None
        """The exit status, where a signal has ended the run."""
        self._platform = platform
        self._station = station
        self._tally = tally
        self._documents: list[dict[str, Any]] = []
        self._failures: list[_Failure] = []

    def add(self, report: PartitionReport) -> None:
        """Take note of what became of a partition."""
        failures = list(self._failed(report))
        self._failures += failures
        self._documents.append(_document(report, failures))

    @property
    def exit_status(self) -> int:
        """0 success, 1 a partition failed, 3 files failed, else what a signal gives."""
        if self.interrupted is not None:
            return self.interrupted
        if any(document["error"] for document in self._documents):
            return 1
        return SOME_FILES_FAILED if self._failures else 0

    def total(self) -> str:
        """All in all, as one sentence."""
        tally = self._tally
        done = f"{tally.done} of " if tally.done < tally.partitions else ""
        files = counted(tally.staged_files, "file")
        what = f"{files} staged, {tally.moved / MEGABYTE:,.1f} MB in {tally.seconds:.1f} s"
        return f"{done}{counted(tally.partitions, 'partition')}: {what}"

    def document(self) -> dict[str, Any]:
        """All in all, as a JSON document."""
        return {
            "station": self._station,
            "exit_status": self.exit_status,
            "interrupted": self.interrupted is not None,
            "partitions": self._documents,
            "partitions_left": self._tally.partitions - len(self._documents),
        }

    def complaints(self) -> Iterator[str]:
        """What went wrong, line by line."""
        message = failure_message({document["partition"]: document["error"] for document in self._documents})
        if message is not None:
            yield message
        if self._failures:
            count = len(self._failures)
            yield f"{counted(count, 'file')} failed:"
            for failure in self._failures[:_SHOWN_FAILURES]:
                yield f"  {failure.partition} {failure.name}"
                yield f"    {failure.status}: {failure.reason}"
            if count > _SHOWN_FAILURES:
                yield f"  and {count - _SHOWN_FAILURES} more; see `rs-assets failures list {self._station}`"
        if self.interrupted is not None:
            yield "interrupted; the next run continues from there"

    def _failed(self, report: PartitionReport) -> Iterator[_Failure]:
        """What failed and has not been accepted as lost."""
        key = report.partition.key
        files = report.manifest.failures if report.manifest is not None else []
        evicted = FileState.EVICTED
        lost = {file.source_id for file in files if file.state is evicted}
        accepted = self._platform.outcomes.accepted(self._station, lost, evicted) if lost else set()
        for file in files:
            if file.state is not evicted or file.source_id not in accepted:
                yield _Failure(key, file.asset, file.state.value, file.reason or "no reason is known", file.attempts)
        for refused in report.publication.report.refused if report.publication is not None else ():
            yield _Failure(key, refused.item_id, f"not catalogued ({refused.status.value})", refused.reason)


def _document(report: PartitionReport, failures: list[_Failure]) -> dict[str, Any]:
    search, publication = report.search, report.publication
    return {
        "partition": report.partition.key,
        "error": report.error,
        "done": sorted(step.value for step in report.done),
        "search": search and {"found": len(search.items), "new": search.added, "bytes": search.size},
        "staging": report.manifest and _staging(report.manifest),
        "catalog": publication
        and {"collection": publication.collection}
        | {status.value: publication.count(status) for status in UpsertStatus},
        "failures": [
            {"name": entry.name, "status": entry.status, "reason": entry.reason, "attempts": entry.attempts}
            for entry in failures
        ],
    }


def _staging(manifest: Manifest) -> dict[str, Any]:
    counts = count_states(manifest.files)
    return {
        "files": {state.value: counts[state] for state in STAGING_STATES},
        "moved_bytes": manifest.moved,
        "verified_bytes": manifest.verified_bytes,
        "seconds": round(manifest.seconds, 3),
        "bytes_per_second": round(manifest.rate),
        "next_look": manifest.next_look and format_time(manifest.next_look),
        "retries": manifest.retries,
        "resumed": manifest.resumed,
        "incomplete_sessions": [session.session_id for session in manifest.sessions if not session.complete],
    }
