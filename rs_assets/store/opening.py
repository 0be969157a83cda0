"""Opening the store that the settings name: the only place that tells the kinds of stores apart."""

from dataclasses import dataclass

from rs_assets.settings import DirectoryStore, S3Store, Store
from rs_assets.store.bucket import Bucket
from rs_assets.store.claims import PROCESS_CLAIMS, Claims
from rs_assets.store.directory_documents import DirectoryHome
from rs_assets.store.directory_sink import DirectorySink
from rs_assets.store.documents import Documents
from rs_assets.store.object_documents import ObjectHome
from rs_assets.store.object_sink import ObjectStoreSink
from rs_assets.store.s3 import s3_bucket
from rs_assets.store.sink import Sink


@dataclass(frozen=True, slots=True)
class OpenStore:
    """A store that is ready to be used. Nothing is made, read or connected to before that."""

    sink: Sink
    """Its objects."""
    documents: Documents
    """The documents beside them."""


def open_store(settings: Store, claims: Claims = PROCESS_CLAIMS) -> OpenStore:
    """The store that the settings name.

    Args:
        settings: where it is.
        claims: keep a second writer away from an object where the store itself does not, as a bucket; without any,
            only one of this process.
    """
    match settings:
        case DirectoryStore(path=path):
            return OpenStore(DirectorySink(path), Documents(DirectoryHome(path)))
        case S3Store():
            bucket = s3_bucket(settings)
    sink = ObjectStoreSink(
        bucket,
        part_size=settings.part_size,
        parts_at_once=settings.parts_at_once,
        conditional_writes=settings.conditional_writes,
        claims=claims,
    )
    return OpenStore(sink, Documents(ObjectHome(bucket)))


def open_bucket(settings: S3Store) -> Bucket:
    """A bucket that files are read from, rather than staged to; nothing is connected to before its first use."""
    return s3_bucket(settings)
