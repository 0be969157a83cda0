"""The files that are moved: made once, the same bytes every time."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from uuid import UUID

import numpy as np
from blake3 import blake3

_BLOCK = 1 << 20
_KB = 1000
_MB = 1000 * _KB


@dataclass(frozen=True)
class File:
    """One file of a workload."""

    path: str
    """Below the directory that the station serves."""
    key: str
    size: int
    digests: dict[str, str]
    """Hex digests by algorithm."""


@dataclass(frozen=True)
class Workload:
    """Files that are moved together."""

    name: str
    files: Sequence[File]

    @cached_property
    def bytes(self) -> int:
        """Size of them all."""
        return sum(file.size for file in self.files)


@dataclass(frozen=True)
class Recipe:
    """How a workload is made."""

    name: str
    text: str
    sizes: tuple[int, ...]
    md5: bool = True
    """Whether an MD5 is wanted beside the BLAKE3."""
    one_item: bool = False
    """Whether all files belong to one item, as those of a session do."""

    @property
    def bytes(self) -> int:
        """Size of all files."""
        return sum(self.sizes)

    def make(self, root: Path) -> Workload:
        """Write the files under `root`, in a directory of the workload's name."""
        (root / self.name).mkdir()
        return Workload(self.name, [self._make(root, index) for index in range(len(self.sizes))])

    def _make(self, root: Path, index: int) -> File:
        name = f"{self.name}_{index:04d}.raw"
        chance = np.random.Generator(np.random.SFC64([ord(self.name), index]))
        hashers = {"blake3": blake3()} | ({"md5": hashlib.md5(usedforsecurity=False)} if self.md5 else {})
        size = self.sizes[index]
        with (root / self.name / name).open("xb") as file:
            for begin in range(0, size, _BLOCK):
                block = chance.bytes(min(_BLOCK, size - begin))
                file.write(block)
                for hasher in hashers.values():
                    hasher.update(block)
        item = 0 if self.one_item else index
        return File(
            path=f"{self.name}/{name}",
            key=f"s1_bench/{self.name}_ITEM_{item:04d}/{UUID(int=item)}/{name}",
            size=size,
            digests={algorithm: hasher.hexdigest() for algorithm, hasher in hashers.items()},
        )


def recipes(*, quick: bool) -> dict[str, Recipe]:
    """The workloads by name; tiny ones if `quick`."""
    small, session, large = (20, 4, 2) if quick else (1000, 60, 2)
    chunk, whole = (2 * _MB, 16 * _MB) if quick else (20 * _MB, 1000 * _MB)
    # Every size between 10 and 100 kB, evenly and not in order.
    sizes = tuple(10 * _KB + (index * 37_813) % (90 * _KB) for index in range(small))
    chosen = (
        Recipe("A", f"{small:,} files of 10-100 kB", sizes),
        Recipe("B", f"{session} files of {chunk // _MB} MB, one session", (chunk,) * session, one_item=True),
        Recipe("C", f"{large} files of {whole // _MB} MB", (whole,) * large, md5=False),
    )
    return {recipe.name: recipe for recipe in chosen}
