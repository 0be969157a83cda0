"""What was moved: one record for every object that was staged."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import select

from rs_assets.state.database import StateDatabase, upsert
from rs_assets.state.schema import transfers

_KEYS_A_QUERY = 1000


@dataclass(frozen=True, slots=True)
class TransferRecord:
    """One object that was staged."""

    object_key: str
    station: str
    partition: str
    source_href: str
    size: int | None
    """Bytes."""
    checksum: str | None
    """Multihash hex of the object."""
    attempts: int
    moved: int
    """Bytes received for it, those of failed attempts included."""
    seconds: float
    run_id: str | None
    finished_at: datetime
    """Aware UTC."""


class Transfers:
    """The record of all transfers."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def record(self, records: Sequence[TransferRecord]) -> None:
        """Add records; one of the same object replaces the older."""
        with self._database.transaction() as connection:
            upsert(connection, transfers, [asdict(record) for record in records], keep=frozenset())

    def of(self, object_keys: Iterable[str]) -> dict[str, TransferRecord]:
        """The records of these objects, by key."""
        keys = list(object_keys)
        found: dict[str, TransferRecord] = {}
        with self._database.transaction() as connection:
            for start in range(0, len(keys), _KEYS_A_QUERY):
                some = keys[start : start + _KEYS_A_QUERY]
                rows = connection.execute(select(transfers).where(transfers.c.object_key.in_(some))).mappings()
                found |= {row["object_key"]: TransferRecord(**row) for row in rows}
        return found
