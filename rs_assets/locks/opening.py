"""The locks of an installation."""

from pathlib import Path

from sqlalchemy.engine import make_url

from rs_assets.locks.files import FileLocks
from rs_assets.locks.protocol import Locks
from rs_assets.settings import StateSettings


def open_locks(settings: StateSettings) -> Locks:
    """The locks of all who use this state: files beside it. Nothing is made before it is needed."""
    database = make_url(settings.url).database
    assert database is not None
    return FileLocks(Path(f"{database}.locks"))
