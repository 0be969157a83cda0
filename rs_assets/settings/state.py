"""Where the operational facts are kept: a SQLite file of this machine, or a PostgreSQL database."""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import Field, field_validator, model_validator

from rs_assets.settings.authentication import Secret
from rs_assets.settings.model import SettingsModel

if TYPE_CHECKING:
    from sqlalchemy import URL

_EXAMPLES = "sqlite:////data/state.sqlite or postgresql+psycopg://user@host/database"
_LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
_OWN_KEYS = {"sslmode": "state.allow_plaintext", "sslrootcert": "state.ca_file"}
"""Parameters of a connection that have a setting, which knows the rules for them."""


class StateSettings(SettingsModel):
    """The state's database, which also keeps the locks."""

    url: str
    """SQLAlchemy URL without a password: ``sqlite:////data/state.sqlite`` for the processes of one machine,
    ``postgresql+psycopg://user@host/database`` for those of several."""
    password: Secret | None = None
    """The user's password; only with PostgreSQL."""
    ca_file: Path | None = None
    """PEM file with the certificates of authorities to trust in place of the usual ones; only with PostgreSQL."""
    allow_plaintext: bool = False
    """Allow a PostgreSQL server on another machine that has no TLS, or whose certificate is not to be checked."""
    connect_timeout: int = Field(default=10, ge=1, le=300)
    """Seconds to wait for a connection to PostgreSQL."""

    @field_validator("url")
    @classmethod
    def _usable(cls, url: str) -> str:
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import ArgumentError

        try:
            parsed = make_url(url)
        except (ArgumentError, ValueError) as error:
            raise ValueError(f"expected a SQLAlchemy URL, e.g. {_EXAMPLES}") from error
        if parsed.password is not None or "password" in parsed.query:
            raise ValueError("a URL must not hold a password; say in state.password where it is")
        for key, setting in _OWN_KEYS.items():
            if key in parsed.query:
                raise ValueError(f"{key!r} is no part of the URL here; use {setting}")
        match parsed.get_backend_name():
            case "sqlite":
                if not parsed.database or parsed.database == ":memory:":
                    raise ValueError(
                        "the state must outlive the process: name a file, e.g. sqlite:////data/state.sqlite"
                    )
            case "postgresql":
                if parsed.drivername not in {"postgresql", "postgresql+psycopg"}:
                    raise ValueError(f"the driver {parsed.drivername!r} cannot be used; write postgresql+psycopg://")
                if not parsed.database:
                    raise ValueError("name the database: postgresql+psycopg://user@host/database")
            case other:
                raise ValueError(f"{other!r} cannot be used; expected {_EXAMPLES}")
        return url

    @model_validator(mode="after")
    def _of_its_kind(self) -> Self:
        if self.sqlite_path is not None:
            others = {name: field.default for name, field in type(self).model_fields.items() if name != "url"}
            given = [name for name, default in others.items() if getattr(self, name) != default]
            if given:
                raise ValueError(f"{', '.join(given)}: only with PostgreSQL; a SQLite file has no such thing")
        if self.password is not None and self.password.default is not None and not self._is_local:
            raise ValueError("'default' is only for a server on this machine; name 'env' or 'file' alone")
        return self

    @property
    def sqlite_path(self) -> Path | None:
        """The database's file; None if it is a server's."""
        parsed = self._parsed
        return Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None

    @property
    def place(self) -> str:
        """Where it is, for people to read."""
        return str(self.sqlite_path or self._parsed.render_as_string(hide_password=True))

    def postgresql_parameters(self) -> Mapping[str, str | int]:
        """What libpq needs for a connection, the password among it, which is read now.

        Raises:
            SettingsError: the password is not where the settings say.
        """
        parsed = self._parsed
        is_checked = self.ca_file is not None or not (self._is_local or self.allow_plaintext)
        parameters: dict[str, str | int | None] = {
            "host": parsed.host,
            "port": parsed.port,
            "user": parsed.username,
            "dbname": parsed.database,
            "application_name": "rs_assets",
            "connect_timeout": self.connect_timeout,
            "sslmode": "verify-full" if is_checked else "prefer",
            "sslrootcert": str(self.ca_file or _system_certificates()) if is_checked else None,
            **{key: value if isinstance(value, str) else ",".join(value) for key, value in parsed.query.items()},
        }
        if self.password is not None:
            parameters["password"] = self.password.reveal()
        return {key: value for key, value in parameters.items() if value is not None}

    def resolved_against(self, base: Path) -> Self:
        """The same settings with every relative path made absolute, that of an SQLite file among them."""
        resolved = super().resolved_against(base)
        if self.sqlite_path is None:
            return resolved
        absolute = self._parsed.set(database=str(base / self.sqlite_path))
        return resolved.model_copy(update={"url": absolute.render_as_string()})

    @property
    def _is_local(self) -> bool:
        """Whether the server is on this machine: on loopback, or asked through a socket file."""
        hosts = self._parsed.query.get("host", self._parsed.host or "")
        every = (hosts,) if isinstance(hosts, str) else hosts
        return all(host in _LOOPBACK_HOSTS or host.startswith("/") or not host for host in every)

    @property
    def _parsed(self) -> "URL":
        from sqlalchemy.engine import make_url

        return make_url(self.url)


def _system_certificates() -> str:
    """The file with the authorities that this machine trusts; libpq's own word for them where it is not known."""
    files = (ssl.get_default_verify_paths().cafile, "/etc/ssl/certs/ca-certificates.crt")
    return next((file for file in files if file and Path(file).is_file()), "system")
