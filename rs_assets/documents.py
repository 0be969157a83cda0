"""Small documents in the store, beside the objects: search results, staging manifests, requests."""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

from rs_assets.errors import StoreError
from rs_assets.settings import DirectoryStore

Document = dict[str, Any]


class Documents:
    """The documents of a store, by path, e.g. ``search_results/adgs/2026-11-01/S1.json``."""

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

    def names(self, folder: str) -> list[str]:
        """The names of the documents directly in a folder, sorted; none where there is no such folder.

        What begins with a dot is left out, e.g. documents that are being written, and so is what is no plain file.

        Raises:
            StoreError: the folder cannot be read.
        """
        with self._errors(folder, "read"), suppress(FileNotFoundError), os.scandir(self._root / folder) as entries:
            return sorted(
                entry.name
                for entry in entries
                if not entry.name.startswith(".") and entry.is_file(follow_symlinks=False)
            )
        return []

    def size(self, path: str) -> int | None:
        """How many bytes the document has; None if there is none.

        Raises:
            StoreError: that cannot be told.
        """
        facts = self._facts(path)
        return None if facts is None else facts.st_size

    def modified(self, path: str) -> datetime | None:
        """When the document was last written, aware UTC; None if there is none.

        Raises:
            StoreError: that cannot be told.
        """
        facts = self._facts(path)
        return None if facts is None else datetime.fromtimestamp(facts.st_mtime, UTC)

    def read(self, path: str) -> Document | None:
        """The document, or None if there is none.

        Raises:
            StoreError: it cannot be read, or is no JSON object.
        """
        content = self.read_bytes(path)
        if content is None:
            return None
        try:
            document = json.loads(content)
        except ValueError as error:
            raise StoreError(f"{path} in the store {self._root} is not JSON: {error}") from error
        if not isinstance(document, dict):
            raise StoreError(f"{path} in the store {self._root} is no JSON object")
        return document

    def read_bytes(self, path: str) -> bytes | None:
        """The document's bytes, whatever they are, or None if there is none.

        Raises:
            StoreError: it cannot be read.
        """
        with self._errors(path, "read"), suppress(FileNotFoundError):
            return (self._root / path).read_bytes()
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
        with self._errors(path, "written"):
            _replace(self._root / path, lambda file: file.write(content))

    def copy(self, path: str, to: str) -> None:
        """Replace the document at `to` whole by the one at `path`, of whatever size.

        Raises:
            StoreError: there is no document at `path`, or `to` cannot be written.
        """
        with self._errors(path, f"copied to {to}"), (self._root / path).open("rb") as original:
            _replace(self._root / to, lambda file: shutil.copyfileobj(original, file))

    def delete(self, path: str) -> None:
        """Delete the document, if there is one.

        Raises:
            StoreError: it cannot be deleted.
        """
        with self._errors(path, "deleted"):
            (self._root / path).unlink(missing_ok=True)

    def _facts(self, path: str) -> os.stat_result | None:
        with self._errors(path, "read"), suppress(FileNotFoundError):
            return (self._root / path).stat()
        return None

    @contextmanager
    def _errors(self, path: str, deed: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(f"{path} in the store {self._root} cannot be {deed}: {error.strerror}") from error


def _replace(target: Path, write: Callable[[BinaryIO], object]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    # Without the target's name in it, the longest name that the file system takes can be written.
    part = target.with_name(f".{uuid4().hex}.part")
    try:
        with part.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
