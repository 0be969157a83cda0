"""What a station has shown for one window and mission, kept in the store as a STAC ItemCollection.

A closed window can still change: publication lags its own stamp, archives roll, sessions grow. So results are merged:
what was once seen stays, each file with the times of its first and last sight and of its eviction. A session is one
entry, to which the files that are new are added.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from pystac import Asset, Item

from rs_assets.errors import DamagedDocumentError
from rs_assets.ingest.forms import Form
from rs_assets.items.growth import joined
from rs_assets.items.identity import publication_order, source_id
from rs_assets.items.times import format_time
from rs_assets.stations.search import Answer, Rejected
from rs_assets.stations.window import Partition
from rs_assets.store import Document, Documents

FORM = Form(
    "search results",
    version=1,
    section="rs_assets",
    loss="the next search writes them anew, without what the station has shown and does not list any more",
)

FIRST_SEEN = "rs_assets:first_seen"
LAST_SEEN = "rs_assets:last_seen"
EVICTED = "rs_assets:evicted"
"""Properties of a kept item and of each of its files: when the station first and last listed it, and when it was first
missing. An item is evicted when all its files are; results of older programs state it of the item alone."""

_OUR_PROPERTIES = (FIRST_SEEN, LAST_SEEN, EVICTED)


@dataclass(frozen=True)
class SearchResults:
    """Everything that a station has shown for a partition."""

    station: str
    partition: Partition
    searched_at: datetime
    window_closed: bool
    """Whether the window was closed when it was last searched."""
    query: str
    pages: int
    items: tuple[Item, ...] = ()
    """In the order of publication, each with the times of its sight."""
    unassigned: int | None = None
    """Products of the window that belong to no mission; None where it is not known."""
    rejected: tuple[Rejected, ...] = ()
    warnings: tuple[str, ...] = ()
    added: int = field(default=0, compare=False)
    """How many the last search has added."""

    @property
    def station_items(self) -> list[Item]:
        """The items as the station gave them."""
        return [_as_given(item) for item in self.items]

    @property
    def evicted(self) -> set[str]:
        """The source ids of the files that the station does not list any more."""
        return {
            source_id(item, key)
            for item in self.items
            for key, asset in item.assets.items()
            if _seen(item, asset, EVICTED) is not None
        }

    @property
    def size(self) -> int:
        """Size of all files, in bytes, as far as the station states it."""
        return sum(asset.extra_fields.get("file:size") or 0 for item in self.items for asset in item.assets.values())

    @property
    def product_types(self) -> dict[str, int]:
        """How many items there are of each product type, by name."""
        return dict(sorted(Counter(str(item.properties.get("product:type", "unknown")) for item in self.items).items()))

    def to_dict(self) -> Document:
        """The ItemCollection; what is ours stands under ``rs_assets`` and in properties of that prefix."""
        window = self.partition.window
        return {
            "type": "FeatureCollection",
            "features": [item.to_dict(include_self_link=False, transform_hrefs=False) for item in self.items],
            "rs_assets": {
                "schema_version": FORM.version,
                "station": self.station,
                "partition": self.partition.key,
                "window": [format_time(window.start), format_time(window.end)],
                "searched_at": format_time(self.searched_at),
                "window_closed": self.window_closed,
                "query": self.query,
                "pages": self.pages,
                "strays": self.unassigned,
                "rejected": [{"name": entry.name, "reason": entry.reason} for entry in self.rejected],
                "warnings": list(self.warnings),
            },
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any], partition: Partition) -> Self:
        """Read what `to_dict` wrote.

        Raises:
            StoreError: a newer program has written it.
            DamagedDocumentError: it is not a search result.
        """
        current = FORM.current(document, partition.key)
        facts = current["rs_assets"]
        try:
            return cls(
                station=facts["station"],
                partition=partition,
                searched_at=datetime.fromisoformat(facts["searched_at"]),
                window_closed=facts["window_closed"],
                query=facts["query"],
                pages=facts["pages"],
                items=tuple(Item.from_dict(feature, migrate=False) for feature in current["features"]),
                unassigned=facts["strays"],
                rejected=tuple(Rejected(entry["name"], entry["reason"]) for entry in facts["rejected"]),
                warnings=tuple(facts["warnings"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedDocumentError(f"the search results of {partition.key} cannot be read: {error!r}") from error

    @classmethod
    def read(cls, documents: Documents, station: str, partition: Partition) -> Self | None:
        """What is kept of a partition, or None before its first search.

        Raises:
            StoreError: it cannot be read.
        """
        path = results_path(station, partition)
        with FORM.explained(path):
            document = documents.read(path)
            return None if document is None else cls.from_dict(document, partition)


def results_path(station: str, partition: Partition) -> str:
    """Where a partition's search results stand in the store."""
    return f"search_results/{station}/{partition.path}.json"


def merged(
    previous: SearchResults | None,
    answer: Answer,
    *,
    station: str,
    partition: Partition,
    now: datetime,
    closed: bool,
    are_sessions: bool = False,
) -> SearchResults:
    """What has been shown so far: the earlier results and the station's newest answer.

    Sessions, as the interface states the items to be, grow by what the answer adds to them.
    """
    before = {entry_key(item, is_session=are_sessions): item for item in previous.items} if previous else {}
    kept: dict[str, Item] = dict(before)
    listed = {entry_key(item, is_session=are_sessions): item for item in answer.items}
    for key, item in listed.items():
        kept[key] = _sighted(item, before.get(key), now, is_session=are_sessions)
    if not answer.partial:
        present = {source_id(item, key) for item in answer.items for key in item.assets}
        present |= {entry.key for entry in answer.rejected}
        for key, item in kept.items():
            if key in listed or key not in present:
                _note_evictions(item, present, now, is_listed=key in listed)
    return SearchResults(
        station=station,
        partition=partition,
        searched_at=now,
        window_closed=closed,
        query=answer.query,
        pages=answer.pages,
        items=tuple(sorted(kept.values(), key=publication_order)),
        unassigned=answer.unassigned,
        rejected=tuple(answer.rejected),
        warnings=tuple(answer.warnings),
        added=len(kept) - len(before),
    )


def united(earlier: SearchResults, later: SearchResults, *, are_sessions: bool = False) -> SearchResults:
    """What two records of one partition have shown together, in the state of the later one."""
    kept = {entry_key(item, is_session=are_sessions): item for item in earlier.items}
    for item in later.items:
        key = entry_key(item, is_session=are_sessions)
        before = kept.get(key)
        if before is not None:
            kept[key] = joined(before, item) if are_sessions else item.clone()
            _keep_first_sights(kept[key], before)
        else:
            kept[key] = item
    return replace(later, items=tuple(sorted(kept.values(), key=publication_order)), added=0)


def entry_key(item: Item, *, is_session: bool) -> str:
    """By what an item is known among a partition's results.

    A session is known by its id; any other item by the station's key of the publication that it stands for.
    """
    if is_session:
        return item.id
    return "|".join(sorted({source_id(item, key) for key in item.assets})) or item.id


def _sighted(item: Item, before: Item | None, now: datetime, *, is_session: bool) -> Item:
    """An item as listed at `now`, put to what was known of it."""
    times = {FIRST_SEEN: format_time(now), LAST_SEEN: format_time(now)}
    seen = item.clone()
    for asset in seen.assets.values():
        asset.extra_fields |= times
    seen.properties |= times
    if before is None:
        return seen
    whole = joined(before, seen) if is_session else seen
    whole.properties[LAST_SEEN] = format_time(now)
    whole.properties.pop(EVICTED, None)
    _keep_first_sights(whole, before)
    return whole


def _keep_first_sights(item: Item, before: Item) -> None:
    """Let the item and each of its files be first seen when it was before."""
    firsts = {source_id(before, key): _seen(before, asset, FIRST_SEEN) for key, asset in before.assets.items()}
    item.properties[FIRST_SEEN] = before.properties[FIRST_SEEN]
    for key, asset in item.assets.items():
        first = firsts.get(source_id(item, key))
        if first is not None:
            asset.extra_fields[FIRST_SEEN] = first


def _note_evictions(item: Item, present: Collection[str], now: datetime, *, is_listed: bool) -> None:
    """Mark the files that are not among those present, and the item if neither it nor any of its files is listed."""
    gone = [key for key in item.assets if source_id(item, key) not in present]
    for key in gone:
        asset = item.assets[key]
        asset.extra_fields[EVICTED] = _seen(item, asset, EVICTED) or format_time(now)
    if not is_listed and len(gone) == len(item.assets):
        item.properties.setdefault(EVICTED, format_time(now))


def _seen(item: Item, asset: Asset, name: str) -> str | None:
    """When a file was first or last seen, or missed; of the item where the file does not say."""
    time = asset.extra_fields.get(name)
    if time is None and FIRST_SEEN not in asset.extra_fields:
        time = item.properties.get(name)
    return None if time is None else str(time)


def _as_given(item: Item) -> Item:
    given = item.clone()
    given.properties = {name: deepcopy(value) for name, value in item.properties.items() if name not in _OUR_PROPERTIES}
    for asset in given.assets.values():
        asset.extra_fields = {k: deepcopy(v) for k, v in asset.extra_fields.items() if k not in _OUR_PROPERTIES}
    return given
