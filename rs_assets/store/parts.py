"""Files in the making: one of each key, locked while its writer lives, found again by the next one.

The lock is the kernel's (``flock``), so it ends with its process however that dies, and it is seen by every
container that shares the directory. A part that can be locked has therefore no writer any more: what a journal
vouches for of it is used, and the rest is written anew.
"""

import errno
import hashlib
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rs_assets.errors import StoreError
from rs_assets.locks.flock import flock_holder, is_at, try_flock
from rs_assets.store.errors import MismatchError, StoreUnusableError, TakenError
from rs_assets.store.journal import Journal
from rs_assets.store.origin import Origin
from rs_assets.store.sink import Hasher

_logger = logging.getLogger(__name__)

PARTS = ".parts"
"""The folder of a directory store in which files are made."""

_UNUSABLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})
_CHECKPOINT_BYTES = 8 << 20
"""After so many bytes the journal notes how far the part has come; a smaller file is fetched again instead."""
_READ_BYTES = 1 << 20
_KEEP_S = 86_400.0
"""How long a part without a writer is kept for the next one, in seconds."""


@contextmanager
def store_errors(path: str) -> Iterator[None]:
    """Turn an `OSError` into a `StoreError` that names the file, or a `StoreUnusableError` where all would fail."""
    try:
        yield
    except OSError as error:
        kind = StoreUnusableError if error.errno in _UNUSABLE else StoreError
        raise kind(f"the store cannot use {path}: {error.strerror or error}") from error


class Part:
    """One file in the making.

    Every method blocks and may be called from any thread. `leave` may come while another one still runs in the
    thread of a cancelled task; the lock makes it wait for that one, and no later one does anything.
    """

    def __init__(self, directory: str, key: str) -> None:
        name = hashlib.blake2b(key.encode(), digest_size=20).hexdigest()
        self.has_journal = False
        """Whether an earlier writer has left something that `recover` may use."""
        self._key = key
        # Paths are text here, since what is done with them is done a thousand times a second.
        self._path = f"{directory}/{name}.part"
        self._journal = Journal.of(self._path)
        self._descriptor: int | None = None
        self._size = 0
        self._noted = 0
        self._is_worthless = False
        self._has_left = False
        self._lock = threading.Lock()

    @property
    def is_large(self) -> bool:
        """Whether so much has been written that bringing it to the disk takes a while."""
        return self._size >= _CHECKPOINT_BYTES

    def open(self) -> None:
        """Become the writer of the part.

        Raises:
            TakenError: another one is.
            StoreUnusableError, StoreError: it cannot be written.
        """
        with self._lock, store_errors(self._path):
            while self._descriptor is None and not self._has_left:
                self._descriptor = self._opened()
            if self._descriptor is None:
                return
            self.has_journal = self._journal.exists()
            size = os.fstat(self._descriptor).st_size
            if self.has_journal or size:
                os.utime(self._descriptor)  # from now on it is in the making by this process
            if not self.has_journal and size:
                os.ftruncate(self._descriptor, 0)

    def expect(self, size: int) -> None:
        """Make sure that a file of `size` bytes has room, before any of them is fetched.

        Nothing is reserved: on some file systems that writes the whole file once more.

        Raises:
            StoreUnusableError: there is no room for it.
        """
        with self._lock, self._writing() as descriptor:
            facts = os.fstatvfs(descriptor)
            if size - self._size > facts.f_bavail * facts.f_frsize:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def recover(self, hasher: Hasher) -> Origin | None:
        """Let what an earlier writer has left pass, as far as its journal vouches for it; where it came from.

        None, and nothing has passed, where nothing can be used. The bytes are read again and held against the
        digests of the journal, so that what a machine that lost its power has not brought to the disk is noticed.
        """
        with self._lock, self._writing() as descriptor:
            record = self._journal.read(hasher.algorithm)
            vouched = _vouched(descriptor, record.checkpoints, hasher) if record else 0
            if record is None or not vouched:
                hasher.restart()
                self._start(descriptor)
                return None
            if hasher.size != vouched:
                hasher.restart()
                _pass_again(descriptor, vouched, hasher)
            os.lseek(descriptor, vouched, os.SEEK_SET)
            self._size = self._noted = vouched
            self._journal.rewrite(record.until(vouched))
            return record.origin

    def begin(self, origin: Origin, hasher: Hasher) -> None:
        """Take note of where the bytes come from that will be written."""
        with self._lock:
            self._journal.prepare(origin, hasher.algorithm)

    def write(self, data: bytes | memoryview, hasher: Hasher) -> None:
        """Add bytes, which have passed already.

        Raises:
            StoreUnusableError: there is no more room.
            StoreError: it cannot be written.
        """
        with self._lock, self._writing() as descriptor:
            rest = memoryview(data)
            while rest:
                count = os.write(descriptor, rest)
                self._size += count
                rest = rest[count:]
            if self._size - self._noted >= _CHECKPOINT_BYTES:
                self._journal.note(self._size, hasher.digest_so_far())
                self._noted = self._size

    def restart(self) -> None:
        """Forget what was written."""
        with self._lock, self._writing() as descriptor:
            self._start(descriptor)

    def begin_sync(self) -> None:
        """Let the system begin to bring the file to the disk; `publish` waits for it, and tells what went wrong."""
        with self._lock, suppress(OSError):
            if self._descriptor is not None and hasattr(os, "posix_fadvise"):
                # That its bytes are not needed in memory any more is what makes Linux begin.
                os.posix_fadvise(self._descriptor, 0, 0, os.POSIX_FADV_DONTNEED)

    def publish(self, path: str) -> bool:
        """Bring the file to the disk and give it its final name; False, and nothing changed, if that name is taken.

        The name itself is durable once its directories are brought to the disk, which is left to the caller.

        Raises:
            StoreError: it cannot be published.
        """
        with self._lock, self._writing() as descriptor:
            os.fsync(descriptor)
            is_published = self._link(path)
            self._is_worthless = True
            return is_published

    def leave(self) -> None:
        """Stop being the writer. What the journal vouches for stays for the next one; a published file stays anyway."""
        with self._lock:
            self._has_left = True
            if self._descriptor is None:
                return
            with suppress(OSError):
                if self._is_worthless or not self._noted:
                    self._journal.remove()
                    os.unlink(self._path)
                else:
                    os.ftruncate(self._descriptor, self._noted)
            os.close(self._descriptor)
            self._descriptor = None

    def _opened(self) -> int | None:
        """The locked file; None if it was removed, or has become an object, while the lock was taken."""
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(self._path), exist_ok=True)
            return None
        if not try_flock(descriptor):
            holder = flock_holder(descriptor)
            os.close(descriptor)
            raise TakenError(f"{holder or 'another process'} is writing {self._key} just now")
        if is_at(descriptor, self._path):
            if os.fstat(descriptor).st_nlink == 1:
                return descriptor
            # Its writer died after publishing it: these bytes are an object now.
            os.unlink(self._path)
            self._journal.remove()
        os.close(descriptor)
        return None

    @contextmanager
    def _writing(self) -> Iterator[int]:
        if self._descriptor is None:
            raise StoreError(f"{self._path} is closed")
        try:
            with store_errors(self._path):
                yield self._descriptor
        except StoreUnusableError:
            # The room is needed more than the bytes.
            self._is_worthless = True
            raise

    def _start(self, descriptor: int) -> None:
        self._journal.remove()
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        self._size = self._noted = 0

    def _link(self, path: str) -> bool:
        while True:
            try:
                os.link(self._path, path)
            except FileExistsError:
                return False
            except FileNotFoundError:
                # The directory is not there yet, or a deletion beside has just removed it; the part must be.
                os.stat(self._path)
                os.makedirs(os.path.dirname(path), exist_ok=True)
            else:
                return True


def remove_stale(directory: str, *, now: float | None = None) -> None:
    """Remove the parts in `directory` that have no writer, and that none has come back for in a day.

    Args:
        directory: where the parts are.
        now: seconds since 1970; the present where None.

    Raises:
        StoreError: the directory cannot be read.
    """
    before = (time.time() if now is None else now) - _KEEP_S
    with store_errors(directory):
        try:
            names = os.listdir(directory)
        except FileNotFoundError:
            return
    for name in names:
        if name.endswith(".part"):
            _remove_if_stale(f"{directory}/{name}", before)


def sync_directory(directory: str) -> None:
    """Bring the names in a directory to the disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_if_stale(path: str, before: float) -> None:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    except OSError as error:
        _logger.warning("the part %s is left, since it cannot be opened: %s", path, error.strerror)
        return
    try:
        facts = os.fstat(descriptor)
        is_stale = facts.st_mtime < before or facts.st_nlink > 1
        if is_stale and try_flock(descriptor) and is_at(descriptor, path):
            Journal.of(path).remove()
            os.unlink(path)
    finally:
        os.close(descriptor)


def _vouched(descriptor: int, checkpoints: dict[int, str], hasher: Hasher) -> int:
    """How far the file agrees with the digests of its journal; its bytes pass up to there, or a little further."""
    vouched = 0
    with suppress(MismatchError):  # more than is wanted now
        for size, digest in sorted(checkpoints.items()):
            _pass_again(descriptor, size, hasher)
            if hasher.size != size or hasher.digest_so_far() != digest:
                break
            vouched = size
    return vouched


def _pass_again(descriptor: int, until: int, hasher: Hasher) -> None:
    """Let the bytes of the file pass, from where the hasher stands up to `until` or the file's end."""
    buffer = memoryview(bytearray(_READ_BYTES))
    while hasher.size < until:
        wanted = min(_READ_BYTES, until - hasher.size)
        count = os.preadv(descriptor, [buffer[:wanted]], hasher.size)
        if not count:
            return
        hasher.update(buffer[:count])
