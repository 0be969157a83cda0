"""What a staging run did, item by item and file by file; the manifest between the assets."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from rs_assets.errors import StoreError
from rs_assets.items.multihash import Digest
from rs_assets.staging.transfer import TransferOutcome, TransferStatus

SCHEMA_VERSION = 1
"""Version of the report's stored form."""


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """What became of one asset's file."""

    asset_key: str
    status: TransferStatus
    key: str | None = None
    """Key of the object; None without object."""
    href: str | None = None
    """Where the object is, for the published item; None without object."""
    size: int | None = None
    """Size of the object, in bytes."""
    digest: Digest | None = None
    """Digest computed from the object's bytes."""
    own_digest: bool = False
    """Whether the digest is ours alone: the item does not state it, so the published one should."""
    reason: str | None = None
    """Why there is no object, as a sentence without secrets."""
    attempts: int = 0
    """Requests for the file."""
    moved: int = 0
    """Bytes received for it, those of failed attempts included."""
    resumed: int = 0
    """Bytes that an earlier run had left, and that were not asked for again."""
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    """Differences that the verification was told to bear."""

    @property
    def in_store(self) -> bool:
        """Whether the object is in the store, verified."""
        return self.status in {TransferStatus.STAGED, TransferStatus.PRESENT}

    @classmethod
    def of(cls, asset_key: str, outcome: TransferOutcome, warnings: tuple[str, ...] = ()) -> Self:
        """The outcome of the transfer that was made for an asset."""
        return cls(
            asset_key=asset_key,
            status=outcome.status,
            key=outcome.key,
            href=outcome.href,
            size=outcome.size,
            digest=outcome.digest,
            own_digest=outcome.digest is not None and outcome.digest not in outcome.transfer.digests,
            reason=outcome.reason,
            attempts=outcome.attempts,
            moved=outcome.moved,
            resumed=outcome.resumed,
            seconds=outcome.seconds,
            warnings=warnings + outcome.warnings,
        )


@dataclass(frozen=True, slots=True)
class ItemOutcome:
    """What became of an item's selected assets."""

    item_id: str
    files: tuple[FileOutcome, ...]
    """One for each selected asset that the item has."""

    @property
    def complete(self) -> bool:
        """Whether every selected asset is in the store; an item without one is never complete."""
        return bool(self.files) and all(file.in_store for file in self.files)

    @property
    def hrefs(self) -> dict[str, str]:
        """Where the objects are, by asset key."""
        return {file.asset_key: file.href for file in self.files if file.href is not None}

    @property
    def reason(self) -> str | None:
        """Why the item is not complete, as one sentence; None if it is."""
        if not self.files:
            return "it has no asset to stage"
        return "; ".join(f"{file.asset_key}: {file.reason}" for file in self.files if not file.in_store) or None


@dataclass(frozen=True, slots=True)
class StagingReport:
    """What one staging run did."""

    items: tuple[ItemOutcome, ...] = ()
    """One for each item, in the order of the items."""
    left_out: int = 0
    """Items that the limit left for a later run."""
    seconds: float = 0.0
    """How long the run took."""

    @property
    def files(self) -> tuple[FileOutcome, ...]:
        """The files of all items."""
        return tuple(file for item in self.items for file in item.files)

    @property
    def counts(self) -> dict[TransferStatus, int]:
        """How many files there are of each status, zeros included."""
        found = Counter(file.status for file in self.files)
        return {status: found[status] for status in TransferStatus}

    @property
    def complete_items(self) -> int:
        """How many items are complete."""
        return sum(item.complete for item in self.items)

    @property
    def moved(self) -> int:
        """Bytes received, those of failed attempts included."""
        return sum(file.moved for file in self.files)

    @property
    def megabytes_per_second(self) -> float:
        """Bytes received over the run's duration, in MB (10⁶ bytes) a second."""
        return self.moved / self.seconds / 1e6 if self.seconds else 0.0

    @property
    def retries(self) -> int:
        """Requests that repeated an earlier one."""
        return sum(max(0, file.attempts - 1) for file in self.files)

    def to_dict(self) -> dict[str, Any]:
        """The report as a JSON document."""
        return {
            "schema_version": SCHEMA_VERSION,
            "items": [
                {"item_id": item.item_id, "files": [_file_document(file) for file in item.files]} for item in self.items
            ],
            "left_out": self.left_out,
            "seconds": self.seconds,
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote.

        Raises:
            StoreError: it is no report, or one of another version.
        """
        version = document.get("schema_version")
        if version != SCHEMA_VERSION:
            raise StoreError(f"a staging report has version {version!r}; this program reads version {SCHEMA_VERSION}")
        try:
            return cls(
                items=tuple(
                    ItemOutcome(item["item_id"], tuple(_file_outcome(file) for file in item["files"]))
                    for item in document["items"]
                ),
                left_out=document["left_out"],
                seconds=document["seconds"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise StoreError(f"a staging report cannot be read: {error!r}; stage the partition again") from error


def _file_document(file: FileOutcome) -> dict[str, Any]:
    plain = asdict(replace(file, digest=None))
    return plain | {"digest": file.digest and file.digest.multihash, "warnings": list(file.warnings)}


def _file_outcome(document: Mapping[str, Any]) -> FileOutcome:
    digest = document["digest"]
    return FileOutcome(
        **{
            **document,
            "status": TransferStatus(document["status"]),
            "digest": digest and Digest.from_multihash(digest),
            "warnings": tuple(document["warnings"]),
        }
    )
