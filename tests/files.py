"""Records of files, as tests need them."""

from collections.abc import Sequence

from rs_assets.items.files import FileRecord
from rs_assets.items.multihash import Digest


def file_at(key: str, href: str = "", size: int | None = None, digests: Sequence[Digest] = ()) -> FileRecord:
    """A file that a station shows, and that is to have this key in the store."""
    collection, item_id, source_id, asset = key.split("/")
    return FileRecord(
        collection=collection,
        item_id=item_id,
        asset=asset,
        source_id=source_id,
        source_href=href,
        stated_size=size,
        stated_digests=tuple(digests),
    )
