"""The connections of a station: which of them this process holds, and who in it waits for one.

A slot is a mutex of its number. A process keeps those that it uses again at once, until another one has nothing:
whoever waits without its share stands alone in the station's line, which is a mutex, too, and everybody who sees it
locked gives back what exceeds his own share. So nothing is counted, and nothing is held for those that have died.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from rs_assets.errors import LockError, StationError
from rs_assets.locks import Held, Locks
from rs_assets.stations.limits.load import Load

_log = logging.getLogger(__name__)

_POLL_IN_LINE_S = 0.01
_POLL_S = 0.03
_POLL_IDLE_S = 0.1
_KEEP_IDLE_S = 1.0
"""How long a slot is kept that is not used: its connection may be wanted again."""
_TURN_S = 0.25
"""How long a process may keep its last slot where there are more processes than slots."""
_SAY_AFTER_S = 10.0
_SAY_EVERY_S = 30.0


@dataclass(slots=True)
class _Slot:
    held: Held
    since: float
    """Since when this process has it, by the loop's clock, as is the other time."""
    idle_since: float = 0.0


class StationSlots:
    """The slots of one station in one event loop."""

    def __init__(self, locks: Locks, station: str, load: Load, *, timeout: float) -> None:
        """Take nothing yet; `timeout` is for how many seconds others may hold every slot."""
        self.on_released: list[Callable[[int], None]] = []
        self.on_waiting: list[Callable[[str], None]] = []
        self._locks = locks
        self._station = station
        self._load = load
        self._timeout = timeout
        self._idle: dict[int, _Slot] = {}
        self._in_use: dict[int, _Slot] = {}
        self._waiting: deque[asyncio.Future[int]] = deque()
        self._line: Held | None = None
        self._membership: Held | None = None
        self._attendance: asyncio.Task[None] | None = None
        self._empty_since: float | None = None
        self._said_at = float("-inf")

    async def acquire(self) -> int:
        """A slot, first come, first served.

        Raises:
            LockError: the locks cannot be used.
            StationError: others have held every slot for longer than the timeout.
        """
        number = None if self._waiting else self._available()
        if number is not None:
            return number
        turn: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._attend()
        try:
            return await turn
        except BaseException:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.put_back(turn.result())
            elif turn in self._waiting:
                self._waiting.remove(turn)
            raise

    def spare(self) -> int | None:
        """A slot at once, if nobody waits for one in any process."""
        return None if self._waiting or self._others_wait() else self._available()

    def put_back(self, number: int) -> None:
        """End the use of a slot."""
        slot = self._in_use.pop(number)
        if number > self._load.allowed or self._must_yield(slot):
            self._release(number, slot)
        else:
            slot.idle_since = _now()
            self._idle[number] = slot
        self.hand_out()
        self._leave_if_done()

    def hand_out(self) -> None:
        """Look at once whether those who wait can go on."""
        while self._waiting:
            if not self._waiting[0].done():
                number = self._available()
                if number is None:
                    break
                self._waiting[0].set_result(number)
            self._waiting.popleft()
        if not self._waiting:
            self._leave_line()
        self._attend()

    async def close(self) -> None:
        """Give everything back."""
        attendance, self._attendance = self._attendance, None
        if attendance is not None:
            attendance.cancel()
        self._fail(RuntimeError(f"{self._station}: its limits are used inside 'async with'"))
        for slots in (self._idle, self._in_use):
            while slots:
                self._release(*slots.popitem())
        try:
            if attendance is not None:
                await asyncio.gather(attendance, return_exceptions=True)
            for _ in range(3):  # until the connections are closed and their slots released
                await asyncio.sleep(0)
        finally:
            self._leave()

    def _available(self) -> int | None:
        """A slot that can be used at once."""
        if self._load.pause > 0 or len(self._in_use) >= self._load.allowed:
            return None
        if self._idle:
            # The one used last: its connection is the freshest, and those that are not needed grow old.
            number, slot = self._idle.popitem()
            self._in_use[number] = slot
            return number
        return self._locked_another()

    def _locked_another(self) -> int | None:
        """A slot that nobody held; without one, this process stands in the line if it has less than its share."""
        self._join()
        if self._others_wait():
            return None
        for number in range(1, self._load.allowed + 1):
            if number not in self._in_use and (held := self._try_lock(f"slot/{number}")) is not None:
                self._in_use[number] = _Slot(held, _now())
                self._leave_line()
                return number
        if self._waiting and self._line is None and self._count() < self._share(self._members()):
            self._line = self._try_lock("line")
        return None

    def _try_lock(self, name: str) -> Held | None:
        return self._locks.try_lock(f"stations/{self._station}/{name}")

    def _others_wait(self) -> bool:
        """Whether another process stands in the line."""
        return self._line is None and self._locks.is_locked(f"stations/{self._station}/line")

    def _must_yield(self, slot: _Slot) -> bool:
        """Whether another process is to have the slot that has just been used."""
        if not self._others_wait():
            return False
        members = self._members()
        if self._count() + 1 > self._share(members):
            return True
        return members > self._load.allowed and _now() - slot.since >= _TURN_S

    def _count(self) -> int:
        return len(self._idle) + len(self._in_use)

    def _share(self, members: int) -> int:
        return max(1, self._load.allowed // max(1, members))

    def _members(self) -> int:
        """How many event loops work on the station."""
        return len(self._locks.locked(f"stations/{self._station}/member"))

    def _join(self) -> None:
        place = 1
        while self._membership is None:
            self._membership = self._try_lock(f"member/{place}")
            place += 1

    def _leave_if_done(self) -> None:
        if not (self._waiting or self._idle or self._in_use):
            self._leave()

    def _leave(self) -> None:
        self._leave_line()
        if self._membership is not None:
            self._membership.release()
            self._membership = None

    def _leave_line(self) -> None:
        if self._line is not None:
            self._line.release()
            self._line = None

    def _release(self, number: int, slot: _Slot) -> None:
        """Let another process have the slot, after its connection has been closed."""
        for callback in self.on_released:
            callback(number)
        loop = asyncio.get_running_loop()
        # The connection ends in one turn of the loop, and its socket in the next.
        loop.call_soon(loop.call_soon, slot.held.release)

    def _attend(self) -> None:
        """Have somebody look after those who wait and the slots that are idle."""
        if (self._waiting or self._idle) and (self._attendance is None or self._attendance.done()):
            self._attendance = asyncio.create_task(self._look_after())

    async def _look_after(self) -> None:
        try:
            while self._waiting or self._idle:
                self.hand_out()
                self._give_back_idle()
                self._watch_the_wait()
                await asyncio.sleep(self._poll_after())
            self._leave_if_done()
        except LockError as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001 - it is logged, and each who waits gets it
            _log.exception("%s: its connections could not be shared out", self._station)
            kind = type(error).__name__
            self._fail(
                LockError(
                    f"{self._station}: its connections could not be shared out for an unexpected {kind}; "
                    "the log has the traceback"
                )
            )

    def _poll_after(self) -> float:
        if not self._waiting:
            return _POLL_IDLE_S
        pause = self._load.pause
        if pause > 0:
            return min(pause, _POLL_IDLE_S)
        return _POLL_IN_LINE_S if self._line is not None else _POLL_S * (1 + self._count())

    def _give_back_idle(self) -> None:
        if not self._idle:
            return
        others_wait = not self._waiting and self._others_wait()
        for number, slot in list(self._idle.items()):
            if others_wait or _now() - slot.idle_since >= _KEEP_IDLE_S:
                self._release(number, self._idle.pop(number))

    def _watch_the_wait(self) -> None:
        """Log for whom this process waits without any slot, and end the wait after its time."""
        now = _now()
        if not self._waiting or self._count() or self._load.pause > 0:
            self._empty_since = None
            return
        self._empty_since = now if self._empty_since is None else self._empty_since
        waited = now - self._empty_since
        if waited >= self._timeout:
            self._fail(StationError(f"{self._station}: {self._wait_sentence(waited)}; timeouts.slot says how long"))
        elif waited >= _SAY_AFTER_S and now - self._said_at >= _SAY_EVERY_S:
            self._said_at = now
            sentence = f"{self._station}: {self._wait_sentence(waited)}"
            _log.info("%s", sentence)
            for callback in self.on_waiting:
                callback(sentence)

    def _wait_sentence(self, waited: float) -> str:
        holders = {str(holder) for holder in self._locks.locked(f"stations/{self._station}/slot").values() if holder}
        return (
            f"no connection for {waited:.0f} s, since others hold all {self._load.allowed}: "
            f"{'; '.join(sorted(holders)) or 'it is not known who'}"
        )

    def _fail(self, error: Exception) -> None:
        self._leave_line()
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_exception(error)


def _now() -> float:
    return asyncio.get_running_loop().time()
