"""How far a station may be loaded by what it answers: pauses, and a number of connections that falls and recovers."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from rs_assets.locks import Locks
from rs_assets.settings import Station

_FIRST_PAUSE = 1.0
_MAX_PAUSE = 60.0
_BURST = 1.0
"""Seconds within which answers that it is busy are of one burst, if the pause is not longer."""
_REFRESH = 0.1
"""Seconds for which what the other processes know may be out of date."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What all who use the station know of it. Times are seconds of the host's monotonic clock."""

    allowed: float
    paused_from: float = float("-inf")
    paused_until: float = float("-inf")
    burst_until: float = float("-inf")
    back_off: float = _FIRST_PAUSE

    @classmethod
    def of(cls, value: Mapping[str, Any] | None, concurrency: int) -> Self:
        """What was shared; nothing is known where that is not what `asdict` gives."""
        try:
            known = cls(**{name: float(number) for name, number in (value or {}).items()})
        except (TypeError, ValueError):
            known = cls(float(concurrency))
        return replace(known, allowed=min(max(1.0, known.allowed), float(concurrency)))


class Load:
    """The load that one station stands, as the processes that share `locks` know it together."""

    def __init__(self, station: Station, locks: Locks, clock: Callable[[], float]) -> None:
        """Take the station's settings; `clock` is the host's monotonic one, in seconds."""
        self._concurrency = station.concurrency
        self._max_wait = station.retries.max_wait
        self._busy_timeout = station.retries.busy_timeout
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
        """Note that the station is busy; for how many seconds nothing is to be asked of it.

        A station that asks for no pause is given a growing one, so that it is not asked again and again.
        """

        now = self._clock()
        pause = 0.0

        def change(value: Mapping[str, Any] | None) -> dict[str, float]:
            nonlocal pause
            known = _Known.of(value, self._concurrency)
            asked = min(retry_after, self._busy_timeout) if retry_after else min(known.back_off, self._max_wait)
            known = _after_busy(known, asked, now, is_asked_for=bool(retry_after))
            pause = (
                max(asked, known.paused_until - now) if known.paused_until >= now + asked else known.paused_until - now
            )
            return asdict(known)

        self._served = 0
        self._adopt(self._locks.update(self._name, change))
        return max(0.0, pause)

    def served(self) -> None:
        """Note that the station has given an answer: what it stands recovers by one after as many as it stands."""
        known = self._current()
        if known.allowed >= self._concurrency and known.back_off <= _FIRST_PAUSE:
            return
        self._served += 1
        if self._served < int(known.allowed):
            return
        self._served = 0

        def change(value: Mapping[str, Any] | None) -> dict[str, float]:
            shared = _Known.of(value, self._concurrency)
            allowed = min(shared.allowed + 1, float(self._concurrency))
            return asdict(replace(shared, allowed=allowed, back_off=_FIRST_PAUSE))

        self._adopt(self._locks.update(self._name, change))

    def _current(self) -> _Known:
        if self._clock() - self._read_at >= _REFRESH:
            self._adopt(self._locks.read(self._name))
        return self._known

    def _adopt(self, value: Mapping[str, Any] | None) -> None:
        self._known = _Known.of(value, self._concurrency)
        self._read_at = self._clock()


def _after_busy(known: _Known, pause: float, now: float, *, is_asked_for: bool) -> _Known:
    """What is known after one more answer at `now` that the station is busy; the first one of a burst counts."""
    is_new = now >= known.burst_until
    if not is_new and not is_asked_for:
        return known
    if is_new:
        known = replace(
            known,
            allowed=float(max(1, int(known.allowed) // 2)),
            back_off=min(2 * known.back_off, _MAX_PAUSE),
            paused_from=now,
        )
    return replace(
        known,
        paused_until=max(known.paused_until, now + pause),
        burst_until=max(known.burst_until, now + pause, now + _BURST if is_new else now),
    )
