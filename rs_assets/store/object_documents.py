"""Documents as objects of an object store."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property

import obstore
from obstore.store import ObjectStore

from rs_assets.errors import StoreError
from rs_assets.store.bucket import FAULTS, explained, object_url
from rs_assets.store.document_home import Facts

_PARTS_AT_ONCE = 2


class ObjectHome:
    """A bucket below a prefix; opened at first use."""

    def __init__(self, opening: Callable[[], ObjectStore], place: str) -> None:
        self._opening = opening
        self.place = place

    def url(self, path: str) -> str:
        return object_url(self.place, path)

    def names(self, folder: str) -> list[str]:
        with self._errors(folder, "read"):
            listed = obstore.list_with_delimiter(self._store, folder)["objects"]
        # An object that is called like the folder, with a slash, marks it in some stores; it is listed without.
        return [facts["path"].removeprefix(f"{folder}/") for facts in listed if facts["path"] != folder]

    def facts(self, path: str) -> Facts:
        with self._errors(path, "read"):
            facts = obstore.head(self._store, path)
        return Facts(facts["size"], facts["last_modified"])

    def read(self, path: str) -> bytes:
        with self._errors(path, "read"):
            return bytes(obstore.get(self._store, path).bytes())

    def write(self, path: str, content: bytes) -> None:
        with self._errors(path, "written"):
            obstore.put(self._store, path, content, max_concurrency=_PARTS_AT_ONCE)

    def copy(self, path: str, to: str) -> None:
        with self._errors(path, f"copied to {to}"):
            obstore.copy(self._store, path, to)

    def delete(self, path: str) -> None:
        with self._errors(path, "deleted"):
            obstore.delete(self._store, path)

    @cached_property
    def _store(self) -> ObjectStore:
        return self._opening()

    @contextmanager
    def _errors(self, path: str, deed: str) -> Iterator[None]:
        try:
            yield
        except (*FAULTS, ValueError) as error:
            trouble = explained(error)
            if isinstance(error, FileNotFoundError) and not trouble.for_all:
                raise
            # The original text may hold what the server wrote, e.g. what was signed.
            raise StoreError(f"{path} in the store {self.place} cannot be {deed}: {trouble.reason}") from None
