"""What the tests of this folder have in common."""

from rs_assets.settings import S3Store
from rs_assets.store import open_store
from rs_assets.store.claims import PROCESS_CLAIMS, Claims
from rs_assets.store.object_sink import ObjectStoreSink


def object_sink(store: S3Store, claims: Claims = PROCESS_CLAIMS) -> ObjectStoreSink:
    """The objects of the bucket that the settings name."""
    sink = open_store(store, claims).sink
    assert isinstance(sink, ObjectStoreSink)
    return sink
