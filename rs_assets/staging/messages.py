"""What the engine reports while it works, as typed messages to a callable."""

from collections.abc import Callable
from dataclasses import dataclass

from rs_assets.items.files import FileRecord


@dataclass(frozen=True, slots=True)
class Started:
    """The engine begins."""

    files: int
    """Files to stage, those already present included."""
    bytes: int
    """Their size, as far as the station states it."""


@dataclass(frozen=True, slots=True)
class Placed:
    """One file begins, goes on from what an earlier writer has left, or begins again since what came is of no use."""

    key: str
    bytes: int
    """How many of its bytes are there; those reported before for this key do not count any more."""


@dataclass(frozen=True, slots=True)
class Moved:
    """Bytes have been received and written, behind those that were there."""

    key: str
    bytes: int
    """How many since the last message for this key."""


@dataclass(frozen=True, slots=True)
class Retried:
    """A request has failed, and the file is asked for again."""

    key: str
    reason: str
    """Why, as a sentence without secrets."""


@dataclass(frozen=True, slots=True)
class Paused:
    """The station is busy (429, 503): no request is sent for a while."""

    seconds: float
    """How long from now."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Others have held what is needed for some time already, and nothing goes on before they let go."""

    reason: str
    """What is waited for, and who holds it."""


@dataclass(frozen=True, slots=True)
class Finished:
    """One file is done."""

    file: FileRecord


@dataclass(frozen=True, slots=True)
class Unpacking:
    """Every file is done, and those that are packed are unpacked in the store."""

    files: int
    """How many there are."""


Message = Started | Placed | Moved | Retried | Paused | Waiting | Finished | Unpacking

Progress = Callable[[Message], None]
"""Called in the event loop, so it should return at once."""


def unobserved(message: object) -> None:
    """The observer of a run that nobody watches."""
