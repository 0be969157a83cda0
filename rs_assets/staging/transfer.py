"""One file to move, and what became of it."""

from dataclasses import dataclass
from enum import StrEnum

from rs_assets.items.multihash import Digest

_SHOWN_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Transfer:
    """One file to move from a station into the store."""

    key: str
    """Key of the object: ``<collection>/<item id>/<source id>/<file name>``."""
    href: str
    """The station's URL of the file."""
    size: int | None = None
    """The size that the station states, in bytes."""
    digests: tuple[Digest, ...] = ()
    """The digests that the station vouches for."""

    @property
    def expected(self) -> Digest | None:
        """The digest that is cheapest to compute among those that the station vouches for."""
        return min(self.digests, key=lambda digest: digest.algorithm.cost, default=None)

    @property
    def alternate_key(self) -> str:
        """The key to use where `key` already holds other bytes: ``~`` and the digest follow the source id.

        Raises:
            ValueError: the key has no segment of a source id, or nothing tells the new bytes from the old ones.
        """
        parts = self.key.split("/")
        mark = self.expected.hex[:_SHOWN_DIGITS] if self.expected else self.size
        if len(parts) < 2 or mark is None:  # noqa: PLR2004 - the source id and the file name
            raise ValueError(f"{self.key!r} holds other content, and no other key can be made of it")
        parts[-2] += f"~{mark}"
        return "/".join(parts)


class TransferStatus(StrEnum):
    """What became of a file."""

    STAGED = "staged"
    """Moved, verified and published by this run."""
    PRESENT = "present"
    """It was in the store already, complete and verified."""
    FAILED = "failed"
    """Not in the store; the outcome's reason says why."""
    EVICTED = "evicted"
    """The station does not have it any more (404, 410)."""


@dataclass(frozen=True, slots=True)
class TransferOutcome:
    """What became of one transfer."""

    transfer: Transfer
    status: TransferStatus
    key: str | None = None
    """Key of the object, which differs from the transfer's where that one held other bytes; None without object."""
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
    """Differences that the verification was told to bear."""

    @property
    def in_store(self) -> bool:
        """Whether the object is in the store, verified."""
        return self.status in {TransferStatus.STAGED, TransferStatus.PRESENT}
