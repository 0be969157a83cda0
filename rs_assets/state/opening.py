"""The state that the settings name."""

from sqlalchemy.engine import make_url

from rs_assets.settings import StateSettings
from rs_assets.state.database import StateDatabase
from rs_assets.state.sqlite import SqliteBackend


def open_state(settings: StateSettings) -> StateDatabase:
    """The state of these settings; nothing is opened before its first use."""
    if settings.sqlite_path is not None:
        return StateDatabase(SqliteBackend(make_url(settings.url)))
    from rs_assets.state.postgresql import PostgresqlBackend

    return StateDatabase(PostgresqlBackend(settings))
