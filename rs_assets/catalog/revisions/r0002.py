"""Find old history by an index, so that forgetting it reads no more than what goes."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the index."""
    op.create_index("history_by_time", "history", ["recorded_us"])
