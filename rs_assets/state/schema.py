"""The tables of the state database."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Dialect, Float, Index, Integer, MetaData, Table, Text
from sqlalchemy.types import TypeDecorator

SCHEMA_VERSION = 1
"""Version that programs without revisions look at: it stays while they can work on what the revisions make of it."""

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


_TEXT = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that sorts by its code points on every database."""


def _file_key() -> tuple[Column[str], ...]:
    """What a file is known by, beside the station or whoever waits for it."""
    names = ("collection", "item_id", "asset", "source_id")
    return tuple(Column(name, _TEXT, primary_key=True) for name in names)


metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("name", _TEXT, primary_key=True),
    Column("value", _TEXT, nullable=False),
)

searches = Table(
    "searches",
    metadata,
    Column("station", _TEXT, primary_key=True),
    Column("partition", _TEXT, primary_key=True),
    Column("window_end", UtcTime, nullable=False),
    Column("attempted_at", UtcTime, nullable=False),
    Column("searched_at", UtcTime),  # the last search that succeeded
    Column("was_closed", Boolean, nullable=False, default=False),  # whether it succeeded when the window was closed
    Column("error", _TEXT),  # of the last attempt
    Index("searches_to_repeat", "station", "was_closed", "window_end"),
)

first_searches = Table(  # from when on windows are to be searched without being asked for
    "first_searches",
    metadata,
    Column("station", _TEXT, primary_key=True),
    Column("at", UtcTime, nullable=False),
)

unfinished = Table(  # the partitions that are wanted or were begun
    "unfinished",
    metadata,
    Column("station", _TEXT, primary_key=True),
    Column("partition", _TEXT, primary_key=True),
    Column("steps", _TEXT, nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("worker", _TEXT),  # holds the mutex of this name while it is at it
    Column("tries", Integer, nullable=False, default=0),
)

asked_runs = Table(  # the last run of each partition that a sensor has asked for
    "asked_runs",
    metadata,
    Column("station", _TEXT, primary_key=True),
    Column("partition", _TEXT, primary_key=True),
    Column("reason", _TEXT, nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("cancelled", Integer, nullable=False),
    Column("not_before", UtcTime),
    Column("left_at", UtcTime),
)

failures = Table(
    "failures",
    metadata,
    Column("station", _TEXT, primary_key=True),
    *_file_key(),
    Column("partition", _TEXT, nullable=False),
    Column("status", _TEXT, nullable=False),
    Column("reason", _TEXT, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("failed_first", UtcTime, nullable=False),
    Column("failed_last", UtcTime, nullable=False),
    Column("next_try", UtcTime),  # null: trying again cannot help
    Column("resolved_at", UtcTime, index=True),
    Column("resolution", _TEXT),
)

transfers = Table(
    "transfers",
    metadata,
    Column("object_key", _TEXT, primary_key=True),
    Column("station", _TEXT, nullable=False),
    Column("partition", _TEXT, nullable=False),
    Column("source_href", _TEXT, nullable=False),
    Column("size", BigInteger),
    Column("checksum", _TEXT),
    Column("attempts", Integer, nullable=False),
    Column("moved", BigInteger, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("run_id", _TEXT),
    Column("finished_at", UtcTime, nullable=False),
    Index("transfers_in_time", "finished_at", "object_key"),
)

orders = Table(  # the files that a station makes available later, while somebody waits for them
    "orders",
    metadata,
    Column("owner", _TEXT, primary_key=True),
    *_file_key(),
    Column("partition", _TEXT, nullable=False),
    Column("order_id", _TEXT, nullable=False),
    Column("ordered_at", UtcTime, nullable=False),
    Column("look_again_at", UtcTime, nullable=False),
)

incomplete_items = Table(
    "incomplete_items",
    metadata,
    Column("station", _TEXT, primary_key=True),
    Column("partition", _TEXT, primary_key=True),
    Column("item_id", _TEXT, primary_key=True),
    Column("missing", _TEXT, nullable=False),
    Column("overdue_from", UtcTime, nullable=False),
    Column("look_again_at", UtcTime),  # null: the station does not list it any more
    Column("accepted", _TEXT),
)

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("run_id", _TEXT, primary_key=True),
    Column("at", UtcTime, nullable=False),
)

superseded_objects = Table(
    "superseded_objects",
    metadata,
    Column("href", _TEXT, primary_key=True),
    Column("since", UtcTime, nullable=False),
)

requests = Table(
    "requests",
    metadata,
    Column("id", _TEXT, primary_key=True),
    Column("state", _TEXT, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("source", _TEXT, nullable=False),
    Column("requester", _TEXT, nullable=False),
    Column("digest", _TEXT, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("batch", _TEXT),
    Column("place", Integer, index=True),  # in the queue; ascends over all batches
    Column("run_id", _TEXT),
    Column("submitted_at", UtcTime, nullable=False, index=True),
    Column("started_at", UtcTime),
    Column("ended_at", UtcTime),
    Column("message", _TEXT, nullable=False, default=""),
    Column("found", Integer, nullable=False, default=0),
    Column("selected", Integer, nullable=False, default=0),
    Column("staged", Integer, nullable=False, default=0),
    Column("catalogued", Integer, nullable=False, default=0),
    Column("gaps", Integer, nullable=False, default=0),
    Index("requests_in_turn", "state", "priority", "submitted_at", "id"),
    Index("requests_ended", "state", "ended_at", "id"),
)

session_entries = Table(  # the sessions for which something may be asked when the catalogue has them
    "session_entries",
    metadata,
    Column("collection", _TEXT, primary_key=True),
    Column("session_id", _TEXT, primary_key=True),
    Column("station", _TEXT, nullable=False),
    Column("noted_at", UtcTime, nullable=False),  # just before the catalogue got it
    Column("settled_at", UtcTime, index=True),
    Column("request_id", _TEXT),
    Column("message", _TEXT, nullable=False, default=""),
)
