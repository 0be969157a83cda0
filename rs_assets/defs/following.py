"""The sensor that follows a station: what it publishes is staged within seconds, a session while it still grows."""

import asyncio
from collections.abc import Callable, Mapping

import dagster as dg

from rs_assets.defs.steps import asset_keys, partition_runs
from rs_assets.errors import StationError
from rs_assets.ingest import Platform, Step
from rs_assets.ingest.following import FollowCursor, Followed, follow
from rs_assets.ingest.opening import open_station
from rs_assets.items.times import format_time, utc_now
from rs_assets.settings import Station
from rs_assets.stations.registry import interface_of

_ACTIVE = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]

_MAX_LOOK_S = 45
"""How long one tick may take; Dagster ends it by force a little later."""


def following_sensor(station: Station) -> dg.SensorDefinition | None:
    """Asks for the partitions that have changed; None where the settings say that the station is not followed."""
    interface = interface_of(station)
    follow_every = interface.follow_every(station)
    if follow_every is None:
        return None
    purpose = ", so that chunks are staged while the downlink still runs" if interface.has_sessions else ""

    @dg.sensor(
        name=f"{station.name}_{interface.followed_as}",
        asset_selection=asset_keys(station.name),
        minimum_interval_seconds=max(1, round(follow_every.total_seconds())),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            f"Asks {station.name} what it has just published, and starts a run of each window and mission of "
            f"which that has something new{purpose}."
        ),
    )
    def sensor(context: dg.SensorEvaluationContext, platform: dg.ResourceParam[Platform]) -> dg.SensorResult:
        cursor = FollowCursor.from_text(context.cursor, start=utc_now() - station.lag)
        try:
            followed = asyncio.run(
                _look(
                    platform, station, cursor, lambda partition: _has_active_run(context.instance, station, partition)
                )
            )
        except StationError as error:
            return dg.SensorResult(skip_reason=str(error), cursor=cursor.to_text())
        except TimeoutError:
            reason = f"{station.name}: no answer within {_MAX_LOOK_S} s, perhaps because downloads use all its slots"
            return dg.SensorResult(skip_reason=reason, cursor=cursor.to_text())
        why = interface.followed_as
        requests = partition_runs(
            station, ((change.partition, change.run_key(why), why, Step) for change in followed.changes)
        )
        reason = f"nothing new is published since {format_time(cursor.at)}"
        if followed.cursor.waiting:
            reason = f"a run of {', '.join(sorted(followed.cursor.waiting))} is active already"
        return dg.SensorResult(
            run_requests=requests,
            cursor=followed.cursor.to_text(),
            skip_reason=None if requests else reason,
        )

    return sensor


async def _look(
    platform: Platform, station: Station, cursor: FollowCursor, is_running: Callable[[str], bool]
) -> Followed:
    """One look at the station, within the limits that its downloads keep to as well."""
    async with asyncio.timeout(_MAX_LOOK_S), open_station(platform, station, tries_once=True) as opened:
        return await follow(opened.search, station, cursor, now=utc_now(), is_running=is_running)


def _has_active_run(instance: dg.DagsterInstance, station: Station, partition: str) -> bool:
    """Whether a run of the station's partition, perhaps one of many partitions, is queued or running."""
    runs = instance.get_runs(dg.RunsFilter(statuses=_ACTIVE))
    return any(
        _covers(run.tags, station, partition)
        for run in runs
        if any(key.path[0] == station.name for key in run.asset_selection or ())
    )


def _covers(tags: Mapping[str, str], station: Station, partition: str) -> bool:
    """Whether the tags of a run name the partition, or a range of dates and missions that it lies in."""
    if "dagster/partition" in tags:
        return tags["dagster/partition"] == partition
    first, _, low = tags.get("dagster/asset_partition_range_start", "").partition("|")
    last, _, high = tags.get("dagster/asset_partition_range_end", "").partition("|")
    date, _, mission = partition.partition("|")
    places = {name: place for place, name in enumerate(station.missions)}
    if not {low, mission, high} <= places.keys():
        return False
    return first <= date <= last and places[low] <= places[mission] <= places[high]
