"""The state in PostgreSQL: who is let in and how, connections that break, and messages that say what to do."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from rs_assets.errors import SettingsError, StateError
from rs_assets.settings import StateSettings
from rs_assets.state import Heartbeats, StateDatabase, open_state
from tests.postgresql import PostgresqlServer, connected

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
PASSWORD = "hun'ter 2é"


@pytest.fixture
def known_user(postgresql: PostgresqlServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of the server for a user who needs a password, which stands in STATE_PASSWORD."""
    monkeypatch.setenv("STATE_PASSWORD", PASSWORD)
    return postgresql.url_of_user("carol", PASSWORD)


def silent(settings: StateSettings) -> list[str]:
    beats = Heartbeats(open_state(settings))
    beats.beat("run", NOW)
    return beats.silent_since(datetime.max.replace(tzinfo=UTC))


def is_encrypted(database: StateDatabase) -> bool:
    with database.reading() as connection:
        return bool(connection.scalar(text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")))


@pytest.mark.parametrize("place", ["env", "file"])
def test_the_password_is_read_where_the_settings_say(known_user: str, place: str, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    password = {"env": "STATE_PASSWORD"} if place == "env" else {"file": str(tmp_path / "password")}

    assert silent(StateSettings.model_validate({"url": known_user, "password": password})) == ["run"]


def test_a_password_that_is_refused_is_not_shown(known_user: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_PASSWORD", "canary-secret")
    settings = StateSettings.model_validate({"url": known_user, "password": {"env": "STATE_PASSWORD"}})

    with pytest.raises(StateError, match='password authentication failed for user "carol"') as caught:
        silent(settings)

    assert "canary-secret" not in f"{caught.value!r} {caught.value.__cause__!r} {open_state(settings)!r} {settings!r}"


def test_a_password_that_is_not_there_is_named(known_user: str) -> None:
    with pytest.raises(SettingsError, match="the environment variable NO_SUCH is not set"):
        silent(StateSettings.model_validate({"url": known_user, "password": {"env": "NO_SUCH"}}))


def test_a_server_whose_authority_is_named_is_asked_through_tls(known_user: str, authority: Path) -> None:
    password = {"env": "STATE_PASSWORD"}
    settings = StateSettings.model_validate({"url": known_user, "password": password, "ca_file": str(authority)})

    assert silent(settings) == ["run"]
    assert is_encrypted(open_state(settings))


def test_a_server_of_another_authority_is_not_believed(known_user: str, authority: Path) -> None:
    other = authority.with_name("server.pem")
    password = {"env": "STATE_PASSWORD"}

    with pytest.raises(StateError, match="certificate verify failed"):
        silent(StateSettings.model_validate({"url": known_user, "password": password, "ca_file": str(other)}))


def test_connections_that_the_server_has_ended_are_replaced(postgresql: PostgresqlServer) -> None:
    settings = postgresql.state()
    database = open_state(settings)
    with database.reading() as connection:
        pid = connection.scalar(text("SELECT pg_backend_pid()"))
    with connected(settings) as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", (pid,))

    with database.reading() as connection:
        assert connection.scalar(text("SELECT pg_backend_pid()")) != pid


def test_two_schemas_of_a_database_are_two_states(postgresql: PostgresqlServer) -> None:
    first, second = postgresql.state(), postgresql.state()
    Heartbeats(open_state(first)).beat("first", NOW)

    assert silent(second) == ["run"]


def test_a_reader_cannot_write(postgresql: PostgresqlServer) -> None:
    with pytest.raises(StateError, match="read-only"), open_state(postgresql.state()).reading() as connection:
        connection.execute(text("DELETE FROM heartbeats"))


def test_without_its_driver_it_is_said_what_to_install(
    postgresql: PostgresqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = postgresql.state()
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(StateError, match=r"install rs-assets\[postgres\]"):
        silent(settings)


@pytest.mark.parametrize(
    ("url", "others", "mode"),
    [
        ("postgresql+psycopg://u@db.example/state", {}, "verify-full"),
        ("postgresql://u@db.example/state", {}, "verify-full"),
        ("postgresql+psycopg://u@/state?host=127.0.0.1&host=db.example", {}, "verify-full"),
        ("postgresql+psycopg://u@db.example/state", {"allow_plaintext": True}, "prefer"),
        ("postgresql+psycopg://u@db.example/state", {"allow_plaintext": True, "ca_file": "/ca.pem"}, "verify-full"),
        ("postgresql+psycopg://u@localhost/state", {}, "prefer"),
        ("postgresql+psycopg://u@[::1]:5433/state", {}, "prefer"),
        ("postgresql+psycopg://u@/state?host=/run/postgresql", {}, "prefer"),
        ("postgresql+psycopg:///state", {}, "prefer"),
    ],
)
def test_a_server_elsewhere_needs_tls_and_a_certificate_that_is_right(
    url: str, others: dict[str, Any], mode: str
) -> None:
    parameters = StateSettings.model_validate({"url": url, **others}).postgresql_parameters()

    assert parameters["sslmode"] == mode
    assert ("sslrootcert" in parameters) == (mode == "verify-full")
