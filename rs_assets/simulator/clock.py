"""The station's clock."""

import math
import time
from datetime import UTC, datetime, timedelta


class Clock:
    """Tells the station's time: real, fixed at a moment, or running from there at any speed."""

    def __init__(self, now: datetime | None = None, speed: float | None = None) -> None:
        """As ``set`` does."""
        self.set(now, speed)

    @property
    def speed(self) -> float:
        """Seconds at the station in a real one."""
        return self._speed

    def now(self) -> datetime:
        """The station's present, in UTC."""
        if self._from is None:
            return datetime.now(UTC)
        try:
            return self._from + timedelta(seconds=(time.monotonic() - self._since) * self._speed)
        except OverflowError:
            return datetime.max.replace(tzinfo=UTC)

    def set(self, now: datetime | None, speed: float | None = None) -> None:
        """Let it be ``now`` (aware; None: the real time), and run on at a speed.

        Without a speed, a clock that is set to a moment stands still, and the real one runs at 1.
        Raises ``ValueError`` for a speed that is negative or no number.
        """
        if speed is not None and not (math.isfinite(speed) and speed >= 0):
            raise ValueError(f"a clock's speed is a number, zero or more, not {speed}")
        self._speed = (1.0 if now is None else 0.0) if speed is None else speed
        real = now is None and self._speed == 1
        self._since = time.monotonic()
        self._from = None if real else (now or datetime.now(UTC)).astimezone(UTC)
