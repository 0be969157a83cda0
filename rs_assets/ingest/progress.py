"""What the steps tell while they work."""

from collections.abc import Callable
from dataclasses import dataclass

from rs_assets.ingest.report import PartitionReport, Step
from rs_assets.staging.progress import Message
from rs_assets.stations.window import Partition


@dataclass(frozen=True, slots=True)
class Begun:
    """A partition begins a step."""

    step: Step


@dataclass(frozen=True, slots=True)
class Searched:
    """A partition has been searched."""

    found: int
    """Products that the station has shown for it so far."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A partition has gone as far as it goes in this run."""

    report: PartitionReport


@dataclass(frozen=True, slots=True)
class PartitionMessage:
    """One message, of one partition."""

    partition: Partition
    message: Begun | Searched | Message | Ended


Progress = Callable[[PartitionMessage], None]
"""Called in the event loop, so it should return at once."""


def unobserved(message: PartitionMessage) -> None:
    """Tell nobody."""
