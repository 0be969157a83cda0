"""Credentials of the hosts and buckets beside the station itself that its files come from."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, HttpUrl, field_validator, model_validator

from rs_assets.settings.authentication import (
    ApiKeyAuthentication,
    BasicAuthentication,
    OAuth2Authentication,
    Secret,
    secrets_of,
    without_credentials,
)
from rs_assets.settings.model import Key, SettingsModel
from rs_assets.settings.store import S3Store

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1", "[::1]"})
"""Names of this machine."""

_HOST = re.compile(r"(?P<host>[a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


class BearerAuthentication(SettingsModel):
    """A constant bearer token in the Authorization header of every request (RFC 6750)."""

    kind: Literal["bearer"]
    token: Secret


class S3Credentials(SettingsModel):
    """How the objects of a bucket are read."""

    kind: Literal["s3"]
    anonymous: bool = False
    """Read without credentials: the bucket is public."""
    access_key_id: Secret | None = None
    secret_access_key: Secret | None = None
    session_token: Secret | None = None
    """Only with temporary credentials."""
    endpoint: HttpUrl | None = None
    """Address of the server; AWS where empty."""
    region: str = "us-east-1"
    """The bucket's region."""
    allow_http: bool = False
    """Allow a plain-HTTP endpoint on another machine."""

    @field_validator("endpoint")
    @classmethod
    def _no_secret(cls, endpoint: HttpUrl | None) -> HttpUrl | None:
        return endpoint and without_credentials(endpoint)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        keys = (self.access_key_id, self.secret_access_key)
        if self.anonymous and any((*keys, self.session_token)):
            raise ValueError("'anonymous' reads without credentials; leave the keys out")
        if not self.anonymous and not all(keys):
            raise ValueError("give 'access_key_id' and 'secret_access_key', or 'anonymous: true' for a public bucket")
        local = self.endpoint is not None and self.endpoint.host in LOOPBACK_HOSTS
        if self.endpoint is not None and self.endpoint.scheme == "http" and not (local or self.allow_http):
            raise ValueError(
                "'endpoint' has no TLS, so everyone on the way can read and change the files; "
                "use https, or allow it with allow_http: true"
            )
        return self

    def bucket(self, name: str) -> S3Store:
        """The bucket of that name as a store, as far as reading goes."""
        return S3Store(
            kind="s3",
            url=f"s3://{name}",
            endpoint=self.endpoint,
            region=self.region,
            access_key_id=self.access_key_id,
            secret_access_key=self.secret_access_key,
            session_token=self.session_token,
            skip_signature=self.anonymous,
            allow_http=self.allow_http,
        )


HostCredentials = Annotated[
    BearerAuthentication | BasicAuthentication | ApiKeyAuthentication | OAuth2Authentication | S3Credentials,
    Field(discriminator="kind"),
]


def problems_of(credentials: Mapping[str, HostCredentials]) -> Iterator[tuple[Key, str]]:
    """What is wrong with the credentials of further hosts, each with the key that it concerns."""
    for place, described in credentials.items():
        if isinstance(described, S3Credentials):
            is_name = _BUCKET.fullmatch(place) is not None
            host = described.endpoint.host if described.endpoint else None
        else:
            match = _HOST.fullmatch(place)
            is_name, host = match is not None, match["host"] if match else None
        if not is_name:
            yield ("credentials", place), "expected a host in lower case, e.g. data.example:8443, or a bucket's name"
        hosts = {host}
        if isinstance(described, OAuth2Authentication):
            hosts.add(described.token_url.host)
        if not hosts <= LOOPBACK_HOSTS and any(secret.default is not None for secret in secrets_of(described)):
            message = "'default' is only for a host on this machine; name 'env' or 'file' alone"
            yield ("credentials", place), message
