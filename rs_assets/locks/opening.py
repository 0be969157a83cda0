"""The locks of an installation."""

from pathlib import Path

from rs_assets.locks.files import FileLocks
from rs_assets.locks.protocol import Locks
from rs_assets.settings import StateSettings


def open_locks(settings: StateSettings) -> Locks:
    """The locks of all who use this state: files beside it, or in its database. Nothing is made before it is needed."""
    if settings.sqlite_path is not None:
        return FileLocks(Path(f"{settings.sqlite_path}.locks"))
    from rs_assets.locks.postgresql import PostgresqlLocks

    return PostgresqlLocks(settings)
