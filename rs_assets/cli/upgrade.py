"""``rs-assets upgrade``: bring state and catalogue up to what this program reads, or say what that would do."""

import sys

import click

from rs_assets.catalog import Catalog
from rs_assets.ingest import Platform
from rs_assets.revisions import Upgrade
from rs_assets.settings import load_settings
from rs_assets.state import StateDatabase


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; exit with status 1 where there is something to upgrade.")
def upgrade(check: bool) -> None:
    """Bring the state and the catalogue of an earlier version up to this one.

    The first command or run of a new version does the same by itself. A copy of each SQLite file as it was is kept
    beside it; keep one of a PostgreSQL database yourself before. Documents of the store are read in every earlier
    form, and written anew when their partition is.
    """
    platform = Platform.open(load_settings())
    parts: dict[str, StateDatabase | Catalog] = {"state": platform.state, "catalogue": platform.catalog}
    found = {name: part.upgrade_needed() for name, part in parts.items()}
    for name, needed in found.items():
        click.echo(f"{name} {needed.place}: {_sentence(needed, check=check)}")
        if not check:
            parts[name].open()
    if check and any(needed.missing for needed in found.values()):
        sys.exit(1)


def _sentence(needed: Upgrade, *, check: bool) -> str:
    if needed.present is None:
        return "does not exist yet; it is made when it is first used" if check else "made"
    if not needed.missing:
        return f"revision {needed.present}, which is up to date"
    verb = "would be" if check else "is being"
    steps = "".join(f"\n  {step.id}  {step.summary}" for step in needed.missing)
    return f"revision {needed.present}, {verb} upgraded to {needed.missing[-1].id}:{steps}"
