"""Mutexes as files of a directory, locked by the kernel (flock): for the processes of one machine.

A lock belongs to an open file, so it ends with its process, and threads of one process exclude each other as well. The
file says who holds it, for people to read; whether it is held is the kernel's word alone.
"""

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import IO
from urllib.parse import quote, unquote

from rs_assets.errors import LockError
from rs_assets.locks.flock import is_at, try_flock
from rs_assets.locks.protocol import Holder, Value

_MAX_NAME_BYTES = 200
_SUFFIX = ".lock"


class FileLocks:
    """The mutexes of one directory, which is made when the first one is taken."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __repr__(self) -> str:
        return f"FileLocks({str(self._directory)!r})"

    def try_lock(self, name: str, *, transient: bool = False) -> "_Held | None":
        path = self._path(name)
        with self._errors():
            while True:
                file = _opened(path)
                if not try_flock(file.fileno()):
                    file.close()
                    return None
                if is_at(file.fileno(), path):
                    break
                file.close()  # its last holder has removed it meanwhile
            with suppress(OSError):  # who holds it is only to be read; a full disk excludes nobody
                _write(file, Holder().to_json())
        return _Held(file, path if transient else None)

    def is_locked(self, name: str) -> bool:
        with self._errors():
            return _is_locked(self._path(name))

    def holder(self, name: str) -> Holder | None:
        return _holder(self._path(name))

    def locked(self, folder: str) -> dict[str, Holder | None]:
        with self._errors():
            try:
                paths = [Path(entry.path) for entry in os.scandir(self._path(folder).with_suffix(""))]
            except FileNotFoundError:
                return {}
            held = [path for path in paths if path.suffix == _SUFFIX and _is_locked(path)]
            return {unquote(path.name.removesuffix(_SUFFIX), errors="surrogatepass"): _holder(path) for path in held}

    def read(self, name: str) -> Value | None:
        with self._errors():
            try:
                return _value(self._path(name).read_bytes())
            except FileNotFoundError:
                return None

    def update(self, name: str, change: Callable[[Value | None], Value]) -> Value:
        with self._errors(), _opened(self._path(name)) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            value = change(_value(file.read()))
            _write(file, json.dumps({"boot": _boot(), "value": dict(value)}))
        return value

    def clock(self) -> float:
        return time.monotonic()

    def _path(self, name: str) -> Path:
        parts = [_segment(part) for part in name.split("/")]
        return self._directory.joinpath(*parts[:-1], parts[-1] + _SUFFIX)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            place = error.filename or self._directory
            raise LockError(
                f"the lock file {place} cannot be used: {error.strerror}; the locks are kept beside the state, whose "
                "directory must be writable, on a disk that is not full"
            ) from error


class _Held:
    def __init__(self, file: IO[bytes], transient: Path | None) -> None:
        self._file = file
        self._transient = transient

    def release(self) -> None:
        if self._file.closed:
            return
        if self._transient is not None:
            self._transient.unlink(missing_ok=True)
        self._file.close()


def _segment(part: str) -> str:
    """A file name that stands for any text, and never for a place elsewhere."""
    name = quote(part, safe=" @+,", errors="surrogatepass").replace(".", "%2E")
    if not name or len(name) > _MAX_NAME_BYTES:
        return "=" + hashlib.blake2b(part.encode(errors="surrogatepass"), digest_size=24).hexdigest()
    return name


def _opened(path: Path) -> IO[bytes]:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    try:
        return os.fdopen(os.open(path, flags, 0o666), "r+b", buffering=0)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.fdopen(os.open(path, flags, 0o666), "r+b", buffering=0)


def _is_locked(path: Path) -> bool:
    # Shared, so that two that look at once do not see each other.
    try:
        with path.open("rb", buffering=0) as file:
            return not try_flock(file.fileno(), fcntl.LOCK_SH)
    except FileNotFoundError:
        return False


def _write(file: IO[bytes], content: str) -> None:
    # In one write, padded over what was there: a reader sees no half of it.
    data = content.encode()
    os.pwrite(file.fileno(), data.ljust(os.fstat(file.fileno()).st_size), 0)


def _holder(path: Path) -> Holder | None:
    try:
        return Holder.from_json(path.read_bytes())
    except OSError:
        return None


def _value(content: bytes) -> Value | None:
    """What was shared; nothing where another boot wrote it, or a machine that lost its power half of it."""
    try:
        document = json.loads(content)
        value = document["value"] if document["boot"] == _boot() else None
    except (ValueError, KeyError, TypeError):
        return None
    return value if isinstance(value, dict) else None


@lru_cache(maxsize=1)
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
