"""The directory that Dagster keeps its runs in, made ready before anything starts in parallel."""

import os
from pathlib import Path

import click


def prepare_home(home: Path | None) -> Path:
    """Point DAGSTER_HOME at a directory, and create its databases one after the other.

    Several processes that start on a fresh directory at once would break it for good.

    Args:
        home: the directory; by default DAGSTER_HOME, else ``dagster_home`` in the current directory.
    """
    chosen = (home or Path(os.environ.get("DAGSTER_HOME") or "dagster_home")).absolute()
    if not (chosen / "dagster.yaml").is_file():
        raise click.ClickException(
            f"{chosen} has no dagster.yaml; run this in the checkout, or name a directory that has one with --home"
        )
    os.environ["DAGSTER_HOME"] = str(chosen)
    from dagster import DagsterInstance

    with DagsterInstance.get() as instance:
        instance.get_runs(limit=1)
        instance.get_latest_materialization_events([])
        instance.all_instigator_state()
    return chosen
