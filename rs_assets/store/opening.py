"""Opening the store that the settings name: the only place that tells the kinds of stores apart."""

from dataclasses import dataclass

from rs_assets.locks import Locks, MemoryLocks
from rs_assets.settings import AzureStore, BucketStore, DirectoryStore, GcsStore, S3Store, Store
from rs_assets.store.azure import azure_bucket
from rs_assets.store.bucket import Bucket
from rs_assets.store.directory_documents import DirectoryDocuments
from rs_assets.store.directory_sink import DirectorySink
from rs_assets.store.documents import Documents
from rs_assets.store.gcs import gcs_bucket
from rs_assets.store.object_documents import ObjectDocuments
from rs_assets.store.object_sink import ObjectStoreSink
from rs_assets.store.s3 import s3_bucket
from rs_assets.store.sink import Sink

PROCESS_LOCKS = MemoryLocks()
"""Those of this process."""


@dataclass(frozen=True, slots=True)
class OpenStore:
    """A store that is ready to be used. Nothing is made, read or connected to before that."""

    sink: Sink
    """Its objects."""
    documents: Documents
    """The documents beside them."""


def open_store(settings: Store, locks: Locks = PROCESS_LOCKS) -> OpenStore:
    """The store that the settings name.

    Args:
        settings: where it is.
        locks: exclude a second writer where the store itself does not; without any, only one of this process.
    """
    match settings:
        case DirectoryStore(path=path):
            return OpenStore(DirectorySink(path), DirectoryDocuments(path, locks))
        case S3Store():
            honoured = settings.conditional_writes
            # A server may honour If-None-Match without honouring If-Match, so that is found out.
            updates = None if honoured else honoured
            return _opened(settings, s3_bucket(settings), locks, creates=honoured, updates=updates)
        case GcsStore():
            return _opened(settings, gcs_bucket(settings), locks, creates=True, updates=True)
        case AzureStore():
            return _opened(settings, azure_bucket(settings), locks, creates=True, updates=True)


def open_bucket(settings: S3Store) -> Bucket:
    """A bucket that files are read from, rather than staged to; nothing is connected to before its first use."""
    return s3_bucket(settings)


def _opened(
    settings: BucketStore, bucket: Bucket, locks: Locks, *, creates: bool | None, updates: bool | None
) -> OpenStore:
    sink = ObjectStoreSink(
        bucket,
        locks,
        part_size=settings.part_size,
        parts_at_once=settings.parts_at_once,
        conditional_writes=creates,
    )
    return OpenStore(sink, ObjectDocuments(bucket, locks, conditional_writes=updates))
