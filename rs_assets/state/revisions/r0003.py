"""Find old transfers, and windows that are to be searched again, by indexes, however much else there is."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the indexes."""
    op.create_index("transfers_in_time", "transfers", ["finished_at", "object_key"])
    op.create_index("searches_to_repeat", "searches", ["station", "was_closed", "window_end"])
