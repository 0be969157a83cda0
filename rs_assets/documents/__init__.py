"""Small documents in the store, beside the objects: search results, staging manifests, requests."""

from rs_assets.documents.documents import Document, Documents

__all__ = ["Document", "Documents"]
