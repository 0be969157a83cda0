"""The stations' log: who asked for what, and how many requests were under way at once."""

from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime

LOG_LENGTH = 10_000
"""Requests that the log remembers."""

ALL = "all"
"""Under which the load of all stations together is kept."""


@dataclass
class Entry:
    """One line of the log. Its times are real ones, whatever the stations' clock says."""

    method: str
    path: str
    query: str
    """Percent-decoded."""
    range: str | None
    authorized: bool
    """For a token request: whether a token was given."""
    started: str
    ended: str | None = None
    """None while it is being answered."""
    status: int = 0
    bytes_sent: int = 0
    concurrent: int = 0
    """How many data requests its station was answering when it began, itself included; 0 for a token request."""
    port: int | None = None
    """The client's end of the connection."""


@dataclass
class Load:
    """How many data requests are being answered, and were at most."""

    in_flight: int = 0
    peak: int = 0


class RequestLog:
    """Remembers the latest requests of all stations, and counts those under way."""

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque(maxlen=LOG_LENGTH)
        self.loads: dict[str, Load] = {ALL: Load()}
        """By the address of the station, such as ``/cadip/mps``, and for all together."""

    def begin(self, entry: Entry, station: str, *, is_data: bool) -> None:
        """A request has come."""
        self.entries.append(entry)
        if not is_data:
            return
        for load in (self.loads[ALL], self.loads.setdefault(station, Load())):
            load.in_flight += 1
            load.peak = max(load.peak, load.in_flight)
        entry.concurrent = self.loads[station].in_flight

    def end(self, entry: Entry, station: str, *, is_data: bool) -> None:
        """A request has been answered, or given up."""
        entry.ended = now()
        if is_data:
            self.loads[ALL].in_flight -= 1
            self.loads[station].in_flight -= 1

    def clear(self) -> None:
        """Forget what is over: the requests so far, and the peaks."""
        self.entries.clear()
        for load in self.loads.values():
            load.peak = load.in_flight


def now() -> str:
    """The real time, UTC with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
