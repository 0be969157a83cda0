"""Where objects and documents are kept: a directory of this machine, or a bucket of S3, Google Cloud or Azure."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Discriminator, Field, HttpUrl, Tag, field_validator, model_validator

from rs_assets.settings.authentication import Secret, without_credentials
from rs_assets.settings.model import SettingsModel

_MEBIBYTE = 1 << 20
_LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
_PLACE = re.compile(r"[a-z0-9]+://(?P<bucket>[a-z0-9][a-z0-9._-]{1,61}[a-z0-9])(?P<prefix>(/[^/?#%\\]+)*)/?")


class _StoreSettings(SettingsModel):
    RENAMED: ClassVar = {"keep_superseded": "superseded_retention"}

    superseded_retention: timedelta = timedelta(days=1)
    """How long the objects of a replaced publication stay, for those who still read them."""


class DirectoryStore(_StoreSettings):
    """Objects and documents in a directory of this machine."""

    kind: Literal["directory"] = "directory"
    path: Path
    """The directory; made when it is first written to."""
    kinds: ClassVar[frozenset[str]] = frozenset({"file"})
    """The kinds that the UI shows of what is kept there."""

    @property
    def place(self) -> str:
        """Where it is, for people to read."""
        return str(self.path)


class BucketStore(_StoreSettings):
    """What every kind of bucket has in common."""

    SCHEME: ClassVar[str]
    """How its URLs begin."""
    url: str
    """The bucket, and a prefix that goes before every key, e.g. ``s3://bucket/prefix``."""
    endpoint: HttpUrl | None = None
    """Address of the server; without one, the provider's."""
    ca_file: Path | None = None
    """PEM file with the certificates of authorities to trust besides the usual ones."""
    allow_http: bool = False
    """Allow an `endpoint` without TLS on another machine."""
    part_size: Annotated[int, Field(ge=5 * _MEBIBYTE, le=512 * _MEBIBYTE)] = 5 * _MEBIBYTE
    """Bytes of a part of an upload; larger where an object would have too many parts."""
    parts_at_once: Annotated[int, Field(ge=1, le=32)] = 2
    """Parts of one object that are sent at the same time."""

    @field_validator("url")
    @classmethod
    def _bucket_and_prefix(cls, url: str) -> str:
        match = _PLACE.fullmatch(url)
        if match is None or not url.startswith(cls.SCHEME) or {".", ".."} & set(match["prefix"].split("/")):
            place = f"{cls.SCHEME}bucket"
            raise ValueError(f"expected {place} or {place}/prefix, without anything to be escaped")
        return url.rstrip("/")

    @field_validator("endpoint")
    @classmethod
    def _no_secret(cls, endpoint: HttpUrl | None) -> HttpUrl | None:
        return endpoint and without_credentials(endpoint)

    @model_validator(mode="after")
    def _safe(self) -> Self:
        local = self.endpoint is not None and self.endpoint.host in _LOOPBACK_HOSTS
        if self.is_http and not (local or self.allow_http):
            raise ValueError(
                "'endpoint' has no TLS, so everyone on the way can read and change the files; "
                "use https, or allow it with allow_http: true"
            )
        values = (getattr(self, name) for name in type(self).model_fields)
        if not local and any(isinstance(value, Secret) and value.default is not None for value in values):
            raise ValueError("'default' is only for a store on this machine; name 'env' or 'file' alone")
        return self

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return self._match["bucket"]

    @property
    def prefix(self) -> str | None:
        """What goes before every key, without slashes at its ends; None if nothing does."""
        return self._match["prefix"].strip("/") or None

    @property
    def place(self) -> str:
        """Where it is, for people to read."""
        return self.url

    @property
    def is_http(self) -> bool:
        """Whether the `endpoint` has no TLS."""
        return self.endpoint is not None and self.endpoint.scheme == "http"

    @property
    def _match(self) -> re.Match[str]:
        match = _PLACE.fullmatch(self.url)
        assert match is not None
        return match


class S3Store(BucketStore):
    """Objects and documents in a bucket of S3, or of a server that speaks its protocol."""

    SCHEME: ClassVar[str] = "s3://"
    kinds: ClassVar[frozenset[str]] = frozenset({"s3"})
    """The kinds that the UI shows of what is kept there."""

    kind: Literal["s3"]
    region: str | None = None
    """The bucket's region, e.g. ``eu-west-3``; without one, what the environment says, else ``us-east-1``."""
    access_key_id: Secret | None = None
    """Without it, the environment's (AWS_ACCESS_KEY_ID …) or the machine's own credentials are used."""
    secret_access_key: Secret | None = None
    """Belongs to `access_key_id`."""
    session_token: Secret | None = None
    """Only with temporary credentials."""
    skip_signature: bool = False
    """Ask without credentials, for a server that wants none."""
    unsigned_payload: bool | None = None
    """Leave the bytes out of the signature, which saves half of the CPU; without a value: with https yes, else no."""
    virtual_hosted_style: bool = False
    """Name the bucket in the host rather than in the path; `endpoint` then holds it."""
    conditional_writes: bool | None = None
    """Whether the server refuses to replace an object when asked to (``If-None-Match: *``); without a value, every
    process finds it out with one request more."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise ValueError("'access_key_id' and 'secret_access_key' go together: give both, or neither")
        if self.session_token is not None and self.access_key_id is None:
            raise ValueError("'session_token' goes with 'access_key_id' and 'secret_access_key'; give all, or none")
        if self.skip_signature and self.access_key_id is not None:
            raise ValueError("'skip_signature' asks without credentials; leave 'access_key_id' out")
        return self


class GcsStore(BucketStore):
    """Objects and documents in a bucket of Google Cloud Storage."""

    SCHEME: ClassVar[str] = "gs://"
    kinds: ClassVar[frozenset[str]] = frozenset({"gcs"})
    """The kinds that the UI shows of what is kept there."""

    kind: Literal["gcs"]
    service_account_key: Secret | None = None
    """The JSON key of a service account; without it, the environment's or the machine's own credentials are used."""
    token: Secret | None = None
    """A bearer token instead, which is not renewed."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.service_account_key is not None and self.token is not None:
            raise ValueError("give 'service_account_key' or 'token', not both")
        return self


class AzureStore(BucketStore):
    """Objects and documents in a container of Azure Blob Storage."""

    SCHEME: ClassVar[str] = "az://"
    kinds: ClassVar[frozenset[str]] = frozenset({"azure"})
    """The kinds that the UI shows of what is kept there."""

    kind: Literal["azure"]
    account: Annotated[str, Field(pattern="^[a-z0-9]{3,24}$")]
    """The storage account; an `endpoint` that is not Azure's own ends in it."""
    account_key: Secret | None = None
    """Without it, `sas_token` and `client_secret`, the environment's or the machine's own identity is used."""
    sas_token: Secret | None = None
    """A shared access signature for the container."""
    tenant_id: str | None = None
    client_id: str | None = None
    """The application that signs in with `client_secret`, at `tenant_id`."""
    client_secret: Secret | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if sum(secret is not None for secret in (self.account_key, self.sas_token, self.client_secret)) > 1:
            raise ValueError("give one of 'account_key', 'sas_token' and 'client_secret'")
        application = (self.tenant_id, self.client_id, self.client_secret)
        if any(application) and not all(application):
            raise ValueError("'tenant_id', 'client_id' and 'client_secret' go together: give all, or none")
        return self


def _kind_of(store: Any) -> Any:
    """The kind that a document names; a store without one is a directory."""
    return store.get("kind", "directory") if isinstance(store, dict) else getattr(store, "kind", None)


Store = Annotated[
    Annotated[DirectoryStore, Tag("directory")]
    | Annotated[S3Store, Tag("s3")]
    | Annotated[GcsStore, Tag("gcs")]
    | Annotated[AzureStore, Tag("azure")],
    Discriminator(
        _kind_of,
        custom_error_type="store_kind",
        custom_error_message="a store is a mapping whose kind is 'directory', 's3', 'gcs' or 'azure'",
    ),
]
