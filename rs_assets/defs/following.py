"""The sensor that follows a station: what it publishes is staged within seconds, a session while it still grows."""

import asyncio
from collections.abc import Callable

import dagster as dg

from rs_assets.defs.asking import active_partitions
from rs_assets.defs.steps import asset_keys, partition_runs
from rs_assets.errors import StationError
from rs_assets.ingest import Platform, Step
from rs_assets.ingest.following import FollowCursor, Followed, follow
from rs_assets.ingest.opening import open_station
from rs_assets.items.times import format_time, utc_now
from rs_assets.settings import Station
from rs_assets.stations.registry import interface_of

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
            followed = asyncio.run(_look(platform, station, cursor, active_partitions(context.instance, station)))
        except StationError as error:
            return dg.SensorResult(skip_reason=str(error), cursor=cursor.to_text())
        except TimeoutError:
            reason = f"{station.name}: no answer within {_MAX_LOOK_S} s, perhaps because downloads use all its slots"
            return dg.SensorResult(skip_reason=reason, cursor=cursor.to_text())
        why = interface.followed_as
        changed = [change.partition for change in followed.changes]
        platform.unfinished.want(station.name, changed, frozenset(Step), at=utc_now())
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
