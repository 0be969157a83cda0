"""Add what is ordered, wanted and asked for, and the order of requests.

Programs of these days added some of it without a note, so what is there already stays.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

_TABLES: dict[str, tuple[sa.Column[Any], ...]] = {
    "orders": (
        sa.Column("owner", _TEXT, primary_key=True),
        sa.Column("collection", _TEXT, primary_key=True),
        sa.Column("item_id", _TEXT, primary_key=True),
        sa.Column("asset", _TEXT, primary_key=True),
        sa.Column("source_id", _TEXT, primary_key=True),
        sa.Column("partition", _TEXT, nullable=False),
        sa.Column("order_id", _TEXT, nullable=False),
        sa.Column("ordered_at", sa.BigInteger, nullable=False),
        sa.Column("look_again_at", sa.BigInteger, nullable=False),
    ),
    "first_searches": (
        sa.Column("station", _TEXT, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
    ),
    "unfinished": (
        sa.Column("station", _TEXT, primary_key=True),
        sa.Column("partition", _TEXT, primary_key=True),
        sa.Column("steps", _TEXT, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("worker", _TEXT),
        sa.Column("tries", sa.Integer, nullable=False),
    ),
    "asked_runs": (
        sa.Column("station", _TEXT, primary_key=True),
        sa.Column("partition", _TEXT, primary_key=True),
        sa.Column("reason", _TEXT, nullable=False),
        sa.Column("asked_at", sa.BigInteger, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("cancelled", sa.Integer, nullable=False),
        sa.Column("not_before", sa.BigInteger),
        sa.Column("left_at", sa.BigInteger),
    ),
}

_INDEXES = {
    "requests_in_turn": ("state", "priority", "submitted_at", "id"),
    "requests_ended": ("state", "ended_at", "id"),
}
_OLD_INDEX = "ix_requests_state"
"""Of the state alone, which the first of these begins with."""


def upgrade() -> None:
    """Make the tables and indexes that are not there."""
    present = sa.inspect(op.get_bind())
    tables = set(present.get_table_names())
    for name, columns in _TABLES.items():
        if name not in tables:
            op.create_table(name, *columns)
    indexes = {index["name"] for index in present.get_indexes("requests")}
    for name, keys in _INDEXES.items():
        if name not in indexes:
            op.create_index(name, "requests", list(keys))
    if _OLD_INDEX in indexes:
        op.drop_index(_OLD_INDEX, "requests")
