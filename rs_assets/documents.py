"""Small JSON documents in the store, beside the objects: search results and staging manifests."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore

from rs_assets.errors import StoreError
from rs_assets.settings import DirectoryStore

Document = dict[str, Any]


class Documents:
    """The JSON documents of a store, by path, e.g. ``search_results/adgs/2026-11-01/S1.json``."""

    def __init__(self, store: ObjectStore, place: str) -> None:
        self._store = store
        self._place = place

    @classmethod
    def of(cls, settings: DirectoryStore) -> "Documents":
        """The documents of the store that the settings name; its directory is made if need be.

        Raises:
            StoreError: the directory cannot be made.
        """
        try:
            settings.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"the store {settings.path} cannot be made: {error.strerror}") from error
        return cls(LocalStore(prefix=settings.path), str(settings.path))

    def url(self, path: str) -> str:
        """Where people and STAC tools find the document."""
        return Path(self._place, path).as_uri()

    def read(self, path: str) -> Document | None:
        """The document, or None if there is none.

        Raises:
            StoreError: it cannot be read, or is no JSON object.
        """
        try:
            content = bytes(obstore.get(self._store, path).bytes())
        except FileNotFoundError:
            return None
        except BaseError as error:
            raise StoreError(f"{path} in the store {self._place} cannot be read: {error}") from error
        try:
            document = json.loads(content)
        except ValueError as error:
            raise StoreError(f"{path} in the store {self._place} is not JSON: {error}") from error
        if not isinstance(document, dict):
            raise StoreError(f"{path} in the store {self._place} is no JSON object")
        return document

    def write(self, path: str, document: Mapping[str, Any]) -> None:
        """Replace the document whole: a reader sees the old one or the new one.

        Raises:
            StoreError: it cannot be written.
        """
        content = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False).encode()
        try:
            obstore.put(self._store, path, content)
        except (BaseError, OSError) as error:
            raise StoreError(f"{path} in the store {self._place} cannot be written: {error}") from error
