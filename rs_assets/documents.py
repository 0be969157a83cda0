"""Small JSON documents in the store, beside the objects: search results and staging manifests."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from rs_assets.errors import StoreError
from rs_assets.settings import DirectoryStore

Document = dict[str, Any]


class Documents:
    """The JSON documents of a store, by path, e.g. ``search_results/adgs/2026-11-01/S1.json``."""

    def __init__(self, root: Path) -> None:
        """Take the documents below a directory, which is made when the first one is written."""
        self._root = root

    @classmethod
    def of(cls, settings: DirectoryStore) -> "Documents":
        """The documents of the store that the settings name."""
        return cls(settings.path)

    def url(self, path: str) -> str:
        """Where people and STAC tools find the document."""
        return (self._root / path).as_uri()

    def read(self, path: str) -> Document | None:
        """The document, or None if there is none.

        Raises:
            StoreError: it cannot be read, or is no JSON object.
        """
        try:
            document = json.loads((self._root / path).read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"{path} in the store {self._root} cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise StoreError(f"{path} in the store {self._root} is not JSON: {error}") from error
        if not isinstance(document, dict):
            raise StoreError(f"{path} in the store {self._root} is no JSON object")
        return document

    def write(self, path: str, document: Mapping[str, Any]) -> None:
        """Replace the document whole: a reader, or a machine that lost its power, sees the old one or the new one.

        Raises:
            StoreError: it cannot be written.
        """
        # A product's name may hold what UTF-8 cannot; JSON's own escapes can.
        content = json.dumps(document, indent=1, ensure_ascii=True, allow_nan=False).encode()
        try:
            _replace(self._root / path, content)
        except OSError as error:
            raise StoreError(f"{path} in the store {self._root} cannot be written: {error.strerror}") from error


def _replace(target: Path, content: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{uuid4().hex}.part")
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
