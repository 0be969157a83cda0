"""The steps that take a partition from search to catalogue, how far one has come, and what is reported meanwhile."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from rs_assets.catalog.protocol import UpsertStatus
from rs_assets.ingest.manifest import Manifest
from rs_assets.ingest.publishing import Publication
from rs_assets.ingest.search_results import SearchResults
from rs_assets.items.files import STAGING_STATES, count_states
from rs_assets.items.times import format_time
from rs_assets.items.units import MEGABYTE
from rs_assets.staging.messages import Message
from rs_assets.stations.window import Partition


class Step(StrEnum):
    """One step; its value is the name of the asset that it makes."""

    SEARCH = "search_results"
    STAGE = "staged_files"
    PUBLISH = "catalog_items"


@dataclass
class PartitionReport:
    """How far one partition came."""

    partition: Partition
    search: SearchResults | None = None
    manifest: Manifest | None = None
    publication: Publication | None = None
    done: set[Step] = field(default_factory=set)
    """The steps that this run has completed."""
    error: str | None = None
    """Why it did not complete the others, as one sentence."""

    def __str__(self) -> str:
        """The final figures on one line."""
        parts = []
        if self.search is not None:
            parts.append(f"{counted(len(self.search.items), 'item')} found")
        if self.manifest is not None:
            parts += _of_staging(self.manifest)
        if self.publication is not None:
            written = sum(map(self.publication.count, (UpsertStatus.CREATED, UpsertStatus.UPDATED)))
            refused = len(self.publication.report.refused)
            parts += [f"{counted(written, 'item')} catalogued"] if written else []
            parts += [f"{counted(refused, 'item')} refused by the catalogue"] if refused else []
        if self.error is not None:
            parts.append("FAILED")
        return f"{self.partition.key}: {'; '.join(parts) or 'nothing was done'}"


@dataclass(frozen=True, slots=True)
class Begun:
    """A partition begins a step."""

    step: Step


@dataclass(frozen=True, slots=True)
class Searched:
    """A partition has been searched."""

    found: int
    """Products that the station has shown for it so far."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A partition has completed every step of this run that it can."""

    report: PartitionReport


@dataclass(frozen=True, slots=True)
class PartitionMessage:
    """One message, of one partition."""

    partition: Partition
    message: Begun | Searched | Message | Ended


Progress = Callable[[PartitionMessage], None]
"""Called in the event loop, so it should return at once."""


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """A number and what it counts."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


def _of_staging(manifest: Manifest) -> Iterator[str]:
    counts = count_states(manifest.files)
    files = [f"{counts[state]} {state.words}" for state in STAGING_STATES if counts[state]]
    if files:
        yield "files: " + ", ".join(files)
    if manifest.unpacked:
        yield f"{counted(manifest.unpacked, 'file')} unpacked"
    if manifest.next_look is not None:
        yield f"next look at what is ordered: {format_time(manifest.next_look)}"
    if manifest.moved:
        mb, rate = manifest.moved / MEGABYTE, manifest.rate / MEGABYTE
        parts = [f"{mb:,.1f} MB in {manifest.seconds:.1f} s ({rate:.1f} MB/s)"]
        parts += [f"{manifest.resumed} resumed"] if manifest.resumed else []
        parts += [counted(manifest.retries, "retry", "retries")] if manifest.retries else []
        yield ", ".join(parts)
    incomplete = sum(not session.complete for session in manifest.sessions)
    if incomplete:
        yield f"{counted(incomplete, 'session')} incomplete"
