"""What was moved: one row for every object that was staged."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from rs_assets.items.files import FileRecord, FileState
from rs_assets.items.multihash import Digest
from rs_assets.state.database import StateDatabase, upsert
from rs_assets.state.schema import transfers

_KEYS_A_QUERY = 1000


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A file that was staged: what is known of it, by whom, and when."""

    file: FileRecord
    station: str
    partition: str
    run_id: str | None
    finished_at: datetime
    """Aware UTC."""


class Transfers:
    """The record of all transfers."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def record(self, staged: Sequence[StagedFile]) -> None:
        """Add files that have an object; one of the same object replaces the older."""
        with self._database.transaction() as connection:
            upsert(connection, transfers, [_row(each) for each in staged], keep=frozenset())

    def of(self, object_keys: Iterable[str]) -> dict[str, StagedFile]:
        """The files of these objects, by key."""
        keys = list(object_keys)
        found: dict[str, StagedFile] = {}
        with self._database.reading() as connection:
            for start in range(0, len(keys), _KEYS_A_QUERY):
                some = keys[start : start + _KEYS_A_QUERY]
                rows = connection.execute(select(transfers).where(transfers.c.object_key.in_(some))).mappings()
                found |= {row["object_key"]: _staged_file(row) for row in rows}
        return found


def _row(staged: StagedFile) -> dict[str, Any]:
    file = staged.file
    return {
        "object_key": file.key,
        "station": staged.station,
        "partition": staged.partition,
        "source_href": file.source_href,
        "size": file.size,
        "checksum": file.checksum,
        "attempts": file.attempts,
        "moved": file.moved,
        "seconds": file.seconds,
        "run_id": staged.run_id,
        "finished_at": staged.finished_at,
    }


def _staged_file(row: Mapping[Any, Any]) -> StagedFile:
    collection, item_id, source, asset = row["object_key"].split("/", 3)
    file = FileRecord(
        collection=collection,
        item_id=item_id,
        asset=asset,
        source_id=source.partition("~")[0],
        source_href=row["source_href"],
        state=FileState.STAGED,
        key=row["object_key"],
        size=row["size"],
        digest=_digest(row["checksum"]),
        attempts=row["attempts"],
        moved=row["moved"],
        seconds=row["seconds"],
    )
    return StagedFile(file, row["station"], row["partition"], row["run_id"], row["finished_at"])


def _digest(checksum: str | None) -> Digest | None:
    try:
        return None if checksum is None else Digest.from_multihash(checksum)
    except ValueError:
        return None
