"""What vouches for a part after its writer has died: where its bytes came from, and digests of how far it had come.

A head of one JSON line, then a line for each checkpoint: the size and the digest of all bytes up to there. Lines
are only added, and one that was torn ends the journal. Nothing needs to be durable in any order: a digest that does
not agree with the bytes says so.
"""

import json
import os
import re
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from rs_assets.items.multihash import Algorithm
from rs_assets.store.origin import Origin

_VERSION = 1
_CHECKPOINT = re.compile(r"(\d{1,18}) ([0-9a-f]{32,128})\n")


@dataclass(frozen=True, slots=True)
class Record:
    """What a journal says."""

    origin: Origin
    algorithm: Algorithm
    checkpoints: dict[int, str]
    """By size in bytes, the digest of the bytes up to there, as hex."""

    def until(self, size: int) -> "Record":
        """The same record without the checkpoints behind `size`."""
        kept = {place: digest for place, digest in self.checkpoints.items() if place <= size}
        return Record(self.origin, self.algorithm, kept)


class Journal:
    """The journal of one part. It is written from its first checkpoint on; methods raise `OSError`."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._head: tuple[Origin, Algorithm] | None = None
        self._exists = False

    @classmethod
    def of(cls, part: str) -> Self:
        """The journal of the part of that path."""
        return cls(f"{part.removesuffix('.part')}.journal")

    def exists(self) -> bool:
        """Whether there is one."""
        return os.path.exists(self._path)

    def read(self, algorithm: Algorithm) -> Record | None:
        """What the journal says; None if there is none, or one of another version or another algorithm."""
        with suppress(FileNotFoundError, UnicodeDecodeError, ValueError, TypeError, KeyError, AttributeError):
            head, *lines = Path(self._path).read_text().splitlines(keepends=True)
            facts = json.loads(head)
            if facts["version"] == _VERSION and facts["algorithm"] == algorithm:
                return Record(Origin(**facts["origin"]), algorithm, _checkpoints(lines))
        return None

    def prepare(self, origin: Origin, algorithm: Algorithm) -> None:
        """Say where the bytes come from; a journal that says something else is begun anew at its next checkpoint."""
        if self._head != (origin, algorithm):
            self._head, self._exists = (origin, algorithm), False

    def note(self, size: int, digest: str) -> None:
        """Add a checkpoint; nothing is noted of bytes of unknown origin."""
        if self._head is None:
            return
        if not self._exists:
            self.rewrite(Record(*self._head, {size: digest}))
            return
        with Path(self._path).open("a") as file:
            file.write(f"{size} {digest}\n")

    def rewrite(self, record: Record) -> None:
        """Replace the journal."""
        facts = {"version": _VERSION, "algorithm": record.algorithm.value, "origin": asdict(record.origin)}
        lines = [f"{size} {digest}\n" for size, digest in sorted(record.checkpoints.items())]
        Path(self._path).write_text(json.dumps(facts) + "\n" + "".join(lines))
        self._head, self._exists = (record.origin, record.algorithm), True

    def remove(self) -> None:
        """Remove the journal, if there is one."""
        with suppress(FileNotFoundError):
            os.unlink(self._path)
        self._head, self._exists = None, False


def _checkpoints(lines: list[str]) -> dict[int, str]:
    found: dict[int, str] = {}
    for line in lines:
        match = _CHECKPOINT.fullmatch(line)
        if match is None:
            break
        found[int(match[1])] = match[2]
    return found
