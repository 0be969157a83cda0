"""Documents as files below a directory, which is made when the first one is written."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from rs_assets.errors import StoreError
from rs_assets.locks import Locks
from rs_assets.store.documents import Documents, Facts
from rs_assets.store.parts import PARTS


class DirectoryDocuments(Documents):
    """Documents in a directory of this machine."""

    def __init__(self, root: Path, locks: Locks) -> None:
        super().__init__(str(root), locks)
        self._root = root

    def url(self, path: str) -> str:
        return (self._root / path).absolute().as_uri()

    def write_bytes(self, path: str, content: bytes) -> None:
        with self._errors(path, "written", missing_is_known=False):
            self._replace(path, lambda file: file.write(content))

    def _names(self, folder: str) -> list[str]:
        with self._errors(folder, "read"), os.scandir(self._root / folder) as entries:
            return [entry.name for entry in entries if entry.is_file(follow_symlinks=False)]

    def _folders(self, folder: str) -> list[str]:
        with self._errors(folder, "read"), os.scandir(self._root / folder) as entries:
            return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]

    def _facts(self, path: str) -> Facts:
        with self._errors(path, "read"):
            status = (self._root / path).stat()
        return Facts(status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))

    def _read(self, path: str) -> tuple[bytes, object]:
        with self._errors(path, "read"):
            return (self._root / path).read_bytes(), True

    def _write_if(self, path: str, content: bytes, version: object) -> bool:
        with self._errors(path, "written", missing_is_known=False):
            try:
                self._replace(path, lambda file: file.write(content), is_new=version is None)
            except FileExistsError:
                return False
        return True

    def _copy(self, path: str, to: str) -> None:
        with self._errors(path, f"copied to {to}"), (self._root / path).open("rb") as original:
            self._replace(to, lambda file: shutil.copyfileobj(original, file))

    def _delete(self, path: str) -> None:
        with self._errors(path, "deleted"):
            (self._root / path).unlink()

    def _replace(self, path: str, write: Callable[[BinaryIO], object], *, is_new: bool = False) -> None:
        """Write the file whole; `FileExistsError` where it must be new and is not."""
        target, parts = self._root / path, self._root / PARTS
        for directory in (target.parent, parts):
            directory.mkdir(parents=True, exist_ok=True)
        # Beside those of objects, so that what a killed process leaves is removed with theirs.
        part = parts / f"{uuid4().hex}.document.part"
        try:
            with part.open("xb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            if is_new:
                target.hardlink_to(part)
            else:
                part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    def _remove_folder(self, folder: str) -> None:
        with suppress(OSError):  # it is not there, or somebody has put something else into it
            (self._root / folder).rmdir()

    @contextmanager
    def _errors(self, path: str, deed: str, *, missing_is_known: bool = True) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if missing_is_known and isinstance(error, FileNotFoundError):
                raise
            raise StoreError(f"{path} in the store {self.place} cannot be {deed}: {error.strerror}") from error
