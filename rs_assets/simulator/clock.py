"""The station's clock."""

from datetime import UTC, datetime


class Clock:
    """Tells the station's time: fixed at a moment, or real when that is None."""

    def __init__(self, fixed: datetime | None = None) -> None:
        self._fixed = fixed

    def now(self) -> datetime:
        """The station's present, in UTC."""
        return (self._fixed or datetime.now(UTC)).astimezone(UTC)

    def set(self, fixed: datetime | None) -> None:
        """Stop the clock at a moment (aware), or let it run with None."""
        self._fixed = fixed
