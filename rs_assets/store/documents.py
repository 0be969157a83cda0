"""The documents of a store, wherever that is."""

import json
import random
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rs_assets.errors import DamagedDocumentError, StoreError
from rs_assets.locks import Locks, exclusive

Document = dict[str, Any]

_MAX_CONFLICTS = 100
_PAUSE_S = 0.05


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a document without reading it."""

    size: int
    """In bytes."""
    modified: datetime
    """When it was last written, aware UTC."""


class Documents(ABC):
    """The documents of a store, by path, e.g. ``search_results/adgs/2026-11-01/S1.json``.

    Each is replaced whole: a reader, or a machine that lost its power, sees the old one or the new one. Every method
    raises `StoreError`, which names the path, where the store cannot do what it shall.
    """

    def __init__(self, place: str, locks: Locks) -> None:
        """Take where the store is, for people to read, and the locks of all who update its documents."""
        self.place = place
        self._locks = locks

    @abstractmethod
    def url(self, path: str) -> str:
        """Where people and STAC tools find the document."""

    def names(self, folder: str) -> list[str]:
        """The names of the documents directly in a folder, sorted; none where there is no such folder.

        What begins with a dot is left out, e.g. documents that are being written, and so is what is not a plain file.
        """
        with suppress(FileNotFoundError):
            return sorted(name for name in self._names(folder) if not name.startswith("."))
        return []

    def folders(self, folder: str) -> list[str]:
        """The names of the folders directly in a folder, sorted; none where there is no such folder."""
        with suppress(FileNotFoundError):
            return sorted(name for name in self._folders(folder) if not name.startswith("."))
        return []

    def size(self, path: str) -> int | None:
        """How many bytes the document has; None if there is none."""
        with suppress(FileNotFoundError):
            return self._facts(path).size
        return None

    def modified(self, path: str) -> datetime | None:
        """When the document was last written, aware UTC; None if there is none."""
        with suppress(FileNotFoundError):
            return self._facts(path).modified
        return None

    def read(self, path: str) -> Document | None:
        """The document, or None if there is none.

        Raises:
            StoreError: it cannot be read.
            DamagedDocumentError: it is not a JSON object.
        """
        content = self.read_bytes(path)
        return None if content is None else self._parsed(path, content)

    def read_bytes(self, path: str) -> bytes | None:
        """The document's bytes, whatever they are, or None if there is none."""
        with suppress(FileNotFoundError):
            return self._read(path)[0]
        return None

    def write(self, path: str, document: Mapping[str, Any]) -> None:
        """Replace the document, whatever it was; `update` is for one that others write as well."""
        self.write_bytes(path, _serialized(document))

    @abstractmethod
    def write_bytes(self, path: str, content: bytes) -> None:
        """Replace the document by these bytes, as `write` does."""

    def create(self, path: str, content: bytes) -> bool:
        """Write a document that does not exist yet; False, and nothing changed, if it does."""
        with self.locked(path):
            return self.size(path) is None and self._write_if(path, content, None)

    def update(self, path: str, change: Callable[[Document | None], Mapping[str, Any]]) -> None:
        """Replace the document by what `change` makes of it, losing nothing that others write meanwhile.

        Processes with the same locks wait for each other. Where the store has conditional writes, others are noticed
        too, and `change` is called again with what they have written.

        Raises:
            StoreError: it cannot be read or written, or others have changed it every time.
            LockError: another process has held it for too long.
        """
        for _ in range(_MAX_CONFLICTS):
            with self.locked(path):
                found: tuple[bytes | None, Any] = (None, None)
                with suppress(FileNotFoundError):
                    found = self._read(path)
                content, version = found
                changed = change(None if content is None else self._parsed(path, content))
                if self._write_if(path, _serialized(changed), version):
                    return
            time.sleep(random.uniform(0, _PAUSE_S))  # noqa: S311 - spreads the tries, keeps no secret
        raise StoreError(f"{path} in the store {self.place} was changed by others {_MAX_CONFLICTS} times in a row")

    def locked(self, path: str) -> AbstractContextManager[None]:
        """Keep processes with the same locks from creating or updating the document while the block runs.

        Raises:
            LockError: another process has held it for too long.
        """
        return exclusive(self._locks, f"documents/{self.url(path).replace('/', ' ')}")

    def copy(self, path: str, to: str) -> None:
        """Replace the document at `to` by the one at `path`, of whatever size; without one that is an error."""
        try:
            self._copy(path, to)
        except FileNotFoundError:
            what = f"{path} in the store {self.place} cannot be copied to {to}"
            raise StoreError(f"{what}: there is no such document") from None

    def delete(self, path: str) -> None:
        """Delete the document, if there is one."""
        with suppress(FileNotFoundError):
            self._delete(path)

    def delete_folder(self, folder: str) -> None:
        """Delete the documents directly in a folder that nobody writes to any more, and the folder."""
        for name in self.names(folder):
            self.delete(f"{folder}/{name}")
        self._remove_folder(folder)

    def _remove_folder(self, folder: str) -> None:  # noqa: B027 - a bucket has no folders
        """Remove a folder, if it is empty."""

    # What a kind of store does; a document or folder that is missing is a FileNotFoundError.

    @abstractmethod
    def _names(self, folder: str) -> list[str]:
        """In any order, without folders and without links."""

    @abstractmethod
    def _folders(self, folder: str) -> list[str]:
        """In any order."""

    @abstractmethod
    def _facts(self, path: str) -> Facts: ...

    @abstractmethod
    def _read(self, path: str) -> tuple[bytes, Any]:
        """The bytes, and the version that `_write_if` shall replace."""

    @abstractmethod
    def _write_if(self, path: str, content: bytes, version: Any) -> bool:
        """Replace that version, or create the document where it is None; False if the store has another one by now.

        Called with the document's lock held, which is enough where the store has no conditional writes.
        """

    @abstractmethod
    def _copy(self, path: str, to: str) -> None: ...

    @abstractmethod
    def _delete(self, path: str) -> None: ...

    def _parsed(self, path: str, content: bytes) -> Document:
        try:
            document = json.loads(content)
        except ValueError as error:
            raise DamagedDocumentError(f"{path} in the store {self.place} is not JSON: {error}") from error
        if not isinstance(document, dict):
            raise DamagedDocumentError(f"{path} in the store {self.place} is not a JSON object")
        return document


def _serialized(document: Mapping[str, Any]) -> bytes:
    # A product's name may hold what UTF-8 cannot; JSON's own escapes can.
    return json.dumps(document, indent=1, ensure_ascii=True, allow_nan=False).encode()
