"""What can go wrong with one object, beside a plain `StoreError`."""

from rs_assets.errors import RsAssetsError, StoreError


class MismatchError(RsAssetsError):
    """The bytes are not those that the station states; the message names both values."""


class TakenError(StoreError):
    """Another process is writing the object just now."""


class StoreUnusableError(StoreError):
    """Nothing more can be written to the store: it is full, read-only or broken."""
