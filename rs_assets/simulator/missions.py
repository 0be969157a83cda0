"""The missions and their satellites."""

from dataclasses import dataclass
from datetime import date, timedelta

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Mission:
    """A mission and its satellites' years of service (first and last UTC day; None: still flying)."""

    code: str
    """How a file name begins, before the letter of the satellite."""
    platform: str
    satellites: dict[str, tuple[date, date | None]]

    @property
    def first_day(self) -> date:
        """The day on which its first satellite was launched."""
        return min(first for first, _ in self.satellites.values())

    def flies(self, unit: str, day: date) -> bool:
        """Whether a satellite is in service on a day; the unit ``_`` stands for the whole mission."""
        if unit == "_":
            return day >= self.first_day
        first, last = self.satellites[unit]
        return first <= day and (last is None or day <= last)


S1 = Mission(
    "S1",
    "SENTINEL-1",
    {
        "A": (date(2014, 4, 3), None),
        "B": (date(2016, 4, 25), date(2022, 8, 3)),
        "C": (date(2024, 12, 5), None),
    },
)
S2 = Mission(
    "S2",
    "SENTINEL-2",
    {"A": (date(2015, 6, 23), None), "B": (date(2017, 3, 7), None), "C": (date(2024, 9, 5), None)},
)
S3 = Mission("S3", "SENTINEL-3", {"A": (date(2016, 2, 16), None), "B": (date(2018, 4, 25), None)})
S5P = Mission("S5", "SENTINEL-5P", {"P": (date(2017, 10, 13), None)})
S6 = Mission("S6", "SENTINEL-6", {"A": (date(2020, 11, 21), None)})
