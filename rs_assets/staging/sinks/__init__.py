"""Where files go: objects that appear whole or not at all, in a directory or in an object store."""

from rs_assets.staging.sinks.sink import Sink, StoredObject, Writer

__all__ = ["Sink", "StoredObject", "Writer"]
