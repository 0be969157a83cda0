"""How a station lets its users in, and where the secrets for that are found."""

import os
import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, Field, HttpUrl, SecretStr, field_validator, model_validator

from rs_assets.errors import SettingsError
from rs_assets.settings.model import SettingsModel


class Secret(SettingsModel):
    """Where a secret is found. The secret itself never stands in the settings."""

    RENAMED: ClassVar[Mapping[str, str]] = {"otherwise": "default"}

    env: str | None = None
    """Name of the environment variable that holds the secret; a trailing line break is dropped."""
    file: Path | None = None
    """File that holds the secret, e.g. one mounted by the cluster; a trailing line break is dropped."""
    default: SecretStr | None = None
    """Used while the variable is unset; accepted for stations on this machine only, such as a simulator."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise ValueError("give exactly one of 'env' (name of an environment variable) and 'file'")
        return self

    def reveal(self, *, lines: bool = False) -> str:
        """Read the secret now; `lines` says whether it may have several.

        Raises:
            SettingsError: the variable is not set, the file cannot be read, or what it holds cannot be a secret.
        """
        place, value = self._found()
        value = value.rstrip("\r\n")
        if not value:
            raise SettingsError(f"{place} is empty; put the secret there")
        if not lines and any(unicodedata.category(character) == "Cc" for character in value):
            raise SettingsError(f"{place} holds a line break or another control character, so it is not a secret")
        return value

    def _found(self) -> tuple[str, str]:
        """Where the secret is, in words, and what stands there."""
        if self.env is not None:
            value = os.environ.get(self.env)
            if value is None and self.default is not None:
                value = self.default.get_secret_value()
            if value is None:
                raise SettingsError(f"the environment variable {self.env} is not set; set it to the secret")
            return f"the environment variable {self.env}", value
        assert self.file is not None
        try:
            return f"the secret's file {self.file}", self.file.read_text(encoding="utf-8")
        except OSError as error:
            raise SettingsError(f"the secret's file {self.file} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError:
            raise SettingsError(f"the secret's file {self.file} is not text in UTF-8") from None


class NoAuthentication(SettingsModel):
    """The station asks for nothing."""

    kind: Literal["none"] = "none"


class BasicAuthentication(SettingsModel):
    """User name and password in the Authorization header of every request (RFC 7617)."""

    kind: Literal["basic"]
    username: str
    password: Secret


class ApiKeyAuthentication(SettingsModel):
    """A constant key in a header of its own."""

    kind: Literal["api_key"]
    header: str = "x-api-key"
    """Name of the header."""
    key: Secret


class ClientPlacement(StrEnum):
    """Where the token request carries the client's id and secret (RFC 6749, section 2.3.1)."""

    FORM = "form"
    BASIC = "basic"


class OAuth2Authentication(SettingsModel):
    """A bearer token from the station's token endpoint (RFC 6749)."""

    kind: Literal["oauth2"]
    token_url: HttpUrl
    """The token endpoint."""
    grant: Literal["password", "client_credentials"] = "password"
    """The grant of the first token request; a refresh token is used where the station gives one."""
    username: str | None = None
    password: Secret | None = None
    client_id: str | None = None
    client_secret: Secret | None = None
    client_placement: ClientPlacement = ClientPlacement.FORM
    """Where the token request carries the client's id and secret."""
    scope: str | None = None
    """The scope to ask for, e.g. ``openid``."""
    extra_headers: dict[str, Secret] = Field(default_factory=dict)
    """Further headers of the token request, e.g. a literal Authorization."""
    token_header: str = "Authorization"  # noqa: S105 - the name of a header
    """Header of the data requests that carries the token; ``Bearer`` stands before it only in Authorization."""
    renew_before_expiry: Annotated[float, Field(ge=0)] = 60.0
    """How long before its expiry a token is renewed, in seconds; at most a fifth of its life."""

    @field_validator("token_url")
    @classmethod
    def _no_secret(cls, url: HttpUrl) -> HttpUrl:
        return without_credentials(url)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.grant == "password" and (self.username is None or self.password is None):
            raise ValueError("the grant 'password' needs 'username' and 'password'")
        if self.grant == "client_credentials" and (self.client_id is None or self.client_secret is None):
            raise ValueError("the grant 'client_credentials' needs 'client_id' and 'client_secret'")
        return self


Authentication = Annotated[
    NoAuthentication | BasicAuthentication | ApiKeyAuthentication | OAuth2Authentication,
    Field(discriminator="kind"),
]


def secrets_of(authentication: BaseModel) -> list[Secret]:
    """Every secret that an authentication names."""
    values = [getattr(authentication, name) for name in type(authentication).model_fields]
    found = [value for value in values if isinstance(value, Secret)]
    found += [value for group in values if isinstance(group, dict) for value in group.values()]
    return found


def without_credentials(url: HttpUrl) -> HttpUrl:
    """The URL, if it holds neither user name nor password.

    Raises:
        ValueError: it does; they belong under ``authentication``.
    """
    if url.username or url.password:
        raise ValueError("a URL must not hold a user name or password; put them under 'authentication'")
    return url
