"""The manifest of one partition: what became of every file, and which items are ready for the catalogue."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self

from pystac import Item

from rs_assets.errors import DamagedDocumentError
from rs_assets.ingest.file_documents import file_document, file_from
from rs_assets.ingest.forms import Form
from rs_assets.ingest.sessions import SessionSummary
from rs_assets.items.files import FileRecord, FileState, Order, count_states
from rs_assets.items.times import format_time
from rs_assets.stations.window import Partition
from rs_assets.store import Document, Documents


def _with_states(document: Document) -> Document:
    """Version 1 calls the state of a file its status, and holds neither what the station states of it nor its order."""
    files = [{"state": file["status"]} | file for file in document["files"]]
    return document | {"files": files, "schema_version": 2}


FORM = Form(
    "staging manifest",
    version=2,
    loss="the next run of the partition writes it anew, and fetches nothing that is in the store",
    upgrades={1: _with_states},
)


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
    files: tuple[FileRecord, ...]
    items: tuple[Item, ...]
    """Items whose every file is verified and that the catalogue lacks, as it shall hold them."""
    sessions: tuple[SessionSummary, ...] = ()
    """How far the sessions have come, where the station has such."""

    def count(self, state: FileState) -> int:
        """How many files there are of this state."""
        return count_states(self.files)[state]

    @property
    def failures(self) -> list[FileRecord]:
        """The files that someone should look at."""
        return [file for file in self.files if file.state.is_failure]

    @property
    def ordered(self) -> list[tuple[FileRecord, Order]]:
        """The files that the station makes available later."""
        return [(file, file.order) for file in self.files if file.state is FileState.ORDERED and file.order]

    @property
    def next_look(self) -> datetime | None:
        """When the first of them is to be looked at again, aware UTC; None where nothing is ordered."""
        return min((order.look_again_at for _, order in self.ordered), default=None)

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
    def unpacked(self) -> int:
        """How many files that were inside others are in the store."""
        return sum(len(file.members) for file in self.files)

    @property
    def verified_bytes(self) -> int:
        """Size of the files that this run has verified."""
        return sum(file.size or 0 for file in self.files if file.state.in_store)

    @property
    def retries(self) -> int:
        """Requests that repeated an earlier one."""
        return sum(max(0, file.attempts - 1) for file in self.files)

    def to_dict(self) -> Document:
        """The manifest as a JSON document."""
        return {
            "schema_version": FORM.version,
            "station": self.station,
            "partition": self.partition.key,
            "collection": self.collection,
            "staged_at": format_time(self.staged_at),
            "seconds": round(self.seconds, 3),
            "files": [file_document(file) for file in self.files],
            "items": [item.to_dict(include_self_link=False, transform_hrefs=False) for item in self.items],
            "sessions": [asdict(entry) for entry in self.sessions],
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any], partition: Partition) -> Self:
        """Read what `to_dict` wrote.

        Raises:
            StoreError: a newer program has written it.
            DamagedDocumentError: it is not a manifest.
        """
        try:
            current = FORM.current(document, partition.key)
            return cls(
                station=current["station"],
                partition=partition,
                collection=current["collection"],
                staged_at=datetime.fromisoformat(current["staged_at"]),
                seconds=current["seconds"],
                files=tuple(file_from(entry, current["collection"]) for entry in current["files"]),
                items=tuple(Item.from_dict(entry, migrate=False) for entry in current["items"]),
                sessions=tuple(
                    SessionSummary(**(entry | {"missing": tuple(entry["missing"])}))
                    for entry in current.get("sessions", ())
                ),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedDocumentError(f"the staging manifest of {partition.key} cannot be read: {error!r}") from error

    @classmethod
    def read(cls, documents: Documents, station: str, partition: Partition) -> Self | None:
        """The manifest of the partition's last staging, or None before its first.

        Raises:
            StoreError: it cannot be read.
        """
        path = manifest_path(station, partition)
        with FORM.explained(path):
            document = documents.read(path)
            return None if document is None else cls.from_dict(document, partition)


def manifest_path(station: str, partition: Partition) -> str:
    """Where a partition's manifest stands in the store."""
    return f"staged_files/{station}/{partition.path}.json"
