"""The stored form of a manifest: every file comes back as it was, and earlier versions are still read."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rs_assets.errors import StoreError
from rs_assets.ingest.manifest import Manifest
from rs_assets.items.files import FileRecord, FileState, Order
from rs_assets.items.multihash import Algorithm, Digest
from tests.files import file_at
from tests.platform import day

PARTITION = day("2026-11-01|S1")
NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
MD5 = Digest(Algorithm.MD5, "0" * 32)
HREF = "https://station.example/Products(1)/$value"

VERSION_1: dict[str, Any] = {
    "schema_version": 1,
    "station": "adgs",
    "partition": "2026-11-01|S1",
    "collection": "s1_aux",
    "staged_at": "2026-11-02T12:00:00Z",
    "seconds": 1.5,
    "files": [
        {
            "item_id": "A",
            "asset": "A.EOF",
            "source_id": "1",
            "status": "staged",
            "source_href": HREF,
            "key": "s1_aux/A/1/A.EOF",
            "size": 5,
            "checksum": MD5.multihash,
            "reason": None,
            "attempts": 2,
            "moved": 7,
            "resumed": 0,
            "seconds": 0.25,
            "warnings": ["late"],
        }
    ],
    "items": [],
    "sessions": [],
}


def staged() -> FileRecord:
    return replace(
        file_at("s1_aux/A/1/A.EOF", HREF),
        state=FileState.STAGED,
        key="s1_aux/A/1/A.EOF",
        size=5,
        digest=MD5,
        attempts=2,
        moved=7,
        seconds=0.25,
        warnings=("late",),
    )


def test_a_manifest_of_version_1_is_read() -> None:
    manifest = Manifest.from_dict(VERSION_1, PARTITION)

    assert manifest.files == (staged(),)
    assert (manifest.collection, manifest.staged_at, manifest.seconds) == ("s1_aux", NOW, 1.5)


def test_every_file_comes_back_as_it_was() -> None:
    order = Order(id="order-1", ordered_at=NOW, look_again_at=NOW + timedelta(minutes=40))
    member = replace(staged(), asset="A", key="s1_aux/A/1/A", href="file:///A")
    files = (
        replace(staged(), href="file:///A.EOF", stated_size=5, stated_digests=(MD5,), members=(member,)),
        replace(file_at("s1_aux/B/2/B.EOF", HREF), state=FileState.ORDERED, reason="ordered", order=order),
    )
    manifest = Manifest("adgs", PARTITION, "s1_aux", NOW, 1.5, files, ())

    assert Manifest.from_dict(json.loads(json.dumps(manifest.to_dict())), PARTITION) == manifest


@pytest.mark.parametrize("change", [{"schema_version": 3}, {"files": [{"asset": "A"}]}, {"files": None}])
def test_a_document_of_another_form_is_refused_with_the_name_of_its_partition(change: dict[str, Any]) -> None:
    with pytest.raises(StoreError, match="2026-11-01"):
        Manifest.from_dict(VERSION_1 | change, PARTITION)
