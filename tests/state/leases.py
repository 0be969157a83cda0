"""A clock that a test moves, and holders on a host of their own, whose deaths a test decides."""

from datetime import UTC, datetime, timedelta

from rs_assets.state import Demand, Holder, Holders, Slots, Standing, StateDatabase
from rs_assets.state.processes import Process

STATION = "adgs"


class World:
    """The time, and who has died."""

    def __init__(self, database: StateDatabase) -> None:
        self.now = datetime(2026, 11, 1, tzinfo=UTC)
        self.dead: set[int] = set()
        self.holders = Holders(clock=lambda: self.now, has_ended=lambda process: process.pid in self.dead)
        self.slots = Slots(database, self.holders)
        self._count = 0

    def holder(self) -> Holder:
        """A holder of a process of another host, which cannot be looked for."""
        self._count += 1
        return Holder(f"holder-{self._count}", Process("elsewhere", self._count, "1"))

    def kill(self, holder: Holder) -> None:
        """Let it be known that a holder's process has ended."""
        self.dead.add(holder.process.pid)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    def ask(self, holder: Holder, wanted: int, *, limit: int = 4, **others: object) -> Standing:
        """Let a holder settle."""
        return self.slots.settle(STATION, holder, Demand(limit, wanted, **others))  # type: ignore[arg-type]

    def held(self) -> dict[int, str]:
        """The slots with a valid lease."""
        return self.slots.held(STATION)
