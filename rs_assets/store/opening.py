"""The sink of the store that the settings name."""

from rs_assets.settings import S3Store, Store
from rs_assets.store.claims import PROCESS_CLAIMS, Claims
from rs_assets.store.directory_sink import DirectorySink
from rs_assets.store.object_sink import ObjectStoreSink
from rs_assets.store.sink import Sink


def sink_of(settings: Store, claims: Claims = PROCESS_CLAIMS) -> Sink:
    """Where files are staged to; `claims` keep two writers from one object where the store itself does not."""
    if isinstance(settings, S3Store):
        return ObjectStoreSink.of(settings, claims)
    return DirectorySink(settings.path)
