"""Revisions of a database's tables: each takes what the one before it has left, and all run in one transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

if TYPE_CHECKING:
    from alembic.config import Config

VERSION_TABLE = "rs_assets_revision"
"""Where the database says in one row which revision it is of. Not Alembic's own name for it: Dagster's tables, which
have that, may stand beside ours."""

_one_at_a_time = Lock()
"""Alembic keeps what it works on in module variables."""


@dataclass(frozen=True)
class Revision:
    """One step of the way."""

    id: str
    summary: str
    """What it does, as its first line says."""


@dataclass(frozen=True)
class Upgrade:
    """What a database needs to be read by this program."""

    place: str
    """Where it is, for people to read."""
    present: str | None
    """The revision that it is of; None where it does not exist yet and will be made as it is today."""
    missing: tuple[Revision, ...]
    """The revisions that it lacks, in their order."""

    def sentence(self, what: str, copy: str | None) -> str:
        """What was done to it."""
        steps = "; ".join(f"{step.id}: {step.summary}" for step in self.missing)
        kept = f"; as it was it is kept in {copy}" if copy else ""
        return f"{what} was upgraded from revision {self.present} ({steps}){kept}"


@dataclass(frozen=True)
class Revisions:
    """The revisions of one kind of database."""

    scripts: Path
    """The folder of the revisions, one Alembic module each."""
    head: str
    """The newest one; stated, so that an up-to-date database is known without reading the modules."""
    first: str
    """The one of databases that were made before revisions were noted."""

    def missing(self, present: str) -> tuple[Revision, ...] | None:
        """The revisions that a database of revision `present` lacks; None where this program does not know that one."""
        if present == self.head:
            return ()
        from alembic.script import ScriptDirectory
        from alembic.script.revision import RevisionError

        scripts = ScriptDirectory.from_config(self._config())
        try:
            steps = list(scripts.iterate_revisions(self.head, present))
        except RevisionError:
            return None
        return tuple(Revision(step.revision, (step.doc or "").splitlines()[0]) for step in reversed(steps))

    def present_in(self, connection: Connection) -> str:
        """The revision of a database that has tables of ours."""
        if not inspect(connection).has_table(VERSION_TABLE):
            return self.first
        found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalars().all()  # noqa: S608
        return "+".join(map(str, found)) if found else self.first

    def upgrade(self, connection: Connection) -> None:
        """Run what is missing, within the transaction of the connection."""
        from alembic import command

        with self._prepared(connection) as config:
            if self.present_in(connection) == self.first:
                command.stamp(config, self.first)
            command.upgrade(config, self.head)

    def note_head(self, connection: Connection) -> None:
        """Note of tables that were made as they are today that they are of the newest revision."""
        connection.execute(
            text(
                f"CREATE TABLE {VERSION_TABLE} "
                f"(version_num VARCHAR(32) NOT NULL, CONSTRAINT {VERSION_TABLE}_pkc PRIMARY KEY (version_num))"
            )
        )
        connection.execute(text(f"INSERT INTO {VERSION_TABLE} VALUES (:head)"), {"head": self.head})  # noqa: S608

    @contextmanager
    def _prepared(self, connection: Connection) -> Iterator["Config"]:
        config = self._config()
        config.attributes["connection"] = connection
        with _one_at_a_time:
            yield config

    def _config(self) -> "Config":
        from alembic.config import Config

        config = Config()
        options = {
            "script_location": Path(__file__).parent,
            "version_locations": self.scripts,
            "path_separator": "newline",
        }
        for name, value in options.items():
            config.set_main_option(name, str(value).replace("%", "%%"))
        return config
