"""Items that are complete or not, as the manifest and the UI show them, and whether they may be catalogued."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from pystac import Item

from rs_assets.items.completeness import COMPLETE, is_complete, missing_from, state_completeness
from rs_assets.settings import Station
from rs_assets.staging.items import StagedItem
from rs_assets.stations.registry import interface_of


@dataclass(frozen=True, slots=True)
class SessionStanding:
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


def standing_of(item: Item) -> SessionStanding:
    """How far a session has come, as its item says."""
    fields = [asset.extra_fields for asset in item.assets.values()]
    channels = Counter(str(each.get("cadip:channel", "?")) for each in fields)
    return SessionStanding(
        session_id=item.id,
        platform=str(item.properties.get("platform", "unknown")),
        channels=dict(sorted(channels.items())),
        size=sum(each.get("file:size") or 0 for each in fields),
        missing=missing_from(item),
    )


def standings_of(items: Iterable[Item]) -> tuple[SessionStanding, ...]:
    """How far those of the items have come that say whether they are complete."""
    return tuple(standing_of(item) for item in items if COMPLETE in item.properties)


def as_staged(staged: StagedItem) -> Item:
    """The item with what staging adds to what is missing: files that are not in the store."""
    item = staged.item
    lacking = sum(not file.state.in_store for file in staged.files)
    if not lacking or COMPLETE not in item.properties:
        return item
    copy = item.clone()
    state_completeness(copy, (*missing_from(item), f"{lacking} of {len(staged.files)} chunks are not in the store"))
    return copy


def publishable(staged: StagedItem, station: Station) -> Item | None:
    """The item as it may be catalogued after staging: whole, as far as it goes, or not at all (None)."""
    item = staged.item
    if staged.is_complete and is_complete(item):
        return item
    if not interface_of(station).publishes_incomplete(station):
        return None
    partial = as_staged(staged).clone()
    partial.assets = {key: asset for key, asset in partial.assets.items() if key in staged.hrefs}
    return partial if partial.assets else None
