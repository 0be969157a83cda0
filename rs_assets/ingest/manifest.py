"""The manifest of one partition: what became of every file, and which items are ready for the catalogue."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from pystac import Item

from rs_assets.documents import Document
from rs_assets.errors import StoreError
from rs_assets.ingest.sessions import SessionStanding
from rs_assets.items.times import format_time
from rs_assets.stations.window import Partition

SCHEMA_VERSION = 1
"""Version of the stored form."""


class FileStatus(StrEnum):
    """What became of one file."""

    STAGED = "staged"
    """Moved into the store and verified."""
    PRESENT = "present"
    """It was in the store already, and has been verified there."""
    SKIPPED = "skipped"
    """The catalogue has it, with the same checksum."""
    SUPERSEDED = "superseded"
    """There is a newer publication of its product."""
    POSTPONED = "postponed"
    """The run's limit left it to a later run."""
    FAILED = "failed"
    """It could not be staged; it is tried again."""
    EVICTED = "evicted"
    """The station has deleted it before it could be staged."""
    CLASH = "clash"
    """Its item id is taken by a product of another name."""

    @property
    def is_failure(self) -> bool:
        """Whether someone should look at it."""
        return self in {FileStatus.FAILED, FileStatus.EVICTED, FileStatus.CLASH}


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """One file of one item."""

    item_id: str
    asset: str
    source_id: str
    status: FileStatus
    source_href: str
    key: str | None = None
    """Key of the object; None without one."""
    size: int | None = None
    """Bytes."""
    checksum: str | None = None
    """Multihash hex of the object."""
    reason: str | None = None
    attempts: int = 0
    moved: int = 0
    """Bytes received in this run, those of failed attempts included."""
    resumed: int = 0
    """Bytes that an earlier run had left, and that were not asked for again."""
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Manifest:
    """What staging did for one partition."""

    station: str
    partition: Partition
    collection: str
    staged_at: datetime
    """Aware UTC."""
    seconds: float
    """How long staging took."""
    files: tuple[ManifestFile, ...]
    items: tuple[Item, ...]
    """Items whose every file is verified and that the catalogue lacks, as it shall hold them."""
    sessions: tuple[SessionStanding, ...] = ()
    """How far the sessions have come, where the station has such."""

    def count(self, status: FileStatus) -> int:
        """How many files there are of this status."""
        return Counter(file.status for file in self.files)[status]

    @property
    def failures(self) -> list[ManifestFile]:
        """The files that someone should look at."""
        return [file for file in self.files if file.status.is_failure]

    @property
    def moved(self) -> int:
        """Bytes received in this run."""
        return sum(file.moved for file in self.files)

    @property
    def rate(self) -> float:
        """Bytes received a second, over the duration of staging."""
        return self.moved / self.seconds if self.seconds else 0.0

    @property
    def resumed(self) -> int:
        """How many files went on from what an earlier run had left of them."""
        return sum(file.resumed > 0 for file in self.files)

    @property
    def verified_bytes(self) -> int:
        """Size of the files that this run has verified."""
        verified = {FileStatus.STAGED, FileStatus.PRESENT}
        return sum(file.size or 0 for file in self.files if file.status in verified)

    @property
    def retries(self) -> int:
        """Requests that repeated an earlier one."""
        return sum(max(0, file.attempts - 1) for file in self.files)

    def to_dict(self) -> Document:
        """The manifest as a JSON document."""
        return {
            "schema_version": SCHEMA_VERSION,
            "station": self.station,
            "partition": self.partition.key,
            "collection": self.collection,
            "staged_at": format_time(self.staged_at),
            "seconds": round(self.seconds, 3),
            "files": [asdict(file) | {"warnings": list(file.warnings)} for file in self.files],
            "items": [item.to_dict(include_self_link=False, transform_hrefs=False) for item in self.items],
            "sessions": [asdict(entry) | {"missing": list(entry.missing)} for entry in self.sessions],
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any], partition: Partition) -> Self:
        """Read what `to_dict` wrote.

        Raises:
            StoreError: it is no manifest, or one of another version.
        """
        version = document.get("schema_version")
        if version != SCHEMA_VERSION:
            raise StoreError(
                f"the staging manifest of {partition.key} has version {version!r}; this program reads {SCHEMA_VERSION}"
            )
        try:
            return cls(
                station=document["station"],
                partition=partition,
                collection=document["collection"],
                staged_at=datetime.fromisoformat(document["staged_at"]),
                seconds=document["seconds"],
                files=tuple(_file(entry) for entry in document["files"]),
                items=tuple(Item.from_dict(entry, migrate=False) for entry in document["items"]),
                sessions=tuple(_session(entry) for entry in document.get("sessions", ())),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise StoreError(f"the staging manifest of {partition.key} cannot be read: {error!r}") from error


def manifest_path(station: str, partition: Partition) -> str:
    """Where a partition's manifest stands in the store."""
    return f"staged_files/{station}/{partition.path}.json"


def _file(entry: Mapping[str, Any]) -> ManifestFile:
    return ManifestFile(**{**entry, "status": FileStatus(entry["status"]), "warnings": tuple(entry["warnings"])})


def _session(entry: Mapping[str, Any]) -> SessionStanding:
    return SessionStanding(**{**entry, "missing": tuple(entry["missing"])})
