"""Documents as objects of an object store."""

from collections.abc import Iterator
from contextlib import contextmanager

import obstore

from rs_assets.errors import StoreError
from rs_assets.store.bucket import Bucket
from rs_assets.store.document_home import Facts
from rs_assets.store.problems import FAULTS

_PARTS_AT_ONCE = 2


class ObjectHome:
    """A bucket below a prefix."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    @property
    def place(self) -> str:
        return self._bucket.place

    def url(self, path: str) -> str:
        return self._bucket.url(path)

    def names(self, folder: str) -> list[str]:
        with self._errors(folder, "read"):
            listed = obstore.list_with_delimiter(self._bucket.client, folder)["objects"]
        # An object that is called like the folder, with a slash, marks it in some stores; it is listed without.
        return [facts["path"].removeprefix(f"{folder}/") for facts in listed if facts["path"] != folder]

    def facts(self, path: str) -> Facts:
        with self._errors(path, "read"):
            facts = obstore.head(self._bucket.client, path)
        return Facts(facts["size"], facts["last_modified"])

    def read(self, path: str) -> bytes:
        with self._errors(path, "read"):
            return bytes(obstore.get(self._bucket.client, path).bytes())

    def write(self, path: str, content: bytes) -> None:
        with self._errors(path, "written"):
            obstore.put(self._bucket.client, path, content, max_concurrency=_PARTS_AT_ONCE)

    def copy(self, path: str, to: str) -> None:
        with self._errors(path, f"copied to {to}"):
            obstore.copy(self._bucket.client, path, to)

    def delete(self, path: str) -> None:
        with self._errors(path, "deleted"):
            obstore.delete(self._bucket.client, path)

    @contextmanager
    def _errors(self, path: str, deed: str) -> Iterator[None]:
        try:
            yield
        except (*FAULTS, ValueError) as error:
            problem = self._bucket.explain(error)
            if isinstance(error, FileNotFoundError) and not problem.for_all:
                raise
            # The original text may hold what the server wrote, e.g. what was signed.
            raise StoreError(f"{path} in the store {self.place} cannot be {deed}: {problem.reason}") from None
