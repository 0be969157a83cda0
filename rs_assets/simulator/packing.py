"""Archive formats written round repeated data: valid ZIP and gzipped TAR files of an exact size.

Nothing is compressed, so that every byte of an archive can be told from its offset alone.
"""

import struct
import tarfile
import zlib
from abc import ABC, abstractmethod
from dataclasses import dataclass

PERIOD = 65535
"""Bytes of data before they repeat: the most that a stored deflate block holds.

It is odd, so that a part which is written at a wrong offset changes the checksum: parts and buffers are
multiples of powers of two.
"""


@dataclass(frozen=True)
class Frame:
    """What stands before and after the repeated unit, and how many bytes the repetition takes."""

    head: bytes
    repeated: int
    tail: bytes


class Packing(ABC):
    """One archive, of one member, that is ``size`` bytes long."""

    def __init__(self, member: str, size: int) -> None:
        self._member = member
        self._size = size

    @abstractmethod
    def unit(self, data: bytes) -> bytes:
        """What repeats, for a period of data."""

    @abstractmethod
    def frame(self, data: bytes) -> Frame:
        """What stands round it."""


def packing(name: str, size: int) -> Packing | None:
    """The archive that a file name promises; None for a plain file, or if ``size`` has no room for one."""
    lower = name.lower()
    stem, _, _ = name.rpartition(".")
    if lower.endswith(".zip"):
        member = f"{stem}/measurement.dat" if lower.endswith((".safe.zip", ".sen3.zip")) else stem
        packed: Packing = Zip(member, size)
        overhead = Zip.OVERHEAD + 2 * len(member.encode())
        return packed if overhead < size < 2**32 else None
    if lower.endswith((".tgz", ".tar.gz")):
        stem = stem.removesuffix(".tar")
        return Tgz(f"{stem[:90]}.DBL", size) if Tgz.OVERHEAD < size < 2**32 else None
    return None


class Zip(Packing):
    """A ZIP file with a stored member (PKWARE APPNOTE 6.3, sections 4.3.7, 4.3.12 and 4.3.16)."""

    OVERHEAD = 30 + 46 + 22

    def unit(self, data: bytes) -> bytes:
        """The data itself."""
        return data

    def frame(self, data: bytes) -> Frame:
        """Local header; central directory of one entry."""
        name = self._member.encode()
        stored = self._size - self.OVERHEAD - 2 * len(name)
        crc = 0
        for _ in range(stored // PERIOD):
            crc = zlib.crc32(data, crc)
        crc = zlib.crc32(data[: stored % PERIOD], crc)
        # version 2.0, flag 11 (UTF-8 name), stored, 1980-01-01T00:00
        facts = struct.pack("<5H3I2H", 20, 0x800, 0, 0, 0x21, crc, stored, stored, len(name), 0)
        local = b"PK\x03\x04" + facts + name
        central = b"PK\x01\x02" + struct.pack("<H", 20) + facts + struct.pack("<3H2I", 0, 0, 0, 0, 0) + name
        end = b"PK\x05\x06" + struct.pack("<4H2IH", 0, 0, 1, 1, len(central), len(local) + stored, 0)
        return Frame(local, stored, central + end)


class Tgz(Packing):
    """A gzipped TAR file with one member, in stored deflate blocks (RFC 1951, section 3.2.4; RFC 1952)."""

    OVERHEAD = 4096

    def unit(self, data: bytes) -> bytes:
        """A full stored block."""
        return _stored(data)

    def frame(self, data: bytes) -> Frame:
        """The member's header in a block of its own; the last blocks, with the member's end."""
        room = self._size - len(_GZIP) - len(_stored(bytes(512))) - 8
        full, rest = divmod(room, len(self.unit(data)))
        # The last blocks hold the remaining data and the archive's end: two empty records, and then
        # zeros that bring the file to its size. They take over a full block to be never too small.
        if full:
            full, rest = full - 1, rest + len(self.unit(data))
        sizes = _split(rest)
        last = sum(sizes) - 1024
        last -= (full * PERIOD + last) % 512
        ending = (data * 3)[:last].ljust(sum(sizes), b"\0")
        header = self._header(full * PERIOD + last)
        crc = zlib.crc32(header)
        for _ in range(full):
            crc = zlib.crc32(data, crc)
        crc = zlib.crc32(ending, crc)
        length = 512 + full * PERIOD + len(ending)
        blocks = _stored(ending[: sizes[0]], final=len(sizes) == 1)
        if len(sizes) > 1:
            blocks += _stored(ending[sizes[0] :], final=True)
        trailer = struct.pack("<2I", crc, length)
        return Frame(_GZIP + _stored(header), full * len(self.unit(data)), blocks + trailer)

    def _header(self, size: int) -> bytes:
        member = tarfile.TarInfo(self._member)
        member.size = size
        return member.tobuf(tarfile.USTAR_FORMAT)


_GZIP = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"


def _stored(data: bytes, *, final: bool = False) -> bytes:
    return struct.pack("<B2H", final, len(data), 0xFFFF ^ len(data)) + data


def _split(room: int) -> list[int]:
    """The sizes of the data in the one or two stored blocks that fill a room exactly."""
    if room - 5 <= PERIOD:
        return [room - 5]
    first = min(PERIOD, room - 10)
    return [first, room - 10 - first]
