"""What a store offers to its documents."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a document without reading it."""

    size: int
    """In bytes."""
    modified: datetime
    """When it was last written, aware UTC."""


class Home(Protocol):
    """A place for documents, by path. Where a document or folder is missing, `FileNotFoundError` is raised.

    Every method raises `StoreError` where the store cannot do what it shall; its message names the path.
    """

    @property
    def place(self) -> str:
        """Where it is, for people to read."""
        ...

    def url(self, path: str) -> str:
        """Where people and STAC tools find the document."""
        ...

    def names(self, folder: str) -> list[str]:
        """The names of what is directly in a folder, in any order, without folders and without links."""
        ...

    def facts(self, path: str) -> Facts:
        """What is known of the document."""
        ...

    def read(self, path: str) -> bytes:
        """Its bytes."""
        ...

    def write(self, path: str, content: bytes) -> None:
        """Replace the document whole: whoever reads sees the old one or the new one, and a crash leaves either."""
        ...

    def copy(self, path: str, to: str) -> None:
        """Replace the document at `to` whole by the one at `path`, of whatever size."""
        ...

    def delete(self, path: str) -> None:
        """Delete the document."""
        ...
