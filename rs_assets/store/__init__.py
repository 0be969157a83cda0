"""The store: objects that appear whole or not at all, and small documents beside them; a directory or a bucket.

Objects are the staged files. Documents are search results, staging manifests and requests.
"""

from rs_assets.store.documents import Document, Documents
from rs_assets.store.opening import OpenStore, open_store
from rs_assets.store.sink import Sink, StoredObject, Writer

__all__ = ["Document", "Documents", "OpenStore", "Sink", "StoredObject", "Writer", "open_store"]
