"""Items that are complete or not, as the manifest and the UI show them, and whether they may be catalogued."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pystac import Item

from rs_assets.settings import Station
from rs_assets.staging.staged_items import StagedItem
from rs_assets.stations.registry import interface_of


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """How far one session has come."""

    session_id: str
    platform: str
    channels: dict[str, int]
    """Chunks by channel; ``?`` for those that do not say theirs."""
    size: int
    """Bytes, as far as the station states them."""
    missing: tuple[str, ...] = ()
    """What it lacks, in words; empty for a complete one."""

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing


def summary_of(item: Item, station: Station, now: datetime, also_missing: Sequence[str] = ()) -> SessionSummary:
    """How far a session has come at `now` (aware UTC)."""
    interface = interface_of(station)
    channels = Counter("?" if chunk.channel is None else str(chunk.channel) for chunk in interface.chunks(item))
    return SessionSummary(
        session_id=item.id,
        platform=str(item.properties.get("platform", "unknown")),
        channels=dict(sorted(channels.items())),
        size=sum(asset.extra_fields.get("file:size") or 0 for asset in item.assets.values()),
        missing=(*interface.missing(item, station, now), *also_missing),
    )


def summaries_of(
    items: Iterable[Item], station: Station, now: datetime, staged: Iterable[StagedItem] = ()
) -> tuple[SessionSummary, ...]:
    """How far the items have come, if they are sessions; files that staging has not brought are missing, too."""
    if not interface_of(station).has_sessions:
        return ()
    lacking = {each.item.id: unstaged(each) for each in staged}
    return tuple(summary_of(item, station, now, lacking.get(item.id, ())) for item in items)


def unstaged(staged: StagedItem) -> tuple[str, ...]:
    """What is missing of an item after staging: files that are not in the store."""
    lacking = sum(not file.state.in_store for file in staged.files)
    return (f"{lacking} of {len(staged.files)} chunks are not in the store",) if lacking else ()


def publishable(staged: StagedItem, station: Station, now: datetime) -> Item | None:
    """The item as it may be catalogued after staging: whole, as far as it goes, or not at all (None).

    It says whether it is complete, where its interface has such.
    """
    interface, item = interface_of(station), staged.item
    if staged.is_complete and not interface.missing(item, station, now):
        return interface.stated(item, station, now)
    if not interface.publishes_incomplete(station):
        return None
    partial = interface.stated(item, station, now, unstaged(staged)).clone()
    partial.assets = {key: asset for key, asset in partial.assets.items() if key in staged.hrefs}
    return partial if partial.assets else None
