"""The files of a session: each a numbered block of a channel."""

from dataclasses import dataclass
from datetime import datetime

FIRST_BLOCKS = (0, 1)
"""What the first block of a channel may be called."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """One file of a session, as its interface shows it."""

    key: str
    """Of its asset."""
    channel: int | None
    block: int | None
    is_final: bool
    """Whether it is marked as the last one of its channel."""
    size: int | None
    """Bytes."""
    is_retransfer: bool
    published: datetime
    """Aware UTC."""

    @property
    def place(self) -> tuple[int | None, int | str]:
        """What it holds of the session; a chunk that does not say it is known by its name."""
        return self.channel, self.key if self.block is None else self.block
