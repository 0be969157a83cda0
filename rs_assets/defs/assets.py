"""The three assets of a station: what it has shown, what is staged of it, what the catalogue lists.

One Dagster step makes them, partition by partition; a failing partition does not stop the others: those that
succeeded are recorded, then the run fails and names those that failed.
"""

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing

import dagster as dg
from pydantic import Field

from rs_assets.defs.checks import check_specs, verdicts
from rs_assets.defs.heartbeats import heartbeat
from rs_assets.defs.metadata import metadata_of
from rs_assets.defs.partitions import partitions_of
from rs_assets.defs.recording import PartitionRecord, Result, record_results
from rs_assets.defs.running import readable_failures, run_with_heartbeats
from rs_assets.defs.steps import step_specs
from rs_assets.ingest import IngestOptions, PartitionReport, Platform, Step, ingest
from rs_assets.ingest.staging import StagingOptions
from rs_assets.ingest.steps import Progress
from rs_assets.settings import Settings, Station
from rs_assets.stations.registry import interface_of
from rs_assets.stations.window import Partition

PLATFORM = "platform"
"""Key of the resource that is the opened `Platform`."""

PROGRESS = "progress"
"""Key of the resource that makes what observes a run."""

ProgressFactory = Callable[[Callable[[str], None], int], Progress]
"""Makes an observer of a run, given the run's logger and how many partitions it has."""


class IngestConfig(dg.Config):
    """What one run may ask for."""

    limit: int | None = Field(
        default=None,
        ge=1,
        description="Maximum number of items of a partition to stage; the others wait for a later run.",
    )
    retries: int | None = Field(
        default=None,
        ge=0,
        description="How often a failed request is repeated, instead of what the station's settings say.",
    )
    force: bool = Field(
        default=False,
        description="Read and verify again what is in the store already, and fetch it again where it is corrupt.",
    )


def station_assets(settings: Settings, station: Station) -> dg.AssetsDefinition:
    """The assets of one station, partitioned by time window × mission."""

    @dg.multi_asset(
        name=f"{station.name}_ingest",
        specs=list(
            step_specs(
                settings,
                station.name,
                _descriptions(station),
                interface_of(station).kinds,
                owners=list(station.owners),
                tags={"station": station.name, "interface": station.interface},
                partitions_def=partitions_of(station),
                metadata={"station_url": dg.MetadataValue.url(str(station.url))},
            )
        ),
        check_specs=check_specs(station),
        can_subset=True,
        backfill_policy=dg.BackfillPolicy.multi_run(settings.keys_per_run),
        pool=f"station_{station.name}",
    )
    def assets(
        context: dg.AssetExecutionContext,
        config: IngestConfig,
        platform: dg.ResourceParam[Platform],
        progress: dg.ResourceParam[ProgressFactory],
    ) -> Iterator[Result]:
        steps = frozenset(Step(key.path[-1]) for key in context.selected_asset_keys)
        records: list[PartitionRecord] = []
        with readable_failures():
            if steps:
                partitions = [Partition.parse(key, station.window) for key in context.partition_keys]
                attempts = None if config.retries is None else config.retries + 1
                staging = StagingOptions(limit=config.limit, attempts=attempts, force=config.force)
                options = IngestOptions(steps, staging, run_id=context.run.run_id)
                observer = progress(context.log.info, len(partitions))
                reports = ingest(platform, station.name, partitions, options, observer)
                records = run_with_heartbeats(_recorded(platform, reports), heartbeat(platform, context))
            verdict_of = verdicts(platform, station)
        checks = [result for key, result in verdict_of.items() if key in context.selected_asset_check_keys]
        yield from record_results(context, station.name, steps, records, checks)

    return assets


def _descriptions(station: Station) -> dict[Step, str]:
    """What each asset is, with what is particular to downlink sessions."""
    searched = (
        f"Everything that {station.name} has shown for the window and mission, as a STAC ItemCollection in the "
        "store. Searching again adds to it and takes nothing away, even when the station has evicted it all."
    )
    staged = (
        "The files that the catalogue lacks, moved into the object store, counted and hashed on the way, and "
        "visible only once verified. The manifest in the store has one outcome per file."
    )
    published = (
        "The items whose every file is verified, in the STAC catalogue. Each asset's href is the object; where "
        "the station has it stays as an alternate."
    )
    interface = interface_of(station)
    if interface.has_sessions:
        staged += (
            " A session is staged as far as the station shows it, also while its downlink still runs, and again as it "
            "grows; no chunk is moved twice."
        )
        published += (
            " A session that is not complete yet is marked as partial, and grows."
            if interface.publishes_incomplete(station)
            else " A session enters it when it is complete, and waits outside until then."
        )
    texts = {Step.SEARCH: searched, Step.STAGE: staged, Step.PUBLISH: published}
    return {step: f"{text}\n\n{station.description}".strip() for step, text in texts.items()}


async def _recorded(platform: Platform, reports: AsyncGenerator[PartitionReport]) -> list[PartitionRecord]:
    records = []
    async with aclosing(reports):
        async for report in reports:
            metadata = {step: metadata_of(platform, step, report) for step in Step if step in report.done}
            records.append(PartitionRecord(report.partition.key, report.error, metadata))
    return records
