"""What the tests of this folder have in common."""

from rs_assets.locks import Locks
from rs_assets.settings import S3Store
from rs_assets.store import open_store
from rs_assets.store.object_sink import ObjectStoreSink
from rs_assets.store.opening import PROCESS_LOCKS


def object_sink(store: S3Store, locks: Locks = PROCESS_LOCKS) -> ObjectStoreSink:
    """The objects of the bucket that the settings name."""
    sink = open_store(store, locks).sink
    assert isinstance(sink, ObjectStoreSink)
    return sink
