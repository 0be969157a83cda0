"""The sensor of a station: it requests runs of the partitions that are due."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg

from rs_assets.defs.heartbeats import fail_dead_runs
from rs_assets.defs.steps import asset_keys, partition_runs
from rs_assets.ingest import Platform, Step
from rs_assets.items.times import format_time, utc_now
from rs_assets.settings import Station
from rs_assets.stations.window import Partition

_MAX_RUNS_A_TICK = 25
_INTERVAL_S = 30


@dataclass(frozen=True, slots=True)
class Due:
    """A partition that is due."""

    partition: str
    why: str
    since: datetime
    """What made it due; the same partition is asked for once for each such moment."""
    steps: frozenset[Step]

    @property
    def run_key(self) -> str:
        """Equal for equal reasons, so that no tick asks twice."""
        return f"{self.partition} {self.why} {format_time(self.since)}"


def due_sensor(station: Station) -> dg.SensorDefinition:
    """Searches a window again after it has closed, or while a session of it is incomplete; tries failed files again,
    and polls open windows if so set."""

    @dg.sensor(
        name=f"{station.name}_due_partitions",
        asset_selection=asset_keys(station.name),
        minimum_interval_seconds=_INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            f"Asks for the partitions of {station.name} whose window has closed since they were searched, and for "
            "those with a file whose next try has come, that was ordered, or that the station has not shown whole yet"
            + (f"; searches open windows every {station.poll_every}." if station.poll_every else ".")
        ),
    )
    def sensor(
        context: dg.SensorEvaluationContext, platform: dg.ResourceParam[Platform]
    ) -> dg.SensorResult | dg.SkipReason:
        fail_dead_runs(context.instance, platform, utc_now())
        due = due_partitions(platform, station, utc_now())
        requests = partition_runs(station, ((one.partition, one.run_key, one.why, one.steps) for one in due))
        if not requests:
            return dg.SkipReason("no partition is due")
        return dg.SensorResult(run_requests=requests[:_MAX_RUNS_A_TICK])

    return sensor


def due_partitions(platform: Platform, station: Station, now: datetime) -> Iterator[Due]:
    """The partitions that are due at `now` (aware UTC), each once."""
    seen: set[str] = set()
    for due in _reasons(platform, station, now):
        if due.partition not in seen:
            seen.add(due.partition)
            yield due


def _reasons(platform: Platform, station: Station, now: datetime) -> Iterator[Due]:
    """Every reason for which a partition is due; one that asks for a search stands before those that do not."""
    every, staging = frozenset(Step), frozenset({Step.STAGE, Step.PUBLISH})
    pause = timedelta(seconds=station.retries.next_run_after)
    for record in platform.searches.to_repeat(station.name, now=now, lag=station.lag, pause=pause):
        yield Due(record.partition, "window closed", record.attempted_at, every)
    for partition, moment in _incomplete(platform, station, now, pause):
        yield Due(partition, "incomplete", moment, every)
    for partition, moment in platform.outcomes.due(station.name, now).items():
        yield Due(partition, "next try", moment, staging)
    for partition, moment in platform.orders.due(station.name, now, pause=pause).items():
        yield Due(partition, "order", moment, staging)
    if station.poll_every is not None:
        for partition, moment in _to_poll(platform, station, now, station.poll_every):
            yield Due(partition, "poll", moment, every)


def _incomplete(
    platform: Platform, station: Station, now: datetime, pause: timedelta
) -> Iterator[tuple[str, datetime]]:
    """The partitions of which something incomplete is to be looked for; again after a pause where a search failed."""
    due = platform.incomplete.due(station.name, now)
    tried = platform.searches.of(station.name, list(due)) if due else {}
    for partition, moment in due.items():
        attempted = tried[partition].attempted_at if partition in tried else moment
        if attempted <= moment:
            yield partition, moment
        elif attempted <= now - pause:
            yield partition, attempted


def _to_poll(platform: Platform, station: Station, now: datetime, every: timedelta) -> Iterator[tuple[str, datetime]]:
    """The partitions of open windows that were not tried for `every`."""
    length = station.window.duration
    first = datetime.combine(station.start, datetime.min.time(), UTC)
    start = first + (now - first) // length * length
    open_keys: list[str] = []
    while start >= first and now < start + length + station.lag:
        partitions = (Partition.at(start, station.window, mission) for mission in station.missions)
        open_keys += [partition.key for partition in partitions]
        start -= length
    records = platform.searches.of(station.name, open_keys)
    for key in open_keys:
        attempted = records[key].attempted_at if key in records else first
        if attempted <= now - every:
            yield key, attempted
