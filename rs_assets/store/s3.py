"""Opening a bucket of S3, or of a server that speaks its protocol."""

from functools import partial
from typing import TYPE_CHECKING

from obstore.store import S3Store as S3Client

from rs_assets.settings import S3Store
from rs_assets.store.bucket import RETRY, Bucket, client_config
from rs_assets.store.listing import nameable
from rs_assets.store.problems import Vocabulary

if TYPE_CHECKING:
    from obstore.store import S3Config, S3Credential

S3 = Vocabulary(
    container="bucket",
    no_container=frozenset({"NoSuchBucket"}),
    misplaced=frozenset({"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}),
    place="endpoint and region",
    credentials="keys",
    rights="get, put, delete and list objects and abort multipart uploads",
    no_credentials="no credentials were found: give access_key_id and secret_access_key, or set AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY, or give skip_signature",
    metadata_services=("169.254.169.254", "169.254.170.2", "fd00:ec2::254"),
)


def s3_bucket(settings: S3Store) -> Bucket:
    """The bucket below its prefix. Neither a secret is read nor a connection opened before its first use."""
    listed = partial(nameable, settings.url, settings.prefix, opening=partial(_query, settings))
    return Bucket(settings.url, lambda: _opened(settings), S3, listed)


def _query(settings: S3Store, query: str) -> S3Client:
    """A client whose objects are all the answer to this query of the bucket."""
    known = _opened(settings).config
    root = known.get("endpoint") or f"https://s3.{known.get('region', 'us-east-1')}.amazonaws.com"
    is_in_host = settings.virtual_hosted_style and settings.endpoint is not None
    bucket = root if is_in_host else f"{root}/{settings.bucket}"
    # The object's name, which the client puts behind the address, is a parameter that S3 ignores.
    return _opened(settings, f"{bucket}?{query}&x-id=")


def _opened(settings: S3Store, address: str | None = None) -> S3Client:
    """The client; of an address that stands for the bucket, if there is one."""
    config: S3Config = {
        "skip_signature": settings.skip_signature,
        "virtual_hosted_style_request": settings.virtual_hosted_style or address is not None,
        "unsigned_payload": _unsigned(settings),
    }
    if settings.endpoint is not None:
        config["endpoint"] = str(settings.endpoint).rstrip("/")
    if address is not None:
        config["endpoint"] = address
    if settings.region is not None:
        config["region"] = settings.region
    credential = _credential(settings)
    return S3Client(
        settings.bucket,
        prefix=settings.prefix if address is None else None,
        config=config,
        client_options=client_config(settings),
        retry_config=RETRY,
        # A key in the configuration would be mixed with a session token that the environment has for another one.
        credential_provider=None if credential is None else lambda: credential,
    )


def _unsigned(settings: S3Store) -> bool:
    if settings.unsigned_payload is not None:
        return settings.unsigned_payload
    return settings.endpoint is None or settings.endpoint.scheme == "https"


def _credential(settings: S3Store) -> "S3Credential | None":
    if settings.access_key_id is None or settings.secret_access_key is None:
        return None
    return {
        "access_key_id": settings.access_key_id.reveal(),
        "secret_access_key": settings.secret_access_key.reveal(),
        "token": None if settings.session_token is None else settings.session_token.reveal(),
        "expires_at": None,
    }
