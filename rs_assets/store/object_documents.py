"""Documents as objects of an object store."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import obstore
from obstore.exceptions import AlreadyExistsError, InvalidPathError, PreconditionError

from rs_assets.errors import StoreError
from rs_assets.locks import Locks
from rs_assets.store.bucket import Bucket
from rs_assets.store.documents import Documents, Facts
from rs_assets.store.problems import FAULTS, is_unsupported

_PARTS_AT_ONCE = 2
_NO_VERSION = {"e_tag": f'"{"0" * 32}"'}
"""A version that no document has."""


class ObjectDocuments(Documents):
    """Documents in a bucket below a prefix."""

    def __init__(self, bucket: Bucket, locks: Locks, *, conditional_writes: bool | None = None) -> None:
        """Take a bucket.

        Args:
            bucket: where the documents are.
            locks: those of all who update the documents.
            conditional_writes: whether the store honours ``If-Match``; None to find out.
        """
        super().__init__(bucket.place, locks)
        self._bucket = bucket
        self._honours_conditions = conditional_writes

    def url(self, path: str) -> str:
        return self._bucket.url(path)

    def write_bytes(self, path: str, content: bytes) -> None:
        with self._errors(path, "written"):
            obstore.put(self._bucket.client, path, content, max_concurrency=_PARTS_AT_ONCE)

    def _names(self, folder: str) -> list[str]:
        with self._errors(folder, "read"):
            try:
                listed = obstore.list_with_delimiter(self._bucket.client, folder)["objects"]
            except InvalidPathError:
                if self._bucket.list_strange is None:
                    raise
                return self._bucket.list_strange(folder)
        # An object that is called like the folder, with a slash, marks it in some stores; it is listed without.
        return [facts["path"].removeprefix(f"{folder}/") for facts in listed if facts["path"] != folder]

    def _folders(self, folder: str) -> list[str]:
        with self._errors(folder, "read"):
            prefixes = obstore.list_with_delimiter(self._bucket.client, folder)["common_prefixes"]
        return [prefix.removeprefix(f"{folder}/").rstrip("/") for prefix in prefixes]

    def _facts(self, path: str) -> Facts:
        with self._errors(path, "read"):
            facts = obstore.head(self._bucket.client, path)
        return Facts(facts["size"], facts["last_modified"])

    def _read(self, path: str) -> tuple[bytes, Any]:
        with self._errors(path, "read"):
            answer = obstore.get(self._bucket.client, path)
            return bytes(answer.bytes()), {
                name: answer.meta[name] for name in ("e_tag", "version") if answer.meta[name]
            }

    def _write_if(self, path: str, content: bytes, version: Any) -> bool:
        with self._errors(path, "written"):
            if self._honours_conditions is None:
                self._honours_conditions = self._refuses(path, content)
                if not self._honours_conditions:
                    return True
            if self._honours_conditions:
                return self._put(path, content, "create" if version is None else version)
        self.write_bytes(path, content)
        return True

    def _refuses(self, path: str, content: bytes) -> bool:
        """Whether the store refuses to replace a version that there is not; if it does not, the content is written."""
        try:
            return not self._put(path, content, _NO_VERSION)
        except FAULTS as error:
            if not is_unsupported(error):
                raise
        self.write_bytes(path, content)
        return False

    def _put(self, path: str, content: bytes, mode: Any) -> bool:
        try:
            obstore.put(self._bucket.client, path, content, mode=mode, use_multipart=False)
        except (AlreadyExistsError, PreconditionError):
            return False
        except FileNotFoundError as error:
            # The document that was to be replaced, or the bucket.
            if self._bucket.explain(error).for_all:
                raise
            return False
        return True

    def _copy(self, path: str, to: str) -> None:
        with self._errors(path, f"copied to {to}"):
            obstore.copy(self._bucket.client, path, to)

    def _delete(self, path: str) -> None:
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
