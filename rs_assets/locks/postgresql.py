"""Mutexes of a PostgreSQL database (advisory locks): for the processes of several machines.

An advisory lock belongs to a session, so it ends with its process, or with its machine once the server misses that.
All that one object holds, it holds by one session; should that break, the mutexes are taken again by the next one. A
table says who holds which, for people to read; whether it is held is the server's word alone.
"""

import hashlib
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, LiteralString
from urllib.parse import quote, unquote

from rs_assets.errors import LockError
from rs_assets.locks.protocol import Holder, Value
from rs_assets.settings import StateSettings

if TYPE_CHECKING:
    import psycopg

_log = logging.getLogger(__name__)

_Row = tuple[Any, ...]

_SETUP: LiteralString = """
    SET tcp_keepalives_idle = 15; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3;
    SET idle_session_timeout = 0;
    SELECT pg_advisory_xact_lock(1920233267);
    CREATE TABLE IF NOT EXISTS lock_holders (
        name text PRIMARY KEY, folder text NOT NULL, key bigint NOT NULL, holder text NOT NULL
    );
    CREATE INDEX IF NOT EXISTS lock_holders_folder ON lock_holders (folder);
    CREATE TABLE IF NOT EXISTS lock_values (name text PRIMARY KEY, value text NOT NULL)
"""
"""What a session begins with: a machine that is gone is missed after half a minute, an idle session is left alone."""

_TRUSTED_S = 1.0
"""How long after its last use a session is believed to be alive."""

_HELD: LiteralString = """
    SELECT (classid::bigint << 32) | objid::bigint FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
"""The keys of all advisory locks of the database that are held."""


class PostgresqlLocks:
    """The mutexes of one database; a session is opened when the first one is taken."""

    def __init__(self, settings: StateSettings) -> None:
        """Take the settings of the state; neither is the password read nor a connection opened."""
        self._settings = settings
        self._guard = threading.RLock()
        self._held: dict[str, int] = {}
        self._session: psycopg.Connection[_Row] | None = None
        self._process = 0
        self._used_at = 0.0
        self._schema = ""
        self._clock_ahead = 0.0

    def __repr__(self) -> str:
        return f"PostgresqlLocks({self._settings.place!r})"

    def try_lock(self, name: str, *, transient: bool = False) -> "_Held | None":
        with self._sessions() as session:
            quoted, key = self._quoted(name)
            if quoted in self._held or not _scalar(session, "SELECT pg_try_advisory_lock(%s)", key):
                return None
            self._held[quoted] = key
            held = _Held(self, quoted, is_transient=transient)
            row = (quoted, quoted.rpartition("/")[0], key, Holder().to_json())
            session.execute(
                "INSERT INTO lock_holders VALUES (%s, %s, %s, %s) ON CONFLICT (name) DO UPDATE "
                "SET key = excluded.key, holder = excluded.holder",
                row,
            )
        return held

    def is_locked(self, name: str) -> bool:
        with self._sessions() as session:
            return bool(_scalar(session, f"SELECT %s IN ({_HELD})", self._quoted(name)[1]))

    def holder(self, name: str) -> Holder | None:
        with self._sessions() as session:
            found = _scalar(session, "SELECT holder FROM lock_holders WHERE name = %s", self._quoted(name)[0])
        return None if found is None else Holder.from_json(found)

    def locked(self, folder: str) -> dict[str, Holder | None]:
        statement: LiteralString = "SELECT name, holder FROM lock_holders WHERE folder = %s AND key IN"
        with self._sessions() as session:
            rows = session.execute(f"{statement} ({_HELD})", (self._quoted(folder)[0],)).fetchall()
        last = {name.rpartition("/")[2]: Holder.from_json(holder) for name, holder in rows}
        return {unquote(name, errors="surrogatepass"): holder for name, holder in last.items()}

    def read(self, name: str) -> Value | None:
        with self._sessions() as session:
            return _value(_scalar(session, "SELECT value FROM lock_values WHERE name = %s", self._quoted(name)[0]))

    def update(self, name: str, change: Callable[[Value | None], Value]) -> Value:
        with self._sessions() as session, session.transaction():
            quoted, key = self._quoted(name)
            session.execute("SELECT pg_advisory_xact_lock(%s)", (key,))
            before = _value(_scalar(session, "SELECT value FROM lock_values WHERE name = %s", quoted))
            value = change(before)
            session.execute(
                "INSERT INTO lock_values VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (quoted, json.dumps(dict(value))),
            )
        return value

    def clock(self) -> float:
        if self._session is None:
            with self._sessions():
                pass
        return time.monotonic() + self._clock_ahead

    def release(self, quoted: str, *, is_transient: bool) -> None:
        """Let others have a mutex of this object, by its quoted name; one that broke with its session is free."""
        with self._guard:
            key = self._held.pop(quoted, None)
            session = self._session
            if key is None or session is None or session.closed or self._process != os.getpid():
                return
            with suppress(_driver().Error):
                if is_transient:
                    session.execute("DELETE FROM lock_holders WHERE name = %s", (quoted,))
                session.execute("SELECT pg_advisory_unlock(%s)", (key,))

    def _quoted(self, name: str) -> tuple[str, int]:
        """The name as the tables have it, and the key of its advisory lock, for which the session must have begun."""
        quoted = "/".join(quote(part, safe=" @+,:|", errors="surrogatepass") for part in name.split("/"))
        digest = hashlib.blake2b(f"{self._schema} {quoted}".encode(), digest_size=8, person=b"rs_assets").digest()
        return quoted, int.from_bytes(digest, signed=True)

    @contextmanager
    def _sessions(self) -> Iterator["psycopg.Connection[_Row]"]:
        """The session, for one thread at a time.

        Raises:
            LockError: the database cannot be used.
        """
        with self._guard, self._errors():
            now = time.monotonic()
            if self._process != os.getpid() or self._session is None or now - self._used_at > _TRUSTED_S:
                self._look_after_session()
            self._used_at = now
            assert self._session is not None
            yield self._session

    def _look_after_session(self) -> None:
        """Begin a session if there is none of this process that answers."""
        if self._process == os.getpid() and self._session is not None:
            with suppress(_driver().Error):
                self._session.execute("SELECT 1")
                return
        self._begin_session()

    def _begin_session(self) -> None:
        if self._process != os.getpid():  # what the parent process holds is its own
            _abandoned.append(self._session)
            self._held = {}
        parameters = dict(self._settings.postgresql_parameters())
        session = _driver().connect(**parameters, autocommit=True)
        session.execute(_SETUP)
        self._schema = str(_scalar(session, "SELECT current_schema()"))
        seconds = _scalar(session, "SELECT extract(epoch FROM clock_timestamp())::float8")
        self._clock_ahead = float(seconds) - time.monotonic()
        self._session, self._process = session, os.getpid()
        for name, key in list(self._held.items()):
            if not _scalar(session, "SELECT pg_try_advisory_lock(%s)", key):
                del self._held[name]
                _log.error("the lock %s was lost: the connection broke, and another process has taken it", name)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except _driver().Error as error:
            reason = " ".join(str(error).split())
            raise LockError(
                f"the locks in {self._settings.place} cannot be used: {reason}; they need a direct session of the "
                "server (a pooler must be in session mode)"
            ) from error


class _Held:
    def __init__(self, locks: PostgresqlLocks, name: str, *, is_transient: bool) -> None:
        self._locks: PostgresqlLocks | None = locks
        self._name = name
        self._is_transient = is_transient

    def release(self) -> None:
        locks, self._locks = self._locks, None
        if locks is not None:
            locks.release(self._name, is_transient=self._is_transient)

    def __del__(self) -> None:
        self.release()


_abandoned: list[object] = []
"""Sessions of a parent process: closing one here would end it there."""


def _driver() -> Any:
    try:
        import psycopg
    except ImportError as error:
        raise LockError("a state in PostgreSQL needs its driver: install rs-assets[postgres]") from error
    return psycopg


def _scalar(session: "psycopg.Connection[_Row]", statement: LiteralString, *values: object) -> Any:
    row = session.execute(statement, values).fetchone()
    return None if row is None else row[0]


def _value(text: str | None) -> Value | None:
    value = None if text is None else json.loads(text)
    return value if isinstance(value, dict) else None
