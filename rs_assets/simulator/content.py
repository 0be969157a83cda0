"""The bytes of a file: made from its key, at any offset, and a true archive where its name says so."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import md5, shake_128

from blake3 import blake3

from rs_assets.simulator.packing import PERIOD, Frame, packing

CHUNK = 256 * 1024
"""Bytes that are produced, hashed and sent at a time."""


class Content:
    """A frame (what an archive format puts round its data) filled with a repeated unit of data."""

    def __init__(self, frame: Frame, unit: bytes) -> None:
        self._frame = frame
        self._unit = unit
        self._run = unit * (min(CHUNK, frame.repeated) // len(unit) + 2)
        self._tail_at = len(frame.head) + frame.repeated
        self.size = self._tail_at + len(frame.tail)
        """Bytes in all."""

    def chunks(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The bytes from ``start`` up to ``stop``, at most ``CHUNK`` at a time."""
        stop = self.size if stop is None else min(stop, self.size)
        while start < stop:
            chunk = self._read(start, min(CHUNK, stop - start))
            yield chunk
            start += len(chunk)

    def _read(self, offset: int, length: int) -> bytes:
        head = self._frame.head
        if offset < len(head):
            return head[offset : offset + length]
        if offset >= self._tail_at:
            offset -= self._tail_at
            return self._frame.tail[offset : offset + length]
        phase = (offset - len(head)) % len(self._unit)
        return self._run[phase : phase + min(length, self._tail_at - offset)]


@dataclass(frozen=True)
class Digests:
    """Checksums of a file's bytes, in lower-case hexadecimal."""

    md5: str
    blake3: str


@lru_cache(maxsize=64)
def content(key: bytes, size: int, name: str) -> Content:
    """What a download delivers of a file with this key, size and name."""
    data = shake_128(key).digest(max(1, min(size, PERIOD)))
    packed = packing(name, size)
    if packed is None:
        return Content(Frame(b"", size, b""), data)
    if len(data) < PERIOD:
        data = shake_128(key).digest(PERIOD)
    return Content(packed.frame(data), packed.unit(data))


@lru_cache(maxsize=65536)
def digests(key: bytes, size: int, name: str) -> Digests:
    """The checksums of what a download delivers."""
    weak, strong = md5(usedforsecurity=False), blake3()
    for chunk in content(key, size, name).chunks():
        weak.update(chunk)
        strong.update(chunk)
    return Digests(weak.hexdigest(), strong.hexdigest())
