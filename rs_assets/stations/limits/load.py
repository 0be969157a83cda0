"""How far a station may be loaded by what it answers: pauses, and a number of connections that falls and recovers."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Self

from rs_assets.locks import Locks, Value
from rs_assets.settings import Station

_FIRST_PAUSE = 1.0
_MAX_PAUSE = 60.0
_BURST = 1.0
"""Seconds within which answers that it is busy are of one burst, if the pause is not longer."""
_REFRESH = 0.1
"""Seconds for which what the other processes know may be out of date."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What all who use the station know of it. Times are seconds of the clock of the locks."""

    allowed: float
    paused_from: float = float("-inf")
    paused_until: float = float("-inf")
    burst_until: float = float("-inf")
    back_off: float = _FIRST_PAUSE

    @classmethod
    def of(cls, value: Value | None, concurrency: int, now: float) -> Self:
        """What was shared; nothing is known where that is not what `asdict` gives, or of a clock that was ahead."""
        try:
            known = cls(**{name: float(number) for name, number in (value or {}).items()})
        except (TypeError, ValueError):
            known = cls(float(concurrency))
        if known.paused_from > now + _MAX_PAUSE:
            known = cls(float(concurrency))
        return replace(known, allowed=min(max(1.0, known.allowed), float(concurrency)))

    def after_busy(self, pause: float, now: float, *, is_asked_for: bool) -> Self:
        """What is known after one more answer that the station is busy; the first one of a burst halves."""
        known = self
        is_new = now >= known.burst_until
        if is_new:
            allowed, back_off = float(max(1, int(known.allowed) // 2)), min(2 * known.back_off, _MAX_PAUSE)
            known = replace(known, allowed=allowed, back_off=back_off, paused_from=now)
        elif not is_asked_for:
            return known
        return replace(
            known,
            paused_until=max(known.paused_until, now + pause),
            burst_until=max(known.burst_until, now + pause, now + _BURST if is_new else now),
        )


class Load:
    """The load that one station stands, as the processes that share `locks` know it together."""

    def __init__(self, station: Station, locks: Locks, clock: Callable[[], float]) -> None:
        """Take the station's settings; `clock` is that of the locks, in seconds."""
        self._concurrency = station.concurrency
        self._retries = station.retries
        self._locks = locks
        self._name = f"stations/{station.name}/load"
        self._clock = clock
        self._known = _Known(float(station.concurrency))
        self._read_at = float("-inf")
        self._served = 0

    @property
    def allowed(self) -> int:
        """Connections at the same time, of all processes."""
        return int(self._current().allowed)

    @property
    def pause(self) -> float:
        """Seconds for which nothing is to be asked of the station."""
        known, now = self._current(), self._clock()
        return max(0.0, known.paused_until - now) if known.paused_from <= now else 0.0

    def busy(self, retry_after: float | None) -> float:
        """Note that the station has answered 429 or 503; for how many seconds nothing is to be asked of it.

        The allowed connections halve, once for all such answers of a burst.

        Args:
            retry_after: how many seconds the station asks for, at most its `retries.busy_timeout`; where it does not
                say, a growing time from 1 s on, at most its `retries.max_wait`.
        """
        now = self._clock()

        def change(value: Value | None) -> Value:
            known = self._read(value)
            longest = self._retries.busy_timeout if retry_after else self._retries.max_wait
            pause = min(retry_after or known.back_off, longest)
            return asdict(known.after_busy(pause, now, is_asked_for=bool(retry_after)))

        self._served = 0
        self._adopt(self._locks.update(self._name, change))
        return max(0.0, self._known.paused_until - now)

    def served(self) -> bool:
        """Note that the station has given an answer; whether one more connection is allowed for it.

        What the station stands recovers by one after as many answers as it stands connections.
        """
        known = self._current()
        if known.allowed >= self._concurrency and known.back_off <= _FIRST_PAUSE:
            return False
        self._served += 1
        if self._served < int(known.allowed):
            return False
        self._served = 0

        def change(value: Value | None) -> Value:
            shared = self._read(value)
            allowed = min(shared.allowed + 1, float(self._concurrency))
            return asdict(replace(shared, allowed=allowed, back_off=_FIRST_PAUSE))

        self._adopt(self._locks.update(self._name, change))
        return True

    def _current(self) -> _Known:
        if self._clock() - self._read_at >= _REFRESH:
            self._adopt(self._locks.read(self._name))
        return self._known

    def _read(self, value: Value | None) -> _Known:
        return _Known.of(value, self._concurrency, self._clock())

    def _adopt(self, value: Value | None) -> None:
        self._known = self._read(value)
        self._read_at = self._clock()
