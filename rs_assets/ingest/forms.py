"""The stored forms of what is kept of a partition: their versions, the way up from earlier ones, what damage costs."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rs_assets.errors import DamagedDocumentError, StoreError
from rs_assets.store import Document, Documents


@dataclass(frozen=True)
class Form:
    """How one kind of document is stored."""

    name: str
    """As messages call it, e.g. ``staging manifest``."""
    version: int
    """The one that is written."""
    loss: str
    """What it costs to delete one."""
    section: str | None = None
    """The part of the document that is ours and states the version; None where all of it is."""
    upgrades: Mapping[int, Callable[[Document], Document]] | None = None
    """By version, what makes a document one of the next version."""

    def current(self, document: Mapping[str, Any], of: str) -> Document:
        """The document in the form that is written, whatever earlier version it is of.

        Args:
            document: as it was read; it stays as it is.
            of: what it is about, for messages.

        Raises:
            StoreError: a newer program has written it.
            DamagedDocumentError: it states no version.
        """
        version = self._version_of(document)
        if not isinstance(version, int) or version < 1:
            raise DamagedDocumentError(f"the {self.name} of {of} has version {version!r}, which never was one")
        if version > self.version:
            raise StoreError(
                f"the {self.name} of {of} has version {version}, this program reads up to {self.version}; a newer "
                "program has written it: use that one"
            )
        found = dict(document)
        for earlier in range(version, self.version):
            found = (self.upgrades or {})[earlier](found)
        return found

    def refuse_newer(self, documents: Documents, path: str) -> None:
        """Make sure that no document of a newer program is written over.

        Raises:
            StoreError: there is one, or it cannot be read. One that is damaged may be replaced.
        """
        try:
            document = documents.read(path)
            if document is not None:
                self.current(document, path)
        except DamagedDocumentError:
            return

    @contextmanager
    def explained(self, path: str) -> Iterator[None]:
        """Say of a document that is damaged what may be done.

        Raises:
            StoreError: it is damaged.
        """
        try:
            yield
        except DamagedDocumentError as error:
            raise StoreError(f"{error}; delete {path}: {self.loss}") from error

    def _version_of(self, document: Mapping[str, Any]) -> object:
        ours = document if self.section is None else document.get(self.section)
        return ours.get("schema_version") if isinstance(ours, Mapping) else None
