"""What the demo prints in the end: what there is of each station, and where."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from rs_assets.errors import RsAssetsError
from rs_assets.ingest.manifest import Manifest
from rs_assets.ingest.publishing import kept_manifest
from rs_assets.ingest.searching import kept_results
from rs_assets.items.files import FileState
from rs_assets.items.units import MEGABYTE
from rs_assets.stations.registry import interface_of

if TYPE_CHECKING:
    from rs_assets.ingest import Platform
    from rs_assets.stations.window import Partition


def print_findings(platform: "Platform", partitions: Mapping[str, Sequence["Partition"]]) -> int:
    """Print a table of each kind of station; how many files, or whole partitions, are missing.

    Args:
        platform: its store, manifests and catalogue are read.
        partitions: of the demo, by the name of their station.
    """
    findings = {name: [_read(platform, name, partition) for partition in some] for name, some in partitions.items()}
    console = Console()
    downlink = [name for name in findings if interface_of(platform.settings.station(name)).has_sessions]
    for name in (name for name in findings if name not in downlink):
        figures = ["found", "staged", "verified MB", "failed", "catalogued"]
        console.print(_table(f"{name}: files", ["day", "mission"], figures, map(_product_row, findings[name])))
    if downlink:
        figures = ["complete", "chunks", "MB", "staged", "failed", "catalogued"]
        rows = (row for name in downlink for row in _session_rows(name, findings[name]))
        console.print(_table(f"{', '.join(downlink)}: downlink sessions", ["station", "mission"], figures, rows))
    every = [finding for some in findings.values() for finding in some]
    failed = sum(finding.failed for finding in every)
    if not failed and not any(finding.staged for finding in every):
        click.echo("Nothing was staged: the catalogue has every file already.")
    return failed


def print_places(platform: "Platform", collection: str) -> None:
    """Say where everything is, and how it is looked at."""
    settings = platform.settings
    click.echo(
        f"""
Files           {settings.store.place}
Search results  {settings.store.place}/search_results/
Catalogue       {settings.catalog.path}

Look at it in the Dagster UI:

{Path(sys.argv[0])} dev

Read the catalogue back with pystac:

{sys.executable} - <<'END'
from rs_assets.catalog import open_catalog
for item in open_catalog("{settings.catalog.path}").search(collections=["{collection}"], limit=3):
    print(item.id, *(asset.href for asset in item.assets.values()))  # each item is a pystac.Item
END"""
    )


@dataclass(frozen=True, slots=True)
class _Finding:
    """What there is of one partition: its manifest, or the error that prevents reading it."""

    partition: "Partition"
    manifest: Manifest | None = None
    found: int = 0
    """Items that the station has shown."""
    catalogued: int = 0
    error: str = ""

    @property
    def failed(self) -> int:
        """Files that are missing; 1 for a partition of which nothing is known."""
        return 1 if self.manifest is None else len(self.manifest.failures)

    @property
    def staged(self) -> int:
        """Files that this demo has moved."""
        return 0 if self.manifest is None else self.manifest.count(FileState.STAGED)

    @property
    def megabytes(self) -> float:
        """What lies verified in the store, in MB."""
        return 0.0 if self.manifest is None else self.manifest.verified_bytes / MEGABYTE


def _read(platform: "Platform", name: str, partition: "Partition") -> _Finding:
    station = platform.settings.station(name)
    try:
        results = kept_results(platform, station, partition)
        manifest = kept_manifest(platform, station, partition)
    except RsAssetsError as error:
        return _Finding(partition, error=str(error))
    published = platform.catalog.existing(manifest.collection, {item.id for item in results.items})
    return _Finding(partition, manifest, len(results.items), len(published))


def _table(title: str, names: Sequence[str], figures: Sequence[str], rows: Iterator[Sequence[object]]) -> Table:
    """A row that is shorter than the header ends with an error, which stands in the last column."""
    table = Table(*names, title=title, title_justify="left")
    for figure in figures:
        table.add_column(figure, justify="right")
    for *cells, last in rows:
        unknown = ["–"] * (len(table.columns) - len(cells) - 1)
        table.add_row(*map(str, cells), *unknown, str(last))
    return table


def _product_row(finding: _Finding) -> Sequence[object]:
    day, mission = finding.partition.window_key, finding.partition.mission
    if finding.error:
        return day, mission, finding.error
    megabytes = f"{finding.megabytes:.1f}"
    return day, mission, finding.found, finding.staged, megabytes, finding.failed, finding.catalogued


def _session_rows(station: str, findings: Sequence[_Finding]) -> Iterator[Sequence[object]]:
    """A row for each mission, over all days."""
    for mission in dict.fromkeys(finding.partition.mission for finding in findings):
        some = [finding for finding in findings if finding.partition.mission == mission]
        if errors := [finding.error for finding in some if finding.error]:
            yield station, mission, errors[0]
            continue
        sessions = [session for finding in some if finding.manifest for session in finding.manifest.sessions]
        yield (
            station,
            mission,
            f"{sum(session.complete for session in sessions)} of {sum(finding.found for finding in some)}",
            sum(sum(session.channels.values()) for session in sessions),
            f"{sum(session.size for session in sessions) / MEGABYTE:.1f}",
            sum(finding.staged for finding in some),
            sum(finding.failed for finding in some),
            sum(finding.catalogued for finding in some),
        )
