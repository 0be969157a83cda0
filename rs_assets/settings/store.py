"""Where objects and documents are kept: a directory of this machine, or an S3 object store."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Discriminator, Field, HttpUrl, Tag, field_validator, model_validator

from rs_assets.settings.authentication import Secret, without_credentials
from rs_assets.settings.model import SettingsModel

_MEBIBYTE = 1 << 20
_LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
_PLACE = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?P<prefix>(/[^/?#%\\]+)*)/?")


class DirectoryStore(SettingsModel):
    """Objects and documents in a directory of this machine."""

    kind: Literal["directory"] = "directory"
    path: Path
    """The directory; made when it is first written to."""
    keep_superseded: timedelta = timedelta(days=1)
    """How long the objects of a replaced publication stay, for those who still read them."""
    kinds: ClassVar[frozenset[str]] = frozenset({"file"})
    """The kinds that the UI shows of what is kept there."""

    @property
    def place(self) -> str:
        """Where it is, for people to read."""
        return str(self.path)


class S3Store(SettingsModel):
    """Objects and documents in a bucket of S3, or of a server that speaks its protocol."""

    kind: Literal["s3"]
    url: str
    """The bucket, and a prefix that goes before every key, e.g. ``s3://bucket/prefix``."""
    endpoint: HttpUrl | None = None
    """Address of the server; without one AWS, or what the environment's AWS_ENDPOINT_URL says."""
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
    ca_file: Path | None = None
    """PEM file with the certificates of authorities to trust besides the usual ones."""
    virtual_hosted_style: bool = False
    """Name the bucket in the host rather than in the path; `endpoint` then holds it."""
    allow_http: bool = False
    """Bear an `endpoint` without TLS on another machine."""
    part_size: Annotated[int, Field(ge=5 * _MEBIBYTE, le=512 * _MEBIBYTE)] = 5 * _MEBIBYTE
    """Bytes of a part of an upload; larger where an object would have too many parts."""
    parts_at_once: Annotated[int, Field(ge=1, le=32)] = 2
    """Parts of one object that are sent at the same time."""
    conditional_writes: bool | None = None
    """Whether the server refuses to replace an object when asked to (``If-None-Match: *``); without a value, every
    process finds it out with one request more."""
    keep_superseded: timedelta = timedelta(days=1)
    """How long the objects of a replaced publication stay, for those who still read them."""
    kinds: ClassVar[frozenset[str]] = frozenset({"s3"})
    """The kinds that the UI shows of what is kept there."""

    @field_validator("url")
    @classmethod
    def _bucket_and_prefix(cls, url: str) -> str:
        match = _PLACE.fullmatch(url)
        if match is None or {".", ".."} & set(match["prefix"].split("/")):
            raise ValueError("expected s3://bucket or s3://bucket/prefix, without anything to be escaped")
        return url.rstrip("/")

    @field_validator("endpoint")
    @classmethod
    def _no_secret(cls, endpoint: HttpUrl | None) -> HttpUrl | None:
        return endpoint and without_credentials(endpoint)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise ValueError("'access_key_id' and 'secret_access_key' go together: give both, or neither")
        if self.session_token is not None and self.access_key_id is None:
            raise ValueError("'session_token' goes with 'access_key_id' and 'secret_access_key'; give all, or none")
        if self.skip_signature and self.access_key_id is not None:
            raise ValueError("'skip_signature' asks without credentials; leave 'access_key_id' out")
        local = self.endpoint is not None and self.endpoint.host in _LOOPBACK_HOSTS
        if self.endpoint is not None and self.endpoint.scheme == "http" and not (local or self.allow_http):
            raise ValueError(
                "'endpoint' has no TLS, so everyone on the way can read and change the files; "
                "use https, or bear it with allow_http: true"
            )
        keys = (self.access_key_id, self.secret_access_key, self.session_token)
        if not local and any(secret is not None and secret.default is not None for secret in keys):
            raise ValueError("'default' is only for a store on this machine; name 'env' or 'file' alone")
        return self

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return self._place["bucket"]

    @property
    def prefix(self) -> str | None:
        """What goes before every key, without slashes at its ends; None if nothing does."""
        return self._place["prefix"].strip("/") or None

    @property
    def place(self) -> str:
        """Where it is, for people to read."""
        return self.url

    @property
    def _place(self) -> re.Match[str]:
        match = _PLACE.fullmatch(self.url)
        assert match is not None
        return match


def _kind_of(store: Any) -> Any:
    """The kind that a document names; a store without one is a directory."""
    return store.get("kind", "directory") if isinstance(store, dict) else getattr(store, "kind", None)


Store = Annotated[
    Annotated[DirectoryStore, Tag("directory")] | Annotated[S3Store, Tag("s3")],
    Discriminator(
        _kind_of,
        custom_error_type="store_kind",
        custom_error_message="a store is a mapping whose kind is 'directory' or 's3'",
    ),
]
