"""The sensor that files a request for every downlink session that enters the catalogue."""

import dagster as dg

from rs_assets.defs.on_demand import GROUP
from rs_assets.defs.steps import asset_keys
from rs_assets.ingest import Platform
from rs_assets.items.times import utc_now
from rs_assets.requests.for_sessions import file_for_sessions
from rs_assets.settings import Settings

_INTERVAL_S = 10


def session_request_sensor(settings: Settings) -> dg.SensorDefinition | None:
    """Files what the missions' processors need for each new session; None where the settings name no needs."""
    if not settings.session_requests:
        return None

    @dg.sensor(
        name="session_requests",
        asset_selection=asset_keys(GROUP),
        minimum_interval_seconds=_INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            "Files one request for each downlink session that enters the catalogue, for the auxiliary files that the "
            f"processor of its mission needs ({', '.join(settings.session_requests)}). It starts no run itself: "
            "`aux_request_inbox` does. `rs-assets session SESSION_ID` shows what became of it."
        ),
    )
    def sensor(context: dg.SensorEvaluationContext, platform: dg.ResourceParam[Platform]) -> dg.SkipReason:
        done = file_for_sessions(platform, utc_now())
        for request_id in done.filed:
            context.log.info(f"filed {request_id}")
        for session_id, why in done.passed:
            context.log.warning(f"{session_id}: no request is filed, since {why}")
        waiting = f"; {done.waiting} sessions are about to enter the catalogue" if done.waiting else ""
        if not done.filed:
            return dg.SkipReason(f"no new session is in the catalogue{waiting}")
        return dg.SkipReason(f"no run is needed to file {', '.join(done.filed)}{waiting}")

    return sensor
