"""The sensor of on-demand requests: it takes in the inbox, and asks for the runs that answer it."""

from collections.abc import Sequence

import dagster as dg

from rs_assets.defs.heartbeats import fail_dead_runs
from rs_assets.defs.on_demand import BATCH_TAG, GROUP, PARTITIONS
from rs_assets.defs.on_demand.assets import PARTITIONS_DEF
from rs_assets.defs.steps import asset_keys
from rs_assets.ingest import Platform
from rs_assets.items.times import utc_now
from rs_assets.requests import Batch, give_back, plan, take_in
from rs_assets.state import Requests

_INTERVAL_S = 10
_MAX_BATCHES = 8
"""Batches that are open at the same time: few, so that an urgent request overtakes those that wait."""


def request_sensor(requests_per_run: int) -> dg.SensorDefinition:
    """Turns the requests of the inbox into partitions and runs of many requests each, the urgent ones first."""

    @dg.sensor(
        name="aux_request_inbox",
        asset_selection=asset_keys(GROUP),
        minimum_interval_seconds=_INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            "Takes in the requests that lie in the store's inbox, and asks for the runs that answer them. A request "
            "leaves the inbox only when it has ended; a malformed one goes to `rejected/` with the reason beside it."
        ),
    )
    def sensor(
        context: dg.SensorEvaluationContext, platform: dg.ResourceParam[Platform]
    ) -> dg.SensorResult | dg.SkipReason:
        now = utc_now()
        taken = take_in(platform, now)
        for rejection in taken.rejected:
            context.log.warning(f"inbox/{rejection.name} is rejected: {'; '.join(rejection.reasons)}")
        fail_dead_runs(context.instance, platform, now)
        _give_back_what_was_not_answered(context.instance, platform)
        batches = plan(platform, batch_size=requests_per_run, max_batches=_MAX_BATCHES)
        new = [batch for batch in batches if not _run_of(context.instance, batch.id)]
        if not new:
            return dg.SkipReason("no request waits" if not batches else f"{len(batches)} batches are being answered")
        keys = [request_id for batch in new for request_id in batch.request_ids]
        _forget_partitions(context.instance, keys)
        return dg.SensorResult(
            run_requests=[_run_request(batch) for batch in new],
            dynamic_partitions_requests=[PARTITIONS_DEF.build_add_request(keys)],
        )

    return sensor


def _run_request(batch: Batch) -> dg.RunRequest:
    """One run for all requests of a batch, whose partitions follow each other."""
    return dg.RunRequest(
        run_key=batch.id,
        tags={
            "dagster/asset_partition_range_start": batch.request_ids[0],
            "dagster/asset_partition_range_end": batch.request_ids[-1],
            "dagster/priority": str(batch.priority),
            BATCH_TAG: batch.id,
        },
    )


def _run_of(instance: dg.DagsterInstance, batch_id: str) -> dg.DagsterRun | None:
    """The run that was launched for a batch; None if a tick died before it could be."""
    runs = instance.get_runs(dg.RunsFilter(tags={BATCH_TAG: batch_id}), limit=1)
    return runs[0] if runs else None


def _give_back_what_was_not_answered(instance: dg.DagsterInstance, platform: Platform) -> None:
    """Look after the requests of runs that have ended without answering them, because they were killed."""
    for batch_id in Requests(platform.state).open_batches():
        run = _run_of(instance, batch_id)
        if run is not None and run.is_finished:
            give_back(platform, batch_id, reason=f"the run {run.run_id} ended without answering it", at=utc_now())


def _forget_partitions(instance: dg.DagsterInstance, keys: Sequence[str]) -> None:
    """Partitions are ordered by when they were added; those of a batch must follow each other to make a range."""
    known = set(instance.get_dynamic_partitions(PARTITIONS))
    for key in known.intersection(keys):
        instance.delete_dynamic_partition(PARTITIONS, key)
