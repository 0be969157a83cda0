"""``rs-assets rebuild``: make the state anew after its database was lost."""

import asyncio
import sys

import click

from rs_assets.ingest import Platform
from rs_assets.settings import load_settings
from rs_assets.upkeep import rebuild as rebuild_state

_MOST_SHOWN = 20


@click.command()
def rebuild() -> None:
    """Make the state anew, as far as store and catalogue can tell, after its database was lost or damaged.

    Move a damaged database away first. What the state knows already stays, so this may be done again. It changes
    neither a staged file nor an item, and asks no station. The exit status is 1 where something could not be read.
    """
    rebuilt = asyncio.run(rebuild_state(Platform.open(load_settings())))
    click.echo(f"{rebuilt.searches:10,d}  partitions that were searched")
    click.echo(f"{rebuilt.transfers:10,d}  staged files")
    click.echo(f"{rebuilt.requests:10,d}  ended requests")
    click.echo(f"{rebuilt.wanted:10,d}  partitions to be staged again, which the next tick asks for")
    if rebuilt.lost:
        click.echo(f"{len(rebuilt.lost):10,d}  that cannot be made anew:")
        for sentence in rebuilt.lost[:_MOST_SHOWN]:
            click.echo(f"            {sentence}")
        if len(rebuilt.lost) > _MOST_SHOWN:
            click.echo(f"            and {len(rebuilt.lost) - _MOST_SHOWN:,d} more")
        sys.exit(1)
