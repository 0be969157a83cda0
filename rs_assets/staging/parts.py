"""Files in the making: written under a unique name, locked while their writer lives, published by a link.

The lock is the kernel's (``flock``), so it ends with its process however that dies, and it is seen by every
container that shares the directory. A part that can be locked has therefore no writer any more.
"""

import errno
import fcntl
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from rs_assets.errors import StoreError
from rs_assets.staging.faults import StoreUnusableError

_logger = logging.getLogger(__name__)

_UNUSABLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})


@contextmanager
def store_errors(path: Path) -> Iterator[None]:
    """Turn an `OSError` into a `StoreError` that names the file, or a `StoreUnusableError` where all would fail."""
    try:
        yield
    except OSError as error:
        kind = StoreUnusableError if error.errno in _UNUSABLE else StoreError
        raise kind(f"the store cannot use {path}: {error.strerror or error}") from error


class Part:
    """One file in the making.

    Every method blocks and may be called from any thread. `abandon` may come while another one still runs in the
    thread of a cancelled task; the lock makes it wait for that one, and no later one does anything.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._path = directory
        self._descriptor: int | None = None
        self._written = 0
        self._abandoned = False
        self._lock = threading.Lock()

    def open(self, size: int | None) -> None:
        """Begin the file and make room for `size` bytes.

        Raises:
            StoreUnusableError: there is no room for it.
            StoreError: it cannot be written.
        """
        with self._lock, store_errors(self._directory):
            if self._abandoned:
                return
            self._directory.mkdir(parents=True, exist_ok=True)
            while self._descriptor is None:
                self._create()
            if size:
                _make_room(self._descriptor, size)

    def write(self, data: bytes) -> None:
        """Add bytes.

        Raises:
            StoreUnusableError: there is no more room.
            StoreError: it cannot be written.
        """
        with self._lock, store_errors(self._path):
            rest = memoryview(data)
            while rest:
                count = os.write(self._file(), rest)
                self._written += count
                rest = rest[count:]

    def publish(self, path: Path, root: Path) -> bool:
        """Give the file its final name, durably; False, and nothing changed, if that name is taken.

        Raises:
            StoreError: it cannot be published.
        """
        with self._lock, store_errors(path):
            # More room than was needed may have been made.
            os.ftruncate(self._file(), self._written)
            os.fsync(self._file())
            if not self._link(path):
                return False
            for directory in path.parents:
                _sync_directory(directory)
                if directory == root:
                    break
            return True

    def abandon(self) -> None:
        """Remove the part; a published file stays."""
        with self._lock:
            self._abandoned = True
            if self._descriptor is not None:
                with suppress(OSError):
                    self._path.unlink(missing_ok=True)
                os.close(self._descriptor)
                self._descriptor = None

    def _create(self) -> None:
        path = self._directory / f"{uuid4().hex}.part"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        # Between creation and lock another process may take the part for a stale one and remove it.
        if _lock(descriptor) and os.fstat(descriptor).st_nlink:
            self._path, self._descriptor = path, descriptor
        else:
            os.close(descriptor)

    def _file(self) -> int:
        if self._descriptor is None:
            raise StoreError(f"{self._path} is closed")
        return self._descriptor

    def _link(self, path: Path) -> bool:
        while True:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                path.hardlink_to(self._path)
            except FileExistsError:
                return False
            except FileNotFoundError:
                # A deletion beside has just removed the directory, empty as it was; the part itself must be there.
                self._path.stat()
            else:
                return True


def remove_stale(directory: Path) -> None:
    """Remove the parts in `directory` that no process is writing."""
    for path in directory.glob("*.part"):
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        except OSError as error:
            _logger.warning("the part %s is left, since it cannot be opened: %s", path, error.strerror)
            continue
        try:
            if _lock(descriptor):
                path.unlink(missing_ok=True)
        finally:
            os.close(descriptor)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _make_room(descriptor: int, size: int) -> None:
    try:
        os.posix_fallocate(descriptor, 0, size)
    except OSError as error:
        # Some file systems cannot reserve room; a full disk then shows while writing.
        if error.errno not in {errno.EOPNOTSUPP, errno.EINVAL}:
            raise


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
