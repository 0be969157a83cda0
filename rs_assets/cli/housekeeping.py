"""``rs-assets housekeeping``: remove what has ended long ago, as the daily job of Dagster does."""

import click

from rs_assets.ingest import Platform
from rs_assets.items.times import utc_now
from rs_assets.settings import load_settings
from rs_assets.upkeep import keep_house


@click.command()
def housekeeping() -> None:
    """Remove what has ended longer ago than the settings keep it: what was moved, resolved failures, requests …

    No staged file and no item of the catalogue is touched. What Dagster keeps is removed by its job `housekeeping`.
    """
    removed = keep_house(Platform.open(load_settings()), utc_now())
    for what, count in removed.items():
        click.echo(f"{count:10,d}  {what.replace('_', ' ')}")
