"""The errors of one transfer, each named for what the engine does about it."""

from rs_assets.errors import StationError
from rs_assets.items.files import Order


class PassingError(StationError):
    """A fault that may be gone next time: a broken body, a time-out, a status like 500.

    Attributes:
        retry_after: the answer's Retry-After header, as it stands.
    """

    def __init__(self, message: str, retry_after: str | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UnavailableError(PassingError):
    """The station as a whole does not serve: no connection, or an answer 503."""


class BusyError(StationError):
    """The station is rate-limited (429, or 503 with Retry-After); this costs no attempt.

    Attributes:
        pause: seconds until the next request.
    """

    def __init__(self, message: str, pause: float) -> None:
        super().__init__(message)
        self.pause = pause


class ChangedError(StationError):
    """What the station gives now is not what it had begun to give; what came before is of no use."""


class NoSpareSlotError(StationError):
    """The station has no connection to spare."""


class EvictedError(StationError):
    """The station does not have the file any more (404, 410)."""


class NotYetError(StationError):
    """The station makes the file available later; nothing has failed.

    Attributes:
        order: the order by which it does, and when to look again.
    """

    def __init__(self, message: str, order: Order) -> None:
        super().__init__(message)
        self.order = order


class OrderLostError(StationError):
    """The station does not know the order any more, or could not fulfil it: the file is to be ordered anew."""
