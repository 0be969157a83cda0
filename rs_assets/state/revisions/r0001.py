"""The tables of the first version.

There is nothing to run: this is what a state is that was made before revisions were noted.
"""

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Nothing."""
