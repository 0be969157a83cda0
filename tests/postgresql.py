"""A real PostgreSQL server of the tests' own, and databases of it that nobody else uses."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql

from rs_assets.settings import StateSettings
from tests.servers import free_port

_UNPRIVILEGED = "postgres"
"""As whom the server runs where the tests are root's, which it refuses to serve."""


def _programs() -> Path | None:
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[4]))
    return debian[-1].parent if debian else None


POSTGRESQL_MISSING = None if _programs() else "PostgreSQL's server (Debian's postgresql) is not installed"
"""Why no server can be started; None where it can."""


def connected(settings: StateSettings) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection to the database of a state, beside those of the program."""
    return psycopg.connect(**dict(settings.postgresql_parameters()))  # type: ignore[arg-type]


@dataclass(frozen=True)
class PostgresqlServer:
    """A running server, asked through a socket file, and on a port of loopback."""

    directory: Path
    port: int

    def state(self, **settings: object) -> StateSettings:
        """The settings of a state in an empty schema."""
        schema = f"s{uuid4().hex}"
        with connected(StateSettings(url=self.url())) as connection:
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
        return StateSettings.model_validate({"url": f"{self.url()}&options=-csearch_path%3D{schema}", **settings})

    def url(self) -> str:
        """Of its only database, through the socket file."""
        return f"postgresql+psycopg://tests@/postgres?host={self.directory}&port={self.port}"

    def url_of_user(self, name: str, password: str) -> str:
        """Of the database on loopback, for a user who has this password and an empty schema."""
        statements = (
            "DROP SCHEMA IF EXISTS {name} CASCADE",
            "DROP ROLE IF EXISTS {name}",
            "CREATE ROLE {name} LOGIN PASSWORD {password}",
            "CREATE SCHEMA {name} AUTHORIZATION {name}",
        )
        with connected(StateSettings(url=self.url())) as connection:
            for statement in statements:
                parts = {"name": sql.Identifier(name), "password": sql.Literal(password)}
                connection.execute(sql.SQL(statement).format(**parts))
        return f"postgresql+psycopg://{name}@127.0.0.1:{self.port}/postgres"


@contextmanager
def postgresql_server(certificate: Path | None = None) -> Iterator[PostgresqlServer]:
    """A server that listens on a port of loopback and in a directory of its own.

    Its certificate, if it has one, is in one PEM file with its key. It does not write to the disk before it answers,
    which only a power cut would show.
    """
    programs = _programs()
    assert programs is not None
    directory = Path(tempfile.mkdtemp(prefix="pg"))  # short, for the path of a socket is limited
    try:
        port = free_port()
        given = [f"-p {port}", f"-k {directory}", "-c listen_addresses=127.0.0.1", "-c fsync=off"]
        if certificate is not None:
            pem = directory / "server.pem"
            pem.touch(mode=0o600)
            pem.write_bytes(certificate.read_bytes())
            given += ["-c ssl=on", f"-c ssl_cert_file={pem}", f"-c ssl_key_file={pem}"]
        if os.geteuid() == 0:
            for path in (directory, *directory.iterdir()):
                shutil.chown(path, _UNPRIVILEGED)
        data = directory / "data"
        initialise = [str(programs / "initdb"), "-D", str(data), "-U", "tests", "--auth-local=trust"]
        initialise += ["--auth-host=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        subprocess.run(_as_user(initialise), check=True, capture_output=True, text=True)
        control = [str(programs / "pg_ctl"), "-D", str(data), "-w"]
        start = [*control, "-l", str(directory / "log"), "-o", " ".join(given), "start"]
        subprocess.run(_as_user(start), check=True, stdout=subprocess.DEVNULL)
        try:
            yield PostgresqlServer(directory, port)
        finally:
            subprocess.run(_as_user([*control, "-m", "immediate", "stop"]), check=True, stdout=subprocess.DEVNULL)
    finally:
        shutil.rmtree(directory)


def _as_user(command: list[str]) -> list[str]:
    if os.geteuid() != 0:
        return command
    return ["setpriv", f"--reuid={_UNPRIVILEGED}", f"--regid={_UNPRIVILEGED}", "--clear-groups", *command]
