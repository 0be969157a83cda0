"""The slots of a station that this event loop has, and who waits for one: first come, first served."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable


class SlotPool:
    """Slots by number. Nothing here waits but for a slot; belongs to one event loop."""

    def __init__(self, may_begin: Callable[[], bool]) -> None:
        """Make an empty pool; `may_begin` says whether one more slot may be used now."""
        self._may_begin = may_begin
        self._waiting: deque[asyncio.Future[int]] = deque()
        self._idle: dict[int, float] = {}
        self._lost: set[int] = set()
        self.in_use: set[int] = set()
        """Numbers in use, those whose lease has been lost meanwhile included."""
        self.peak = 0
        """The most slots that were used and waited for at the same time since this was last set."""

    @property
    def idle(self) -> frozenset[int]:
        """Numbers that nobody uses."""
        return frozenset(self._idle)

    @property
    def idle_count(self) -> int:
        """How many slots nobody uses."""
        return len(self._idle)

    @property
    def held(self) -> frozenset[int]:
        """Numbers that are leased."""
        return frozenset(self._idle) | (self.in_use - self._lost)

    @property
    def waiting(self) -> int:
        """How many wait for a slot."""
        return len(self._waiting)

    @property
    def wanted(self) -> int:
        """How many slots could be used now."""
        return len(self.in_use) + len(self._waiting)

    def idle_longer_than(self, seconds: float) -> list[int]:
        """Idle numbers that nobody has used for so long, the longest idle first."""
        before = asyncio.get_running_loop().time() - seconds
        return [number for number, since in self._idle.items() if since <= before]

    def take(self) -> int | None:
        """A slot at once; None if there is none, or others have come earlier."""
        if self._waiting or not self._idle or not self._may_begin():
            return None
        return self._used()

    def queue(self) -> "asyncio.Future[int]":
        """A place at the end of the queue; it is to be awaited with `wait` at once."""
        turn: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self.peak = max(self.peak, self.wanted)
        return turn

    async def wait(self, turn: "asyncio.Future[int]") -> int:
        """The slot of this place in the queue, as soon as it comes."""
        try:
            return await turn
        except BaseException:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.put_back(turn.result())
            elif turn in self._waiting:
                self._waiting.remove(turn)
            raise

    def put_back(self, number: int) -> bool:
        """End the use of a slot; the next one who waits has it. False if its lease had been lost meanwhile."""
        self.in_use.discard(number)
        is_ours = number not in self._lost
        if is_ours:
            self._idle[number] = asyncio.get_running_loop().time()
        self._lost.discard(number)
        self.hand_out()
        return is_ours

    def hand_out(self) -> None:
        """Give idle slots to those who wait."""
        while self._waiting and self._idle and self._may_begin():
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(self._used())

    def add(self, numbers: Iterable[int]) -> None:
        """Take slots in that have been leased."""
        now = asyncio.get_running_loop().time()
        for number in sorted(numbers, reverse=True):
            if number in self.in_use:
                self._lost.discard(number)
            else:
                self._idle.setdefault(number, now)

    def remove(self, numbers: Iterable[int]) -> None:
        """Take slots out whose lease ends; one in use is used to its end, and not again."""
        for number in numbers:
            if self._idle.pop(number, None) is None and number in self.in_use:
                self._lost.add(number)

    def fail(self, error: Exception) -> None:
        """Raise an error for everybody who waits."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_exception(error)

    def _used(self) -> int:
        # The one used last: its connection is the freshest, and those that are not needed grow old.
        number, _ = self._idle.popitem()
        self.in_use.add(number)
        self.peak = max(self.peak, len(self.in_use))
        return number
