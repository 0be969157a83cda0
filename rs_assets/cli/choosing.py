"""Which partitions a command works on: named by their keys, or a range of dates times missions."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import click

from rs_assets.settings import Station, WindowLength

if TYPE_CHECKING:
    from rs_assets.stations.window import Partition

_EXAMPLES = {WindowLength.DAY: "2026-11-01|S1", WindowLength.HOUR: "2026-11-01-13:00|S1"}


def chosen_partitions(
    station: Station,
    keys: Sequence[str],
    *,
    first: date | None,
    last: date | None,
    missions: Sequence[str],
    now: datetime,
) -> list["Partition"]:
    """The partitions that a command line names, each once, those of a range oldest first.

    The range is from `first` to `last`, days in UTC and both included, for `missions` or else all of the station's;
    windows that begin after `now` are not partitions yet.

    Raises:
        click.UsageError: they do not exist, or none is named.
    """
    for mission in missions:
        _check_mission(station, mission)
    if keys and (first or last or missions):
        raise click.UsageError("name partitions, or a range with --start, --end and --mission, but not both")
    if keys:
        return list(dict.fromkeys(_parsed(station, key, now) for key in keys))
    if first is None or last is None:
        raise click.UsageError(
            f"no partitions are given: name some, e.g. '{_EXAMPLES[station.window]}', or a range of days with "
            "--start and --end"
        )
    return list(_range(station, first, last, missions or station.missions, now))


def _parsed(station: Station, key: str, now: datetime) -> "Partition":
    from rs_assets.stations.window import Partition

    try:
        partition = Partition.parse(key, station.window)
    except ValueError:
        raise click.UsageError(
            f"{key!r} is not a partition of {station.name}, whose windows are one {station.window.value} long; "
            f"expected a key like '{_EXAMPLES[station.window]}'"
        ) from None
    _check_mission(station, partition.mission)
    _check_start(station, partition.window.start.date(), key)
    if partition.window.start > now:
        raise click.UsageError(f"{key} is in the future")
    return partition


def _range(station: Station, first: date, last: date, missions: Sequence[str], now: datetime) -> Iterator["Partition"]:
    from rs_assets.stations.window import Partition

    if last < first:
        raise click.UsageError(f"the range ends on {last}, before its start on {first}")
    _check_start(station, first, str(first))
    if first > now.date():
        raise click.UsageError(f"{first} is in the future")
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    end = datetime(last.year, last.month, last.day, tzinfo=UTC) + timedelta(days=1)
    while start < end and start <= now:
        for mission in dict.fromkeys(missions):
            yield Partition.at(start, station.window, mission)
        start += station.window.duration


def _check_mission(station: Station, mission: str) -> None:
    if mission not in station.missions:
        raise click.UsageError(f"{station.name} has no mission {mission!r}; it has {', '.join(station.missions)}")


def _check_start(station: Station, day: date, name: str) -> None:
    if day < station.start:
        raise click.UsageError(f"{name} is before {station.start}, the start of {station.name} in the settings")
