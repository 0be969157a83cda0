"""A time window and the partition that it makes together with a mission."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from rs_assets.settings import WindowLength

_KEY_FORMATS = {WindowLength.DAY: "%Y-%m-%d", WindowLength.HOUR: "%Y-%m-%d-%H:%M"}


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A half-open interval of time, ``start <= t < end``, aware UTC."""

    start: datetime
    end: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end

    def is_closed(self, now: datetime, lag: timedelta) -> bool:
        """Whether nothing more is expected of the window: its end is `lag` or longer ago."""
        return now >= self.end + lag


@dataclass(frozen=True, slots=True, order=True)
class Partition:
    """One window of one mission; its key is that of the Dagster partition, e.g. ``2026-11-01|S1``."""

    window: Window
    mission: str
    window_key: str

    @classmethod
    def parse(cls, key: str, length: WindowLength) -> Self:
        """Read a partition's key.

        Raises:
            ValueError: the key does not have the form ``<date>|<mission>``, or not the date's form for `length`.
        """
        window_key, separator, mission = key.partition("|")
        if not separator or not mission:
            raise ValueError(f"{key!r} is not a partition key; expected <date>|<mission>, e.g. 2026-11-01|S1")
        start = datetime.strptime(window_key, _KEY_FORMATS[length]).replace(tzinfo=UTC)
        return cls.at(start, length, mission)

    @classmethod
    def of_any_length(cls, key: str) -> Self:
        """The partition of this key, whose form tells how long its window is.

        Raises:
            ValueError: it is no partition's key.
        """
        for length in _KEY_FORMATS:
            with suppress(ValueError):
                return cls.parse(key, length)
        raise ValueError(f"{key!r} is not a partition key; expected <date>|<mission>, e.g. 2026-11-01|S1")

    @classmethod
    def at(cls, start: datetime, length: WindowLength, mission: str) -> Self:
        """The partition of a mission whose window starts at `start` (aware UTC)."""
        return cls(Window(start, start + length.duration), mission, start.strftime(_KEY_FORMATS[length]))

    @property
    def key(self) -> str:
        """The partition's key."""
        return f"{self.window_key}|{self.mission}"

    @property
    def path(self) -> str:
        """The key as two segments of a document's path, e.g. ``2026-11-01/S1``."""
        return f"{self.window_key.replace(':', '')}/{self.mission}"
