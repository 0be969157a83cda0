"""``rs-assets rename-station``: let what was known of a station under its old name be known under its new one."""

import click

from rs_assets.ingest import Platform
from rs_assets.settings import load_settings
from rs_assets.upkeep import rename_station as rename


@click.command(name="rename-station")
@click.argument("old")
@click.argument("new")
def rename_station(old: str, new: str) -> None:
    """Let what is known of the station OLD be known of NEW, which the settings name in its place.

    Call it with nothing else running. Searches, failures, transfers, orders, sessions and requests that wait follow,
    and so do search results and manifests; files and items do not depend on the name. Dagster knows assets by their
    name: those of NEW begin without the materialisations of OLD, and running their partitions fetches nothing again.
    """
    renamed = rename(Platform.open(load_settings()), old, new)
    click.echo(
        f"{old} is {new} now: {renamed.documents:,d} documents, {renamed.rows:,d} rows of the state, "
        f"{renamed.requests:,d} waiting requests"
    )
