"""The state in a PostgreSQL database, for the processes of several machines."""

import os
from weakref import WeakSet

from sqlalchemy import Connection, Engine, create_engine, event

from rs_assets.errors import StateError
from rs_assets.settings import StateSettings
from rs_assets.state.database import READS_ONLY

_WRITER_LOCK = 0x5253_5354_4154_4521
"""Advisory lock of the transaction that writes: there is one at a time, as in a file."""

_KEPT_CONNECTIONS = 2

_engines: WeakSet[Engine] = WeakSet()


class PostgresqlBackend:
    """One database of a server; the tables stand in the first schema of the search path."""

    def __init__(self, settings: StateSettings) -> None:
        """Take the settings; neither is the password read nor a connection opened."""
        self._settings = settings

    @property
    def place(self) -> str:
        return self._settings.place

    @property
    def exists(self) -> bool:
        return True

    def engine(self) -> Engine:
        try:
            import psycopg  # noqa: F401 - so that its absence is said by our own sentence
        except ImportError as error:
            raise StateError(
                f"the state {self.place} needs the PostgreSQL driver: install rs-assets[postgres]"
            ) from error
        engine = create_engine(
            "postgresql+psycopg://",
            connect_args=dict(self._settings.postgresql_parameters()),
            pool_size=_KEPT_CONNECTIONS,
            max_overflow=-1,
            pool_pre_ping=True,
        )
        event.listen(engine, "begin", _begin)
        _engines.add(engine)
        return engine

    def advice(self, cause: BaseException) -> str:  # noqa: ARG002 - the server's own words tell it
        return ""

    def back_up(self, present: str) -> str | None:  # noqa: ARG002 - whoever runs the server keeps its copies
        return None


def _begin(connection: Connection) -> None:
    if connection.get_execution_options().get(READS_ONLY, False):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
    else:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITER_LOCK})")


def _leave_connections_to_the_parent() -> None:
    for engine in _engines:
        engine.dispose(close=False)


os.register_at_fork(after_in_child=_leave_connections_to_the_parent)
