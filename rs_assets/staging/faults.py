"""What can go wrong with one file, named for what the engine does about it."""

from rs_assets.errors import RsAssetsError, StationError, StoreError


class PassingError(StationError):
    """A fault that may be gone next time: a broken body, a time-out, a status like 500.

    Attributes:
        retry_after: the answer's Retry-After header, as it stands.
    """

    def __init__(self, message: str, retry_after: str | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UnavailableError(PassingError):
    """The station as a whole does not serve: no connection, or an answer 429 or 503."""


class EvictedError(StationError):
    """The station does not have the file any more (404, 410)."""


class MismatchError(RsAssetsError):
    """The bytes are not those that the station states; the message names both values."""


class TakenError(StoreError):
    """Another process is writing the object just now."""


class StoreUnusableError(StoreError):
    """Nothing more can be written to the store: it is full, read-only or broken."""
