"""Putting the code location together from the settings."""

import dagster as dg

from rs_assets.defs.assets import PLATFORM, PROGRESS, ProgressFactory, station_assets
from rs_assets.defs.following import following_sensor
from rs_assets.defs.housekeeping import HOUSEKEEPING, housekeeping
from rs_assets.defs.on_demand.assets import on_demand_assets
from rs_assets.defs.on_demand.filing import file_aux_request
from rs_assets.defs.on_demand.for_sessions import session_request_sensor
from rs_assets.defs.on_demand.sensor import request_sensor
from rs_assets.defs.running import LoggedProgress
from rs_assets.defs.sensors import due_sensor
from rs_assets.ingest import Platform
from rs_assets.settings import Settings


def code_location(settings: Settings, *, progress: ProgressFactory = LoggedProgress) -> dg.Definitions:
    """The assets, checks and sensors of every station of the settings, and those of on-demand requests.

    Store, catalogue and state are opened when a run or a sensor first asks for them. `progress` makes what
    observes a run, given the run's logger and how many partitions it has.
    """
    platform = dg.ResourceDefinition(
        resource_fn=lambda _: Platform.open(settings),
        description="The store, the STAC catalogue and the state that the settings name.",
    )
    return dg.Definitions(
        assets=[
            *(station_assets(settings, station) for station in settings.stations),
            on_demand_assets(settings),
        ],
        sensors=[
            *(due_sensor(station) for station in settings.stations),
            *(sensor for station in settings.stations if (sensor := following_sensor(station)) is not None),
            request_sensor(settings.requests_per_run),
            *filter(None, [session_request_sensor(settings)]),
        ],
        jobs=[file_aux_request, housekeeping],
        schedules=[HOUSEKEEPING],
        resources={PLATFORM: platform, PROGRESS: dg.ResourceDefinition.hardcoded_resource(progress)},
        executor=dg.in_process_executor,
    )
