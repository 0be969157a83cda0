"""How far a station may be loaded by what it answers: pauses, and a number of connections that falls and recovers."""

from collections.abc import Callable

from rs_assets.settings import Station

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0
_BURST = 1.0
"""Seconds within which answers that it is busy are of one burst, if the pause is not longer."""


class Load:
    """The load that one station stands. Times are those of `clock`, in seconds."""

    def __init__(self, station: Station, clock: Callable[[], float]) -> None:
        self._most = station.concurrency
        self._patience = station.retries.busy_timeout
        self._longest_wait = station.retries.max_wait
        self._clock = clock
        self._allowed = float(station.concurrency)
        self._paused_until = float("-inf")
        self._burst_until = float("-inf")
        self._back_off = _FIRST_PAUSE
        self._served = 0

    @property
    def allowed(self) -> int:
        """Connections at the same time."""
        return int(self._allowed)

    @property
    def pause(self) -> float:
        """Seconds for which the station is still to be left alone."""
        return max(0.0, self._paused_until - self._clock())

    def busy(self, retry_after: float | None) -> float:
        """Note that the station is busy; for how many seconds it is to be left alone.

        A station that asks for no pause is given a growing one, so that it is not asked again and again.
        """
        now = self._clock()
        is_new = now >= self._burst_until
        pause = min(retry_after, self._patience) if retry_after else min(self._back_off, self._longest_wait)
        if is_new:
            self._allowed = float(max(1, self.allowed // 2))
            self._served = 0
            self._back_off = min(2 * self._back_off, _LONGEST_PAUSE)
        elif not retry_after:
            return self.pause
        self._paused_until = max(self._paused_until, now + pause)
        self._burst_until = max(self._burst_until, now + pause, now + _BURST if is_new else now)
        return max(pause, self._paused_until - now)

    def served(self) -> None:
        """Note that the station has given an answer."""
        self._served += 1
        if self._served >= self.allowed:
            self._served = 0
            self._back_off = _FIRST_PAUSE
            self._allowed = min(self._allowed + 1, float(self._most))

    def adopt(self, allowed: float, pause: float) -> None:
        """Take over what all who use the station know of it: connections, and the rest of the pause in seconds."""
        if int(allowed) != self.allowed:
            self._allowed = float(int(allowed))
        # No pause is longer, whatever a clock that was set back makes of it.
        pause = min(pause, max(self._patience, self._longest_wait))
        if pause > 0:
            self._paused_until = max(self._paused_until, self._clock() + pause)
            self._burst_until = max(self._burst_until, self._paused_until)
