"""The three assets of on-demand requests: what was found, what was staged of it, what the catalogue lists."""

import asyncio
from collections.abc import Iterator

import dagster as dg

from rs_assets.defs.heartbeats import heartbeat
from rs_assets.defs.on_demand import GROUP, PARTITIONS
from rs_assets.defs.on_demand.metadata import COVERED, coverage_check, metadata_of
from rs_assets.defs.recording import PartitionRecord, Result, record_results
from rs_assets.defs.running import readable_failures, run_with_heartbeats
from rs_assets.defs.steps import asset_key, step_specs
from rs_assets.ingest import Platform, Step
from rs_assets.items.times import utc_now
from rs_assets.requests import RequestError, begin, end
from rs_assets.requests.answering import Answering, RequestResult
from rs_assets.requests.results import keep_result
from rs_assets.settings import Settings
from rs_assets.state import RequestState

_CONCURRENCY = 4
"""Requests that are answered at the same time."""

_DESCRIPTIONS = {
    Step.SEARCH: "What the source of a request has for it, and what the request's policy chooses.",
    Step.STAGE: "The chosen files that the catalogue lacked, moved into the object store and verified.",
    Step.PUBLISH: (
        "The answer: the chosen items, read back from the catalogue, with a picture of their validity against the "
        "interval asked for."
    ),
}

PARTITIONS_DEF = dg.DynamicPartitionsDefinition(name=PARTITIONS)


def on_demand_assets(settings: Settings) -> dg.AssetsDefinition:
    """The assets, partitioned by request."""

    @dg.multi_asset(
        name=f"{GROUP}_ingest",
        specs=list(step_specs(settings, GROUP, _DESCRIPTIONS, partitions_def=PARTITIONS_DEF)),
        check_specs=[
            dg.AssetCheckSpec(
                COVERED,
                asset=asset_key(GROUP, Step.PUBLISH),
                description=(
                    "Whether the files that the requests of the last run got cover the interval that each asked for, "
                    "by product type; a gap is named with its bounds."
                ),
            )
        ],
        backfill_policy=dg.BackfillPolicy.multi_run(settings.requests_per_run),
    )
    def assets(
        context: dg.AssetExecutionContext,
        platform: dg.ResourceParam[Platform],
    ) -> Iterator[Result]:
        with readable_failures():
            answers = run_with_heartbeats(_answers(platform, context), heartbeat(platform, context))
        records = [record for record, _ in answers]
        check = coverage_check([result for _, result in answers if result is not None])
        yield from record_results(context, GROUP, frozenset(Step), records, [check])

    return assets


async def _answers(
    platform: Platform, context: dg.AssetExecutionContext
) -> list[tuple[PartitionRecord, RequestResult | None]]:
    """Answer the run's requests, each of them ended in the state as soon as it is answered."""
    slots = asyncio.Semaphore(_CONCURRENCY)
    run_id = context.run.run_id
    async with Answering(platform, run_id=run_id) as answering:

        async def one(request_id: str) -> tuple[PartitionRecord, RequestResult | None]:
            async with slots:
                try:
                    request = await asyncio.to_thread(begin, platform, request_id, run_id=run_id, at=utc_now())
                except RequestError as error:
                    return PartitionRecord(request_id, f"{request_id}: {error}", {}), None
                result = await answering.answer(request_id, request)
                record = await asyncio.to_thread(_ended, platform, result)
                context.log.info(f"{request_id}: {result.state}, {result.message}")
                return record, result

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(request_id)) for request_id in context.partition_keys]
    return [task.result() for task in tasks]


def _ended(platform: Platform, result: RequestResult) -> PartitionRecord:
    now = utc_now()
    picture = keep_result(platform, result, now)
    end(platform, result.request_id, result.request, result.state, result.message, result.counts, now)
    if result.state is RequestState.FAILED:
        return PartitionRecord(result.request_id, f"{result.request_id}: {result.message}", {})
    return PartitionRecord(
        result.request_id, None, {step: metadata_of(platform, step, result, picture) for step in Step}
    )
