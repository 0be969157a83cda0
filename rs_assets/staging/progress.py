"""What the engine tells while it works, as typed messages to a callable."""

from collections.abc import Callable
from dataclasses import dataclass

from rs_assets.staging.transfer import TransferOutcome


@dataclass(frozen=True, slots=True)
class Started:
    """The engine begins."""

    files: int
    """Files to stage, those already present included."""
    bytes: int
    """Their size, as far as the station states it."""


@dataclass(frozen=True, slots=True)
class Moved:
    """Bytes have been received and written."""

    key: str
    bytes: int
    """How many since the last message for this key; an attempt that fails later has counted them all the same."""


@dataclass(frozen=True, slots=True)
class Finished:
    """One file is done."""

    outcome: TransferOutcome


Message = Started | Moved | Finished

Progress = Callable[[Message], None]
"""Called in the event loop, so it should return at once."""


def unobserved(message: Message) -> None:
    """Tell nobody."""
