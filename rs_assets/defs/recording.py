"""Recording what became of each partition of a run, whether all succeeded or some failed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import dagster as dg

from rs_assets.defs.metadata import Metadata
from rs_assets.defs.steps import asset_key, asset_keys
from rs_assets.ingest import Step
from rs_assets.ingest.pipeline import failure_message

Result = dg.MaterializeResult[None] | dg.AssetCheckResult


@dataclass(frozen=True, slots=True)
class PartitionRecord:
    """What Dagster records of one partition; far smaller than its report, of which a run would hold many."""

    partition: str
    error: str | None
    metadata: Mapping[Step, Metadata]
    """By the step that was completed, in their order."""


def record_results(
    context: dg.AssetExecutionContext,
    group: str,
    steps: frozenset[Step],
    records: Sequence[PartitionRecord],
    checks: Sequence[dg.AssetCheckResult],
) -> Iterator[Result]:
    """The results of a step that took some partitions through `steps`.

    Raises:
        dagster.Failure: a partition failed. The good ones, and the checks, have been recorded before, and the
            failure names the bad ones.
    """
    failure = failure_message({record.partition: record.error for record in records})
    if failure is not None:
        _record_completed(context, group, records, checks)
        raise dg.Failure(failure, allow_retries=False)
    for record in records:
        for step, metadata in record.metadata.items():
            context.add_asset_metadata(metadata, asset_key=asset_key(group, step), partition_key=record.partition)
    for key in asset_keys(group, steps):
        yield dg.MaterializeResult(asset_key=key)
    yield from checks


def _record_completed(
    context: dg.AssetExecutionContext,
    group: str,
    records: Sequence[PartitionRecord],
    checks: Sequence[dg.AssetCheckResult],
) -> None:
    """Record by hand, before the step fails, what Dagster records automatically only for a step that succeeds."""
    for record in records:
        for step, metadata in record.metadata.items():
            context.log_event(
                dg.AssetMaterialization(asset_key(group, step), partition=record.partition, metadata=metadata)
            )
    for check in checks:
        assert check.asset_key is not None
        assert check.check_name is not None
        context.log_event(
            dg.AssetCheckEvaluation(
                asset_key=check.asset_key,
                check_name=check.check_name,
                passed=bool(check.passed),
                severity=check.severity,
                description=check.description,
                metadata=check.metadata,
            )
        )
