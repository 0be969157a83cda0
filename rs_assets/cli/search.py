"""``rs-assets search``: what a station has; nothing of it is stored."""

import asyncio
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import click
from pystac import Item, ItemCollection
from rich.console import Console
from rich.table import Table

from rs_assets.ingest import Platform
from rs_assets.ingest.looking_up import Sought, look_up
from rs_assets.items.units import MEGABYTE
from rs_assets.settings import load_settings
from rs_assets.stations.search import Answer

_WIDTH = 80


class _Time(click.ParamType[datetime]):
    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a time; expected e.g. 2026-11-01 or 2026-11-01T12:00:00Z", param, ctx)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


class _Box(click.ParamType[tuple[float, float, float, float]]):
    name = "w,s,e,n"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float, float, float]:
        try:
            west, south, east, north = (float(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is not a box; expected west,south,east,north in degrees, e.g. 5,45,11,48", param, ctx)
        return west, south, east, north


@click.command()
@click.argument("station")
@click.option(
    "--start", type=_Time(), help="Published at that time or later (UTC); sensed, where time_field is content."
)
@click.option("--end", type=_Time(), help="Published, or sensed, before that time (UTC).")
@click.option(
    "--mission", "missions", multiple=True, metavar="NAME", help="Of this mission of the settings; repeatable."
)
@click.option("--type", "product_types", multiple=True, metavar="TYPE", help="Of this product type; repeatable.")
@click.option("--name", default="", metavar="TEXT", help="Whose id contains the text; * stands for anything.")
@click.option("--bbox", type=_Box(), help="Whose footprint meets the box, in degrees; west > east: across 180°.")
@click.option("--filter", "more", default="", metavar="CQL2", help="What else must be true of an item, in CQL2 text.")
@click.option("--limit", type=click.IntRange(min=1), help="The newest of them alone, so many.")
@click.option("--json", "form", flag_value="json", help="Print a STAC ItemCollection.")
@click.option("--names", "form", flag_value="names", help="Print the names of the files, one on a line.")
@click.option("--count", "form", flag_value="count", help="Print how many there are.")
def search(
    station: str,
    *,
    start: datetime | None,
    end: datetime | None,
    missions: Sequence[str],
    product_types: Sequence[str],
    name: str,
    bbox: tuple[float, float, float, float] | None,
    more: str,
    limit: int | None,
    form: str | None,
) -> None:
    """Show what STATION has, the newest first. Nothing is stored.

    Warnings, and entries that cannot be used, go to standard error; the exit status is 1 where the station's answer is
    known to lack something.
    """
    sought = Sought(
        start=start, end=end, missions=missions, product_types=product_types, name=name, bbox=bbox, filter=more
    )
    answer = asyncio.run(look_up(Platform.open(load_settings()), station, sought, limit=limit))
    if form == "json":
        click.echo(json.dumps(ItemCollection(answer.items, clone_items=False).to_dict(transform_hrefs=False), indent=1))
    elif form == "names":
        for item in answer.items:
            click.echo("\n".join(item.assets) or item.id)
    elif form == "count":
        click.echo(len(answer.items))
    else:
        _print_table(answer.items)
    _print_flaws(answer)


def _print_table(items: Sequence[Item]) -> None:
    console = Console(highlight=False)
    table = Table(box=None, pad_edge=False, width=min(_WIDTH, console.width))
    table.add_column("published (UTC)", no_wrap=True)
    table.add_column("MB", justify="right", no_wrap=True)
    table.add_column("item", overflow="fold", ratio=1)
    for item in items:
        sizes = [asset.extra_fields.get("file:size") for asset in item.assets.values()]
        size = f"{sum(size or 0 for size in sizes) / MEGABYTE:,.1f}" if any(sizes) else "–"
        published = str(item.properties.get("published", ""))[:19].replace("T", " ")
        table.add_row(published, size, item.id)
    console.print(table if items else "Nothing.")


def _print_flaws(answer: Answer) -> None:
    for warning in answer.warnings:
        click.secho(f"warning: {warning}", fg="yellow", err=True)
    for entry in answer.rejected:
        click.secho(f"rejected: {entry.name}: {entry.reason}", fg="yellow", err=True)
    if answer.partial:
        click.secho("the station's answer lacks something; ask again", fg="red", err=True)
        sys.exit(1)
