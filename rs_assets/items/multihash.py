"""Digests of files as the STAC file extension wants them: self-describing multihash hex.

The codes are those of the multicodec table; a code of 0x80 and more is written as an unsigned varint.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, Self

from blake3 import blake3


class Hasher(Protocol):
    """What computes a digest while bytes pass."""

    def update(self, data: bytes | bytearray | memoryview, /) -> object: ...

    def hexdigest(self) -> str: ...

    def copy(self) -> "Hasher": ...


class Algorithm(StrEnum):
    """The digests that stations vouch for, cheapest to compute first."""

    BLAKE3 = "blake3"
    SHA256 = "sha2-256"
    SHA224 = "sha2-224"
    SHA1 = "sha1"
    SHA512 = "sha2-512"
    SHA384 = "sha2-384"
    MD5 = "md5"
    SHA3_224 = "sha3-224"
    SHA3_256 = "sha3-256"
    SHA3_384 = "sha3-384"
    SHA3_512 = "sha3-512"

    @property
    def cost(self) -> int:
        """The rank by CPU time a byte, 0 the cheapest."""
        return list(Algorithm).index(self)

    def hasher(self) -> Hasher:
        """A new, empty hasher."""
        return _FACTORIES[self]()

    @classmethod
    def named(cls, name: str) -> "Algorithm | None":
        """The algorithm that a station calls `name` (``MD5``, ``SHA-256``, ``SHA3-256`` …), None if unknown."""
        return _STATION_NAMES.get(name.replace("-", "").replace("_", "").casefold())


_FACTORIES: dict[Algorithm, Callable[[], Hasher]] = {
    Algorithm.BLAKE3: blake3,
    Algorithm.SHA256: hashlib.sha256,
    Algorithm.SHA224: hashlib.sha224,
    Algorithm.SHA1: lambda: hashlib.sha1(usedforsecurity=False),
    Algorithm.SHA512: hashlib.sha512,
    Algorithm.SHA384: hashlib.sha384,
    Algorithm.MD5: lambda: hashlib.md5(usedforsecurity=False),
    Algorithm.SHA3_224: hashlib.sha3_224,
    Algorithm.SHA3_256: hashlib.sha3_256,
    Algorithm.SHA3_384: hashlib.sha3_384,
    Algorithm.SHA3_512: hashlib.sha3_512,
}

_HEX = re.compile("[0-9a-f]+")

_STATION_NAMES = {
    **{algorithm.value.replace("-", ""): algorithm for algorithm in Algorithm},
    "sha224": Algorithm.SHA224,
    "sha256": Algorithm.SHA256,
    "sha384": Algorithm.SHA384,
    "sha512": Algorithm.SHA512,
}

_PREFIXES = {
    Algorithm.BLAKE3: "1e20",
    Algorithm.SHA256: "1220",
    Algorithm.SHA224: "93201c",
    Algorithm.SHA1: "1114",
    Algorithm.SHA512: "1340",
    Algorithm.SHA384: "2030",
    Algorithm.MD5: "d50110",
    Algorithm.SHA3_224: "171c",
    Algorithm.SHA3_256: "1620",
    Algorithm.SHA3_384: "1530",
    Algorithm.SHA3_512: "1440",
}


@dataclass(frozen=True, slots=True)
class Digest:
    """A file's digest: the algorithm and its value as lower-case hex, of the length that the algorithm has."""

    algorithm: Algorithm
    hex: str

    def __post_init__(self) -> None:
        value = self.hex.strip().lower()
        length = 2 * int(_PREFIXES[self.algorithm][-2:], 16)
        if len(value) != length or not _HEX.fullmatch(value):
            raise ValueError(f"{self.hex!r} is not a {self.algorithm} digest of {length} hex digits")
        object.__setattr__(self, "hex", value)

    @property
    def multihash(self) -> str:
        """The digest as multihash hex, the form of ``file:checksum``."""
        return _PREFIXES[self.algorithm] + self.hex

    @classmethod
    def from_multihash(cls, text: str) -> Self:
        """Read a ``file:checksum``.

        Raises:
            ValueError: the text is not a multihash, or one of an algorithm not known here.
        """
        value = text.strip().lower()
        for algorithm, prefix in _PREFIXES.items():
            if value.startswith(prefix):
                return cls(algorithm, value[len(prefix) :])
        raise ValueError(f"{text!r} is not a multihash of {', '.join(Algorithm)}")
