"""Opening a bucket of Google Cloud Storage."""

from typing import TYPE_CHECKING

from obstore.store import GCSStore as GcsClient

from rs_assets.settings import GcsStore
from rs_assets.store.bucket import RETRY, Bucket, client_config
from rs_assets.store.problems import Vocabulary

if TYPE_CHECKING:
    from obstore.store import GCSConfig

GCS = Vocabulary(
    container="bucket",
    no_container=frozenset({"NoSuchBucket"}),
    place="endpoint",
    credentials="service_account_key or token",
    rights="get, create, delete and list objects and abort multipart uploads",
    no_credentials="no credentials were found: give service_account_key or token, or set GOOGLE_SERVICE_ACCOUNT or "
    "GOOGLE_APPLICATION_CREDENTIALS",
    metadata_services=("169.254.169.254", "metadata.google.internal", "metadata/computeMetadata"),
)


def gcs_bucket(settings: GcsStore) -> Bucket:
    """The bucket below its prefix. Neither a secret is read nor a connection opened before its first use."""
    return Bucket(settings.url, lambda: _opened(settings), GCS)


def _opened(settings: GcsStore) -> GcsClient:
    config: GCSConfig = {}
    if settings.endpoint is not None:
        config["base_url"] = str(settings.endpoint).rstrip("/")
    if settings.service_account_key is not None:
        config["service_account_key"] = settings.service_account_key.reveal(lines=True)
    if settings.token is not None:
        config["bearer_token"] = settings.token.reveal()
    return GcsClient(
        settings.bucket,
        prefix=settings.prefix,
        config=config,
        client_options=client_config(settings),
        retry_config=RETRY,
    )
