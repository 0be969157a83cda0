"""What must hold of a store and a catalogue at every moment, held against what the station has given out."""

from collections.abc import Iterable, Mapping
from typing import Any

import httpx
from blake3 import blake3

from rs_assets.ingest import Platform
from rs_assets.items.multihash import Digest
from rs_assets.items.validation import item_error
from tests.platform import PASSWORD, SimulatedStation

DOCUMENTS = ("search_results/", "staged_files/")
"""Where the documents are that stand beside the objects of a store."""


class Truth:
    """The bytes of every file that a simulated station has, or has had, by the station's key of it."""

    def __init__(self, station: SimulatedStation) -> None:
        self._client = httpx.Client(base_url=station.url, trust_env=False)
        self._known: dict[str, set[str]] = {}
        self._sizes: dict[str, int] = {}

    def learn(self, source_id: str, collection: str = "/auxip/Products") -> int:
        """Fetch a file from the station, and remember what it is; its size in bytes."""
        body = self.body(source_id, collection)
        self._known.setdefault(source_id, set()).add(blake3(body).hexdigest())
        self._sizes[source_id] = len(body)
        return len(body)

    def body(self, source_id: str, collection: str = "/auxip/Products") -> bytes:
        """A file as the station gives it."""
        answer = self._client.get(f"{collection}({source_id})/$value", headers=self._credentials())
        return answer.raise_for_status().content

    def size(self, source_id: str) -> int:
        """Bytes of a file as it was learnt last."""
        return self._sizes[source_id]

    def assert_right(self, objects: Mapping[str, bytes]) -> None:
        """Every object has exactly the bytes of the file that its key names."""
        for key, body in objects.items():
            known = self._known.get(source_of(key), set())
            assert blake3(body).hexdigest() in known, f"{key} has {len(body)} wrong bytes"

    def close(self) -> None:
        """End the connection."""
        self._client.close()

    def _credentials(self) -> dict[str, str]:
        form = {"grant_type": "password", "username": "simulator", "password": PASSWORD}
        answer = self._client.post("/auxip/token", data=form)
        return {"Authorization": f"Bearer {answer.raise_for_status().json()['access_token']}"}


def source_of(key: str) -> str:
    """The station's key of a file, from its object's."""
    return key.split("/")[-2].partition("~")[0]


def sources_of(keys: Iterable[str]) -> set[str]:
    """The station's keys of the files that are objects."""
    return set(map(source_of, keys))


def downloaded(log: Iterable[Mapping[str, Any]]) -> list[str]:
    """The station's keys of the files that were asked for, in order."""
    return [path.rpartition("(")[2].partition(")")[0] for path in map(_path, log) if path.endswith("/$value")]


def objects_among(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The objects of a store, without its documents and without what is in the making."""
    return {key: body for key, body in files.items() if not key.startswith(DOCUMENTS) and not key.startswith(".parts/")}


def assert_catalogue_is_whole(platform: Platform, objects: Mapping[str, bytes]) -> dict[str, set[str]]:
    """Every item is valid, and every asset of it is an object of the size and checksum that it states.

    Returns:
        The station's keys of the files of each item, by ``<collection>/<item id>``.
    """
    listed: dict[str, set[str]] = {}
    for item in platform.catalog.search():
        document = item.to_dict(include_self_link=False, transform_hrefs=False)
        assert item_error(document) is None
        assert item.assets, item.id
        keys = [key_of(platform, asset.href) for asset in item.assets.values()]
        for key, asset in zip(keys, item.assets.values(), strict=True):
            body = objects.get(key)
            assert body is not None, f"{item.id} lists {key}, which is not in the store"
            stated = Digest.from_multihash(asset.extra_fields["file:checksum"])
            hasher = stated.algorithm.hasher()
            hasher.update(body)
            assert (len(body), hasher.hexdigest()) == (asset.extra_fields["file:size"], stated.hex), key
        listed[f"{item.collection_id}/{item.id}"] = sources_of(keys)
    return listed


def key_of(platform: Platform, href: str) -> str:
    """The key of an asset's object."""
    key = platform.sink.key_of(href)
    assert key is not None, f"{href} is not a place of the store"
    return key


def _path(entry: Mapping[str, Any]) -> str:
    return str(entry["path"])
