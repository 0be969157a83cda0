"""Opening a container of Azure Blob Storage."""

from typing import TYPE_CHECKING

from obstore.store import AzureStore as AzureClient

from rs_assets.settings import AzureStore
from rs_assets.store.bucket import RETRY, Bucket, client_config
from rs_assets.store.problems import Vocabulary

if TYPE_CHECKING:
    from obstore.store import AzureConfig

AZURE = Vocabulary(
    container="container",
    no_container=frozenset({"ContainerNotFound"}),
    place="account and endpoint",
    credentials="account_key, sas_token or client_secret",
    rights="read, write, create, delete and list blobs",
    no_credentials="no credentials were found: give account_key, sas_token or client_secret, or set "
    "AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_TOKEN",
    metadata_services=("169.254.169.254",),
)


def azure_bucket(settings: AzureStore) -> Bucket:
    """The container below its prefix. Neither a secret is read nor a connection opened before its first use."""
    return Bucket(settings.url, lambda: _opened(settings), AZURE)


def _opened(settings: AzureStore) -> AzureClient:
    config: AzureConfig = {"account_name": settings.account}
    if settings.endpoint is not None:
        config["endpoint"] = str(settings.endpoint).rstrip("/")
    if settings.account_key is not None:
        config["account_key"] = settings.account_key.reveal()
    if settings.sas_token is not None:
        config["sas_key"] = settings.sas_token.reveal()
    if settings.client_secret is not None and settings.client_id is not None and settings.tenant_id is not None:
        config["client_secret"] = settings.client_secret.reveal()
        config["client_id"], config["tenant_id"] = settings.client_id, settings.tenant_id
    return AzureClient(
        settings.bucket,
        prefix=settings.prefix,
        config=config,
        client_options=client_config(settings),
        retry_config=RETRY,
    )
