"""The sensor of a station: it requests runs of the partitions that are due."""

import dagster as dg

from rs_assets.defs.asking import runs_of_due
from rs_assets.defs.heartbeats import fail_dead_runs
from rs_assets.defs.steps import asset_keys
from rs_assets.ingest import Platform
from rs_assets.ingest.due import due_partitions
from rs_assets.items.times import utc_now
from rs_assets.settings import Station
from rs_assets.state import AskedRuns

_MAX_RUNS_A_TICK = 25
_INTERVAL_S = 30
_NAMED = 5


def due_sensor(station: Station) -> dg.SensorDefinition:
    """Searches a window again after it has closed, or while a session of it is incomplete; tries failed files again,
    and polls open windows if so set."""

    @dg.sensor(
        name=f"{station.name}_due_partitions",
        asset_selection=asset_keys(station.name),
        minimum_interval_seconds=_INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            f"Asks for the partitions of {station.name} whose window has closed since they were searched, for those "
            "with a file whose next try has come, that was ordered, or that the station has not shown whole yet, for "
            "what a run has left unfinished, and for windows that have closed unseen"
            + (f"; searches open windows every {station.poll_every}." if station.poll_every else ".")
        ),
    )
    def sensor(
        context: dg.SensorEvaluationContext, platform: dg.ResourceParam[Platform]
    ) -> dg.SensorResult | dg.SkipReason:
        now = utc_now()
        fail_dead_runs(context.instance, platform, now)
        due = due_partitions(platform, station, now)
        requests = runs_of_due(context.instance, platform, station, due, now=now, most=_MAX_RUNS_A_TICK)
        if not requests:
            return dg.SkipReason("no partition is to be asked for now" + _left_alone(platform, station))
        return dg.SensorResult(run_requests=requests)

    return sensor


def _left_alone(platform: Platform, station: Station) -> str:
    """A part of a sentence about the partitions whose runs were cancelled too often; empty where there are none."""
    left = AskedRuns(platform.state).left_alone(station.name)
    if not left:
        return ""
    names = ", ".join(run.partition for run in left[:_NAMED])
    names += f" and {len(left) - _NAMED} more" if len(left) > _NAMED else ""
    return f"; left alone since their runs were cancelled: {names} (`rs-assets due resume {station.name}`)"
