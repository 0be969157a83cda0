"""Running the assets as `dagster asset materialize` and a backfill do."""

from dataclasses import dataclass

import dagster as dg

STEPS = ("search_results", "staged_files", "catalog_items")


@dataclass(frozen=True)
class Runs:
    """Runs in one instance."""

    defs: dg.Definitions
    instance: dg.DagsterInstance

    def materialize(
        self,
        first: str,
        last: str | None = None,
        *,
        steps: tuple[str, ...] = STEPS,
        config: dict[str, object] | None = None,
    ) -> dg.ExecuteInProcessResult:
        """Materialise one partition, or, as one run of a backfill does, the range from `first` to `last`."""
        job = self.defs.resolve_implicit_global_asset_job_def()
        tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last or first}
        run_config = {"ops": {"adgs_ingest": {"config": config}}} if config else {}
        return job.execute_in_process(
            instance=self.instance,
            tags=tags if last else None,
            partition_key=None if last else first,
            asset_selection=[dg.AssetKey(["adgs", step]) for step in steps],
            run_config={**run_config, "loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            raise_on_error=False,
        )

    def materialized(self, step: str) -> dict[str, dg.AssetMaterialization]:
        """The newest materialisation of each partition of an asset."""
        records = self.instance.fetch_materializations(dg.AssetKey(["adgs", step]), limit=1000, ascending=True).records
        found = {}
        for record in records:
            assert record.asset_materialization is not None
            found[str(record.asset_materialization.partition)] = record.asset_materialization
        return found

    def check(self, step: str, name: str) -> dg.AssetCheckEvaluation:
        """The newest verdict of a check."""
        key = dg.AssetCheckKey(dg.AssetKey(["adgs", step]), name)
        [record] = self.instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
        assert record.event is not None
        assert record.event.dagster_event is not None
        evaluation = record.event.dagster_event.event_specific_data
        assert isinstance(evaluation, dg.AssetCheckEvaluation)
        return evaluation
