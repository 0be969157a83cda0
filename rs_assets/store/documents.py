"""The documents of a store, wherever that is."""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from rs_assets.errors import StoreError
from rs_assets.store.document_home import Facts, Home

Document = dict[str, Any]


class Documents:
    """The documents of a store, by path, e.g. ``search_results/adgs/2026-11-01/S1.json``."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def url(self, path: str) -> str:
        """Where people and STAC tools find the document."""
        return self._home.url(path)

    def names(self, folder: str) -> list[str]:
        """The names of the documents directly in a folder, sorted; none where there is no such folder.

        What begins with a dot is left out, e.g. documents that are being written, and so is what is no plain file.

        Raises:
            StoreError: the folder cannot be read.
        """
        with suppress(FileNotFoundError):
            return sorted(name for name in self._home.names(folder) if not name.startswith("."))
        return []

    def size(self, path: str) -> int | None:
        """How many bytes the document has; None if there is none.

        Raises:
            StoreError: that cannot be told.
        """
        facts = self._facts(path)
        return None if facts is None else facts.size

    def modified(self, path: str) -> datetime | None:
        """When the document was last written, aware UTC; None if there is none.

        Raises:
            StoreError: that cannot be told.
        """
        facts = self._facts(path)
        return None if facts is None else facts.modified

    def read(self, path: str) -> Document | None:
        """The document, or None if there is none.

        Raises:
            StoreError: it cannot be read, or is not a JSON object.
        """
        content = self.read_bytes(path)
        if content is None:
            return None
        try:
            document = json.loads(content)
        except ValueError as error:
            raise StoreError(f"{path} in the store {self._home.place} is not JSON: {error}") from error
        if not isinstance(document, dict):
            raise StoreError(f"{path} in the store {self._home.place} is not a JSON object")
        return document

    def read_bytes(self, path: str) -> bytes | None:
        """The document's bytes, whatever they are, or None if there is none.

        Raises:
            StoreError: it cannot be read.
        """
        with suppress(FileNotFoundError):
            return self._home.read(path)
        return None

    def write(self, path: str, document: Mapping[str, Any]) -> None:
        """Replace the document whole: a reader, or a machine that lost its power, sees the old one or the new one.

        Raises:
            StoreError: it cannot be written.
        """
        # A product's name may hold what UTF-8 cannot; JSON's own escapes can.
        self.write_bytes(path, json.dumps(document, indent=1, ensure_ascii=True, allow_nan=False).encode())

    def write_bytes(self, path: str, content: bytes) -> None:
        """Replace the document whole by these bytes, as `write` does.

        Raises:
            StoreError: it cannot be written.
        """
        self._home.write(path, content)

    def copy(self, path: str, to: str) -> None:
        """Replace the document at `to` whole by the one at `path`, of whatever size.

        Raises:
            StoreError: there is no document at `path`, or `to` cannot be written.
        """
        try:
            self._home.copy(path, to)
        except FileNotFoundError:
            place = self._home.place
            raise StoreError(
                f"{path} in the store {place} cannot be copied to {to}: there is no such document"
            ) from None

    def delete(self, path: str) -> None:
        """Delete the document, if there is one.

        Raises:
            StoreError: it cannot be deleted.
        """
        with suppress(FileNotFoundError):
            self._home.delete(path)

    def _facts(self, path: str) -> Facts | None:
        with suppress(FileNotFoundError):
            return self._home.facts(path)
        return None
