"""What the steps tell while they work."""

from collections.abc import Callable
from dataclasses import dataclass

from rs_assets.staging.progress import Message
from rs_assets.stations.window import Partition


@dataclass(frozen=True, slots=True)
class Searched:
    """A partition has been searched."""

    found: int
    """Products that the station has shown for it so far."""


@dataclass(frozen=True, slots=True)
class Published:
    """A partition's items are in the catalogue."""

    items: int
    """Items created or updated."""


@dataclass(frozen=True, slots=True)
class PartitionMessage:
    """One message, of one partition."""

    partition: Partition
    message: Searched | Message | Published


Progress = Callable[[PartitionMessage], None]
"""Called in the event loop, so it should return at once."""


def unobserved(message: PartitionMessage) -> None:
    """Tell nobody."""
