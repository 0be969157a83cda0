"""The tables of the state database."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Dialect, Float, Integer, MetaData, String, Table, Text
from sqlalchemy.types import TypeDecorator

SCHEMA_VERSION = 1
"""Version of the tables below."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class UtcTime(TypeDecorator[datetime]):
    """An aware datetime, stored as microseconds since 1970 in UTC: it sorts and compares on every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Microseconds of an aware datetime."""
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """The datetime of these microseconds, in UTC."""
        return None if value is None else _EPOCH + value * _MICROSECOND


def _file_key() -> tuple[Column[str], ...]:
    """What a file is known by, beside the station or whoever waits for it."""
    sizes = {"collection": 256, "item_id": 512, "asset": 512, "source_id": 256}
    return tuple(Column(name, String(size), primary_key=True) for name, size in sizes.items())


metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", String(256), nullable=False),
)

searches = Table(
    "searches",
    metadata,
    Column("station", String(128), primary_key=True),
    Column("partition", String(128), primary_key=True),
    Column("window_end", UtcTime, nullable=False),
    Column("attempted_at", UtcTime, nullable=False),
    Column("searched_at", UtcTime),  # the last search that succeeded
    Column("was_closed", Boolean, nullable=False, default=False),  # whether the window was closed by then
    Column("error", Text),  # of the last attempt
)

failures = Table(
    "failures",
    metadata,
    Column("station", String(128), primary_key=True),
    *_file_key(),
    Column("partition", String(128), nullable=False),
    Column("status", String(32), nullable=False),
    Column("reason", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("failed_first", UtcTime, nullable=False),
    Column("failed_last", UtcTime, nullable=False),
    Column("next_try", UtcTime),  # null: trying again cannot help
    Column("resolved_at", UtcTime, index=True),
    Column("resolution", Text),
)

transfers = Table(
    "transfers",
    metadata,
    Column("object_key", String(1024), primary_key=True),
    Column("station", String(128), nullable=False),
    Column("partition", String(128), nullable=False),
    Column("source_href", Text, nullable=False),
    Column("size", BigInteger),
    Column("checksum", String(256)),
    Column("attempts", Integer, nullable=False),
    Column("moved", BigInteger, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("run_id", String(64)),
    Column("finished_at", UtcTime, nullable=False),
)

orders = Table(  # the files that a station makes available later, while somebody waits for them
    "orders",
    metadata,
    Column("owner", String(128), primary_key=True),
    *_file_key(),
    Column("partition", String(128), nullable=False),
    Column("order_id", String(512), nullable=False),
    Column("ordered_at", UtcTime, nullable=False),
    Column("look_again_at", UtcTime, nullable=False),
)

incomplete_items = Table(
    "incomplete_items",
    metadata,
    Column("station", String(128), primary_key=True),
    Column("partition", String(128), primary_key=True),
    Column("item_id", String(512), primary_key=True),
    Column("missing", Text, nullable=False),
    Column("overdue_from", UtcTime, nullable=False),
    Column("look_again_at", UtcTime),  # null: the station does not list it any more
    Column("accepted", Text),
)

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("run_id", String(64), primary_key=True),
    Column("at", UtcTime, nullable=False),
)

superseded_objects = Table(
    "superseded_objects",
    metadata,
    Column("href", String(2048), primary_key=True),
    Column("since", UtcTime, nullable=False),
)

requests = Table(
    "requests",
    metadata,
    Column("id", String(100), primary_key=True),
    Column("state", String(16), nullable=False, index=True),
    Column("priority", Integer, nullable=False),
    Column("source", String(128), nullable=False),
    Column("requester", String(256), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("batch", String(128)),
    Column("place", Integer, index=True),  # in the queue; ascends over all batches
    Column("run_id", String(64)),
    Column("submitted_at", UtcTime, nullable=False, index=True),
    Column("started_at", UtcTime),
    Column("ended_at", UtcTime),
    Column("message", Text, nullable=False, default=""),
    Column("found", Integer, nullable=False, default=0),
    Column("selected", Integer, nullable=False, default=0),
    Column("staged", Integer, nullable=False, default=0),
    Column("catalogued", Integer, nullable=False, default=0),
    Column("gaps", Integer, nullable=False, default=0),
)

session_entries = Table(  # the sessions for which something may be asked when the catalogue has them
    "session_entries",
    metadata,
    Column("collection", String(256), primary_key=True),
    Column("session_id", String(512), primary_key=True),
    Column("station", String(128), nullable=False),
    Column("noted_at", UtcTime, nullable=False),  # just before the catalogue got it
    Column("settled_at", UtcTime, index=True),
    Column("request_id", String(100)),
    Column("message", Text, nullable=False, default=""),
)
