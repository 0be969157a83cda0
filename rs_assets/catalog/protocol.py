"""What the platform asks of a STAC catalogue, wherever it lives.

Every implementation keeps the same promises: one bad item never holds a good one back, a newer publication is
never overwritten by an older one, a product never by another product of the same id, and writing the same item
twice changes nothing. Every time is aware UTC.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import pystac

from rs_assets.revisions import Upgrade


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionSpec:
    """A collection as it is created on first use; extent and summaries follow its items."""

    id: str
    title: str
    description: str
    license: str = "other"
    """SPDX identifier, or ``other``."""
    providers: tuple[pystac.Provider, ...] = ()
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TimeInterval:
    """A stretch of time, both ends included; an end that is None is open.

    Raises:
        ValueError: an end has no time zone, or the start is after the end.
    """

    start: datetime | None = None
    end: datetime | None = None

    def __post_init__(self) -> None:
        for moment in (self.start, self.end):
            if moment is not None and moment.tzinfo is None:
                raise ValueError(f"{moment.isoformat()} has no time zone; give it one, e.g. tzinfo=UTC")
        if self.start is not None and self.end is not None and self.start > self.end:
            raise ValueError(f"the interval starts at {self.start.isoformat()}, after its end {self.end.isoformat()}")


class SortBy(StrEnum):
    """The order of a search; items that are equal in it follow each other in the same direction of their ids."""

    NEWEST_PUBLICATION = "-published"
    OLDEST_PUBLICATION = "published"
    LATEST = "-datetime"
    """By the beginning of the item's time, the latest first."""
    EARLIEST = "datetime"
    """By the beginning of the item's time, the earliest first."""
    ID = "id"


class UpsertStatus(StrEnum):
    """What became of one item of an upsert."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    """The catalogue holds this very document."""
    SUPERSEDED = "superseded"
    """The catalogue holds a newer publication of the product; nothing was written."""
    CLASH = "clash"
    """The id is taken by a product of another name; nothing was written."""
    FAILED = "failed"
    """The item cannot stand in a catalogue; nothing was written, the reason says why."""

    @property
    def in_catalog(self) -> bool:
        """Whether the catalogue now holds this publication of the product, or a newer one."""
        return self not in {UpsertStatus.CLASH, UpsertStatus.FAILED}


@dataclass(frozen=True, slots=True)
class UpsertResult:
    """The outcome of one item."""

    item_id: str
    status: UpsertStatus
    reason: str = ""
    """Why nothing was written, as one sentence; empty where there is nothing to explain."""


@dataclass(frozen=True, slots=True)
class UpsertReport:
    """The outcome of a bulk upsert: one result per item, in the order of the input."""

    collection_id: str
    results: tuple[UpsertResult, ...]

    def count(self, status: UpsertStatus) -> int:
        """How many items ended so."""
        return sum(result.status is status for result in self.results)

    def ids(self, status: UpsertStatus) -> list[str]:
        """The ids of the items that ended so, in the order of the input."""
        return [result.item_id for result in self.results if result.status is status]

    @property
    def refused(self) -> list[UpsertResult]:
        """The items that someone must look at: clashes and failures."""
        return [result for result in self.results if not result.status.in_catalog]


@dataclass(frozen=True, slots=True)
class PublishedAsset:
    """What the catalogue says of one file."""

    href: str
    size: int | None
    """Bytes."""
    checksum: str | None
    """Multihash hex."""


@dataclass(frozen=True, slots=True)
class Published:
    """What the catalogue says of one item, without its document."""

    moment: datetime
    """When the product was published, in UTC."""
    key: str
    """The station's key of the publication; empty where it has none."""
    assets: Mapping[str, PublishedAsset]
    """By asset key."""

    @property
    def order(self) -> tuple[datetime, str]:
        """Comparable with `rs_assets.items.identity.publication_order`."""
        return self.moment, self.key


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One change of an item."""

    recorded: datetime
    """When it was written, in UTC."""
    status: str
    """``created``, ``updated`` or ``deleted``."""
    content_hash: str
    """Hex digest of the document that was written or removed."""


class Catalog(Protocol):
    """A STAC catalogue with transactions; every method raises CatalogError if the catalogue cannot be used."""

    @property
    def place(self) -> str:
        """Where it is, for people to read: a path or a URL without credentials."""
        ...

    def open(self) -> None:
        """Open it, which makes it or brings it up to what this program reads.

        Raises:
            CatalogError: it cannot be, or a newer program has written it; then it stays as it is.
        """
        ...

    def upgrade_needed(self) -> Upgrade:
        """What opening it would do; nothing is made and nothing is changed.

        Raises:
            CatalogError: it cannot be read, or a newer program has written it.
        """
        ...

    def ensure_collection(self, spec: CollectionSpec) -> None:
        """Create the collection if it does not exist; give an existing one the spec's title and description.

        Raises:
            CatalogError: the id is not portable, or the collection would not be valid STAC.
        """
        ...

    def collections(self) -> list[pystac.Collection]:
        """Every collection, by id, with the extent and the summaries of its items."""
        ...

    def collection(self, collection_id: str) -> pystac.Collection | None:
        """One collection with the extent and the summaries of its items; None if there is none of that id."""
        ...

    def upsert(self, collection_id: str, items: Sequence[pystac.Item], *, are_sessions: bool = False) -> UpsertReport:
        """Write the items, the good ones in one transaction; two items of one id are taken in their order.

        Sessions are known by their id, and never clash with what has it already.

        Raises:
            CatalogError: there is no such collection; nothing was written.
        """
        ...

    def existing(self, collection_id: str, ids: Collection[str]) -> dict[str, Published]:
        """What the catalogue holds of these item ids; made for thousands of them."""
        ...

    def get(self, collection_id: str, item_id: str) -> pystac.Item | None:
        """One item; None if there is none."""
        ...

    def delete(self, collection_id: str, item_id: str) -> bool:
        """Remove one item; False if there was none."""
        ...

    def search(
        self,
        *,
        collections: Collection[str] | None = None,
        ids: Collection[str] | None = None,
        datetime: TimeInterval | None = None,
        sortby: SortBy = SortBy.NEWEST_PUBLICATION,
        limit: int | None = None,
    ) -> Iterator[pystac.Item]:
        """Stream the items that meet every condition given; an empty collection of ids or collections meets none.

        An item's time is its start_datetime to end_datetime, else its datetime; it meets the interval if the two
        share an instant. Others may write meanwhile: an item that is not touched comes exactly once.

        Raises:
            ValueError: the limit is negative.
        """
        ...

    def count(self, collection_id: str) -> int:
        """How many items the collection holds; 0 if there is no such collection."""
        ...

    def history(self, collection_id: str, item_id: str) -> list[HistoryEntry]:
        """What was done to the item, the oldest first, also where it is no longer there; empty where none is kept."""
        ...

    def forget_history(self, before: datetime, most: int) -> int:
        """Remove at most `most` entries of the history from before a time (aware UTC); how many there were."""
        ...
