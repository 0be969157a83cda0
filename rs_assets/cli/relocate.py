"""``rs-assets relocate``: let what pointed to the old place of a store point to the new one."""

import asyncio
import sys
from pathlib import Path

import click

from rs_assets.ingest import Platform
from rs_assets.settings import load_settings
from rs_assets.upkeep import relocate as relocate_store

_MOST_SHOWN = 20


@click.command()
@click.argument("old")
def relocate(old: str) -> None:
    """Let all that points below OLD, where the store was, point into the store that the settings name.

    OLD is a URL (s3://bucket/prefix, file:///data/store) or a directory. Copy the files first, change the settings,
    and call this with nothing else running: each file is seen to be at its new place, with its size, before its item
    changes. Interrupted, or with files missing (exit status 1), it goes on when it is called again.
    """
    place = old if "://" in old else Path(old).absolute().as_uri()
    relocated = asyncio.run(relocate_store(Platform.open(load_settings()), place))
    click.echo(f"{relocated.items:10,d}  items point to the new place")
    click.echo(f"{relocated.documents:10,d}  manifests and results of requests")
    click.echo(f"{relocated.notes:10,d}  notes on replaced publications")
    if relocated.missing:
        click.echo(f"{len(relocated.missing):10,d}  that stay as they are:")
        for sentence in relocated.missing[:_MOST_SHOWN]:
            click.echo(f"            {sentence}")
        if len(relocated.missing) > _MOST_SHOWN:
            click.echo(f"            and {len(relocated.missing) - _MOST_SHOWN:,d} more")
        sys.exit(1)
