"""What is known of one file, from its listing at the station to the catalogue: one record, one set of states."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rs_assets.items.multihash import Digest

_SHOWN_DIGITS = 12


class FileState(StrEnum):
    """What has become of a file."""

    STAGED = "staged"
    """Moved into the store and verified."""
    PRESENT = "present"
    """It was in the store already, complete and verified."""
    SKIPPED = "skipped"
    """The catalogue has it, with the same content."""
    SUPERSEDED = "superseded"
    """There is a newer publication of its product."""
    POSTPONED = "postponed"
    """Not staged yet: it waits for its turn, or the run's limit left it to a later run."""
    ORDERED = "ordered"
    """The station has been asked to make it available, and gives it later."""
    FAILED = "failed"
    """It could not be staged; it is tried again."""
    EVICTED = "evicted"
    """The station does not have it any more."""
    CLASH = "clash"
    """Its item id is taken by a product of another name."""
    UNCATALOGUED = "uncatalogued"
    """It is in the store, and the catalogue has refused its item."""

    @property
    def is_failure(self) -> bool:
        """Whether someone should look at it."""
        return self in _FAILURES

    @property
    def in_store(self) -> bool:
        """Whether its object is in the store, and has been verified by the run that says so."""
        return self in _IN_STORE

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to be done for it: it is in the store or the catalogue, or is not wanted."""
        return self in _SETTLED

    @property
    def words(self) -> str:
        """The state for people, behind a number of files."""
        return _WORDS.get(self, self.value)


_FAILURES = frozenset({FileState.FAILED, FileState.EVICTED, FileState.CLASH, FileState.UNCATALOGUED})
_IN_STORE = frozenset({FileState.STAGED, FileState.PRESENT})
_SETTLED = frozenset({*_IN_STORE, FileState.SKIPPED, FileState.SUPERSEDED})
_WORDS = {FileState.PRESENT: "in the store already", FileState.SKIPPED: "in the catalogue already"}

STAGING_STATES = tuple(state for state in FileState if state is not FileState.UNCATALOGUED)
"""The states that staging can leave a file in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A file that a station makes available later. Times are aware UTC."""

    id: str
    """The station's key of the order."""
    ordered_at: datetime
    look_again_at: datetime
    """When the station is to be asked again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """One file of an item: what the station states of it, and what has become of it."""

    collection: str
    """Where its item is, or will be, in the catalogue."""
    item_id: str
    asset: str
    """Its asset key: the file's name."""
    source_id: str
    """The station's key of the publication."""
    source_href: str = ""
    """The station's URL of the file; empty where it is not known."""
    stated_size: int | None = None
    """The size that the station states, in bytes."""
    stated_digests: tuple[Digest, ...] = ()
    """The digests that the station vouches for."""
    state: FileState = FileState.POSTPONED
    key: str | None = None
    """Key of the object, which differs from `object_key` where that one held other bytes; None without object."""
    href: str | None = None
    """Where the object is; None without object."""
    size: int | None = None
    """Size of the object, in bytes."""
    digest: Digest | None = None
    """Digest computed from the object's bytes."""
    reason: str | None = None
    """Why there is no object, as a sentence without secrets."""
    attempts: int = 0
    """Requests for the file; 0 where the station was not asked."""
    moved: int = 0
    """Bytes received for it, those of failed attempts included."""
    resumed: int = 0
    """Bytes that an earlier run had left, and that were not asked for again."""
    seconds: float = 0.0
    """From its first to its last moment in the engine."""
    warnings: tuple[str, ...] = ()
    """Differences tolerated by policy `warn`."""
    order: Order | None = None
    """The order by which the station makes it available."""
    members: tuple["FileRecord", ...] = ()
    """The files that were made of its contents, each in the store."""

    @property
    def object_key(self) -> str:
        """The key that its object is to have: ``<collection>/<item id>/<source id>/<file name>``."""
        return f"{self.collection}/{self.item_id}/{self.source_id}/{self.asset}"

    @property
    def expected_digest(self) -> Digest | None:
        """The digest that is cheapest to compute among those that the station vouches for."""
        return min(self.stated_digests, key=lambda digest: digest.algorithm.cost, default=None)

    @property
    def alternate_key(self) -> str:
        """The key to use where `object_key` already holds other bytes: ``~`` and the digest follow the source id.

        Raises:
            ValueError: nothing tells the new bytes from the old ones.
        """
        expected = self.expected_digest
        mark = expected.hex[:_SHOWN_DIGITS] if expected else self.stated_size
        if mark is None:
            raise ValueError(f"{self.object_key!r} holds other content, and no other key can be made of it")
        return f"{self.collection}/{self.item_id}/{self.source_id}~{mark}/{self.asset}"

    @property
    def checksum(self) -> str | None:
        """The digest of the object, as multihash hex."""
        return self.digest.multihash if self.digest else None

    @property
    def has_own_digest(self) -> bool:
        """Whether the object's digest is ours alone: the station does not state it, so the published item should."""
        return self.digest is not None and self.digest not in self.stated_digests


def count_states(files: Iterable[FileRecord]) -> Counter[FileState]:
    """How many files there are of each state."""
    return Counter(file.state for file in files)
