"""Opening a bucket of S3, or of a server that speaks its protocol."""

from functools import partial
from typing import TYPE_CHECKING

from obstore.store import S3Store as S3Client

from rs_assets.settings import S3Store, Secret
from rs_assets.store.bucket import RETRY, Bucket, client_config
from rs_assets.store.problems import Vocabulary, explained

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
    return Bucket(settings.url, lambda: _opened(settings), partial(explained, words=S3))


def _opened(settings: S3Store) -> S3Client:
    config: S3Config = {
        "skip_signature": settings.skip_signature,
        "virtual_hosted_style_request": settings.virtual_hosted_style,
        "unsigned_payload": _unsigned(settings),
    }
    if settings.endpoint is not None:
        config["endpoint"] = str(settings.endpoint).rstrip("/")
    if settings.region is not None:
        config["region"] = settings.region
    is_http = settings.endpoint is not None and settings.endpoint.scheme == "http"
    credential = _credential(settings)
    return S3Client(
        settings.bucket,
        prefix=settings.prefix,
        config=config,
        client_options=client_config(allow_http=is_http, ca_file=settings.ca_file),
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
        "token": _revealed(settings.session_token),
        "expires_at": None,
    }


def _revealed(secret: Secret | None) -> str | None:
    return None if secret is None else secret.reveal()
