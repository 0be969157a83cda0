"""Runs the steps for each partition in one event loop; a failing partition does not stop the others."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from dataclasses import dataclass, field

from rs_assets.errors import AuthenticationError, RsAssetsError
from rs_assets.ingest.job import IngestJob
from rs_assets.ingest.opening import OpenStation, open_station
from rs_assets.ingest.platform import Platform
from rs_assets.ingest.publishing import kept_manifest, publish_partition
from rs_assets.ingest.searching import kept_results, search_partition
from rs_assets.ingest.staging import StagingOptions, stage_partition
from rs_assets.ingest.steps import Begun, Ended, PartitionMessage, PartitionReport, Progress, Searched, Step
from rs_assets.ingest.work import at_work
from rs_assets.staging.messages import Message, Paused, Waiting, unobserved
from rs_assets.stations.window import Partition

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """What one run does."""

    steps: frozenset[Step] = frozenset(Step)
    """The steps to take; what a left-out step would have given is read from the store."""
    staging: StagingOptions = field(default_factory=StagingOptions)
    run_id: str | None = None


async def ingest(
    platform: Platform,
    station_name: str,
    partitions: Iterable[Partition],
    options: IngestOptions | None = None,
    progress: Progress = unobserved,
) -> AsyncGenerator[PartitionReport]:
    """Run the steps for every partition; one report for each, in their order, as soon as it is done.

    A partition that fails says why in its report, and the others go on. Credentials that are refused once are
    not offered again for the partitions that follow. What is not completed stays unfinished in the state.

    Raises:
        SettingsError: there is no such station.
        StationError: the connection cannot be prepared, e.g. for lack of its CA file.
        StateError: the state, by which the station's limits are kept, cannot be used.
    """
    options = options or IngestOptions()
    partitions = list(partitions)
    keys = [partition.key for partition in partitions]
    async with (
        open_station(platform, station_name) as station,
        at_work(platform, station_name, keys, options.steps) as work,
    ):
        pipeline = _Pipeline(platform, station, options, progress)
        refused: str | None = None
        for partition in partitions:
            report = PartitionReport(partition, error=refused)
            if refused is None:
                try:
                    await pipeline.run(report)
                    await work.done(partition.key)
                except AuthenticationError as error:
                    report.error = refused = str(error)
                except RsAssetsError as error:
                    report.error = str(error)
                except Exception as error:  # noqa: BLE001 - a defect in one partition must not cost the others
                    _log.exception("%s: %s failed unexpectedly", station_name, partition.key)
                    report.error = f"{station_name}: {partition.key} failed unexpectedly: {error!r}"
            progress(PartitionMessage(partition, Ended(report)))
            yield report


def failure_message(errors: Mapping[str, str | None]) -> str | None:
    """One message that names every partition that failed, and why; None if none did.

    Args:
        errors: by partition key, why it failed; None where it did not.
    """
    reasons: dict[str, list[str]] = {}
    for key, error in errors.items():
        if error is not None:
            reasons.setdefault(error, []).append(key)
    if not reasons:
        return None
    lines = [f"{', '.join(keys)}: {reason}" for reason, keys in reasons.items()]
    return f"{sum(map(len, reasons.values()))} of {len(errors)} partitions failed.\n" + "\n".join(lines)


@dataclass(frozen=True, slots=True)
class _Pipeline:
    """The steps of one run."""

    platform: Platform
    station: OpenStation
    options: IngestOptions
    progress: Progress

    async def run(self, report: PartitionReport) -> None:
        """Run the steps of one partition, and write into the report how far it came."""
        platform, station, partition = self.platform, self.station.settings, report.partition
        job = IngestJob(platform, station, station.name, partition.key, self.options.run_id)

        def tell(message: Begun | Searched | Message) -> None:
            self.progress(PartitionMessage(partition, message))

        def tell_wait(what: str, seconds: float | None) -> None:
            tell(Waiting(what) if seconds is None else Paused(seconds))

        with self.station.limits.watched(tell_wait):
            await self._take_steps(job, report, tell)

    async def _take_steps(
        self, job: IngestJob, report: PartitionReport, tell: Callable[[Begun | Searched | Message], None]
    ) -> None:
        platform, station, partition = self.platform, self.station.settings, report.partition
        for step in Step:
            if step not in self.options.steps:
                continue
            tell(Begun(step))
            if step is Step.SEARCH:
                report.search = await search_partition(platform, self.station.search, station, partition)
                tell(Searched(len(report.search.items)))
            elif step is Step.STAGE:
                results = report.search
                if results is None:
                    results = await asyncio.to_thread(kept_results, platform, station, partition)
                staging = self.options.staging
                report.manifest = await stage_partition(job, self.station.source, results, staging, tell)
            else:
                manifest = report.manifest
                if manifest is None:
                    manifest = await asyncio.to_thread(kept_manifest, platform, station, partition)
                report.publication = await publish_partition(job, manifest)
            report.done.add(step)
