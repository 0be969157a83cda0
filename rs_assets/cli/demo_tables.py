"""What the demo prints in the end: what there is of each station, and where."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from rs_assets.errors import RsAssetsError
from rs_assets.ingest.manifest import Manifest
from rs_assets.ingest.publishing import kept_manifest
from rs_assets.ingest.search_results import SearchResults
from rs_assets.ingest.searching import kept_results
from rs_assets.items.files import FileState
from rs_assets.items.units import MEGABYTE
from rs_assets.settings import Station
from rs_assets.stations.registry import interface_of

if TYPE_CHECKING:
    from rs_assets.ingest import Platform
    from rs_assets.stations.window import Partition


class Findings:
    """What the store, the manifests and the catalogue say of the demo's partitions."""

    def __init__(self, platform: "Platform", partitions: Mapping[str, Sequence["Partition"]]) -> None:
        """Read it all; `partitions` are those of each station, by its name."""
        self._platform = platform
        self._of: dict[str, list[_Finding]] = {
            name: [_Finding.read(platform, platform.settings.station(name), partition) for partition in chosen]
            for name, chosen in partitions.items()
        }

    @property
    def staged(self) -> int:
        """Files that this demo has moved."""
        return sum(finding.count(FileState.STAGED) for findings in self._of.values() for finding in findings)

    @property
    def failed(self) -> int:
        """Files, and whole partitions, that are missing."""
        return sum(finding.failed for findings in self._of.values() for finding in findings)

    def print(self) -> None:
        """Print a table of each kind of station."""
        console = Console()
        stations = map(self._platform.settings.station, self._of)
        downlink = {station.name for station in stations if interface_of(station).has_sessions}
        for name, findings in self._of.items():
            if name not in downlink:
                console.print(_products(name, findings))
        if downlink:
            console.print(_sessions({name: self._of[name] for name in self._of if name in downlink}))
        if not self.staged and not self.failed:
            click.echo("Nothing was staged: the catalogue has every file already.")


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


class _Finding:
    """What there is of one partition."""

    def __init__(
        self,
        partition: "Partition",
        results: SearchResults | None = None,
        manifest: Manifest | None = None,
        catalogued: int = 0,
        error: str = "",
    ) -> None:
        self.partition = partition
        self.results = results
        self.manifest = manifest
        self.catalogued = catalogued
        self.error = error

    @classmethod
    def read(cls, platform: "Platform", station: Station, partition: "Partition") -> "_Finding":
        """What was kept of it; why nothing was, if so."""
        try:
            results = kept_results(platform, station, partition)
            manifest = kept_manifest(platform, station, partition)
        except RsAssetsError as error:
            return cls(partition, error=str(error))
        published = platform.catalog.existing(manifest.collection, {item.id for item in results.items})
        return cls(partition, results, manifest, len(published))

    @property
    def failed(self) -> int:
        """Files that are missing; 1 for a partition of which nothing is known."""
        return 1 if self.manifest is None else len(self.manifest.failures)

    @property
    def found(self) -> int:
        """Items that the station has shown."""
        return 0 if self.results is None else len(self.results.items)

    @property
    def megabytes(self) -> float:
        """What lies verified in the store, in MB."""
        return 0.0 if self.manifest is None else self.manifest.verified_bytes / MEGABYTE

    def count(self, status: FileState) -> int:
        """Files of this status."""
        return 0 if self.manifest is None else self.manifest.count(status)


def _products(station: str, findings: Sequence[_Finding]) -> Table:
    table = Table("day", "mission", title=f"{station}: files", title_justify="left")
    for name in ("found", "staged", "verified MB", "failed", "catalogued"):
        table.add_column(name, justify="right")
    for finding in findings:
        day, mission = finding.partition.window_key, finding.partition.mission
        if finding.error:
            table.add_row(day, mission, "–", "–", "–", "–", finding.error)
            continue
        table.add_row(
            day,
            mission,
            str(finding.found),
            str(finding.count(FileState.STAGED)),
            f"{finding.megabytes:.1f}",
            str(finding.failed),
            str(finding.catalogued),
        )
    return table


def _sessions(stations: Mapping[str, Sequence[_Finding]]) -> Table:
    """A row for each station and mission, over all days."""
    table = Table("station", "mission", title=f"{', '.join(stations)}: downlink sessions", title_justify="left")
    for name in ("complete", "chunks", "MB", "staged", "failed", "catalogued"):
        table.add_column(name, justify="right")
    for station, findings in stations.items():
        for mission in dict.fromkeys(finding.partition.mission for finding in findings):
            some = [finding for finding in findings if finding.partition.mission == mission]
            if errors := [finding.error for finding in some if finding.error]:
                table.add_row(station, mission, "–", "–", "–", "–", "–", errors[0])
                continue
            standings = [each for finding in some if finding.manifest for each in finding.manifest.sessions]
            table.add_row(
                station,
                mission,
                f"{sum(each.complete for each in standings)} of {sum(finding.found for finding in some)}",
                str(sum(sum(each.channels.values()) for each in standings)),
                f"{sum(each.size for each in standings) / MEGABYTE:.1f}",
                str(sum(finding.count(FileState.STAGED) for finding in some)),
                str(sum(finding.failed for finding in some)),
                str(sum(finding.catalogued for finding in some)),
            )
    return table
