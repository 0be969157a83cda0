"""Does everything with a station of an interface that another package brings, and prints what came of it as JSON."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import dagster as dg

from rs_assets.defs.following import following_sensor
from rs_assets.defs.location import code_location
from rs_assets.ingest import Platform, Step, ingest
from rs_assets.ingest.following import FollowCursor
from rs_assets.items.times import utc_now
from rs_assets.requests.answering import Answering
from rs_assets.requests.model import AuxRequest
from rs_assets.settings import WindowLength, load_settings
from rs_assets.stations.window import Partition

STATION = "gazette"


async def _staged(platform: Platform, key: str) -> list[str]:
    partition = Partition.parse(key, WindowLength.DAY)
    return [str(report) async for report in ingest(platform, STATION, [partition])]


async def _answered(platform: Platform) -> list[str]:
    document = {
        "source": STATION,
        "product_types": ["MADE_UP"],
        "start": "2026-11-02T10:00:00Z",
        "end": "2026-11-02T11:00:00Z",
    }
    async with Answering(platform) as answering:
        result = await answering.answer("made-up", AuxRequest.model_validate(document))
    return [str(result.state), *(item.id for item in result.items)]


def _followed(platform: Platform, instance: dg.DagsterInstance) -> list[Any]:
    [station] = platform.settings.stations
    sensor = following_sensor(station)
    assert sensor is not None
    cursor = FollowCursor(utc_now() - timedelta(days=4000)).to_text()
    result = sensor(dg.build_sensor_context(instance=instance, cursor=cursor, resources={"platform": platform}))
    assert isinstance(result, dg.SensorResult)
    return [sensor.name, sorted(str(request.partition_key) for request in result.run_requests or ())]


def _materialised(platform: Platform, instance: dg.DagsterInstance, key: str) -> dict[str, Any]:
    location = code_location(platform.settings)
    node = location.resolve_asset_graph().get(dg.AssetKey([STATION, Step.SEARCH.value]))
    result = location.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance,
        partition_key=key,
        asset_selection=[dg.AssetKey([STATION, step.value]) for step in Step],
    )
    events = {str(event.asset_key): event.materialization for event in result.get_asset_materialization_events()}
    staged = events[str(dg.AssetKey([STATION, Step.STAGE.value]))].metadata["staged"].value
    return {"success": result.success, "kinds": sorted(node.kinds), "staged": staged}


def main() -> None:
    """Do everything, and print the results."""
    platform = Platform.open(load_settings())
    with dg.DagsterInstance.ephemeral() as instance:
        results = {
            "staged": asyncio.run(_staged(platform, "2026-11-01|S1")),
            "answered": asyncio.run(_answered(platform)),
            "followed": _followed(platform, instance),
            "dagster": _materialised(platform, instance, "2026-11-03|S1"),
            "catalogued": sorted(f"{item.collection_id}/{item.id}" for item in platform.catalog.search()),
        }
    print(json.dumps(results))


if __name__ == "__main__":
    main()
