"""The three assets that the steps of a group make, and the runs that ask for them."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import dagster as dg

from rs_assets.defs.partitions import multi_partition_key, partitions_of
from rs_assets.ingest import Step
from rs_assets.settings import Settings, Station


def asset_key(group: str, step: Step) -> dg.AssetKey:
    """The asset that a step makes in a group."""
    return dg.AssetKey([group, step.value])


def asset_keys(group: str, steps: Iterable[Step] = Step) -> list[dg.AssetKey]:
    """The assets that some steps make in a group, all of them by default, in the order of the steps."""
    chosen = set(steps)
    return [asset_key(group, step) for step in Step if step in chosen]


def step_specs(
    settings: Settings, group: str, descriptions: Mapping[Step, str], searched: Iterable[str] = (), **common: Any
) -> Iterable[dg.AssetSpec]:
    """A group's assets as the UI shows them, each downstream of the one before.

    Args:
        settings: say where files and items are kept.
        group: of the assets; their keys begin with it.
        descriptions: by step.
        searched: the kinds of the interface that is searched.
        common: what else each spec has.
    """
    kinds: dict[Step, set[str]] = {
        Step.SEARCH: {"stac", *searched},
        Step.STAGE: set(settings.store.kinds),
        Step.PUBLISH: {"stac", *settings.catalog.kinds},
    }
    upstream: list[dg.AssetKey] = []
    for step, key in zip(Step, asset_keys(group), strict=True):
        yield dg.AssetSpec(
            key, deps=upstream, description=descriptions[step], group_name=group, kinds=kinds[step], **common
        )
        upstream = [key]


def partition_runs(
    station: Station,
    partitions: Iterable[tuple[str, str, str, Iterable[Step]]],
    tags: Mapping[str, str] = MappingProxyType({}),
) -> list[dg.RunRequest]:
    """Requests for runs of a station's partitions; each is given by its key, the run key, why it is due and the steps.

    They have these tags, too. A partition that the station's settings no longer have is left out.
    """
    known = partitions_of(station)
    return [
        dg.RunRequest(
            run_key=run_key,
            partition_key=multi_partition_key(partition),
            asset_selection=asset_keys(station.name, steps),
            tags={"station": station.name, "due": why, **tags},
        )
        for partition, run_key, why, steps in partitions
        if known.has_partition_key(multi_partition_key(partition))
    ]
