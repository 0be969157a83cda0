"""What tests share that work on a whole platform: settings, the simulated station's levers, the invariant."""

from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

import httpx
import yaml

from rs_assets.ingest import IngestOptions, PartitionReport, Platform, ingest
from rs_assets.items.multihash import Digest
from rs_assets.items.validation import item_error
from rs_assets.settings import DEMO_SETTINGS, WindowLength
from rs_assets.stations.window import Partition

NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)
"""Where the simulator's clock stands."""

PASSWORD_VARIABLE = "RS_ASSETS_TEST_PASSWORD"
PASSWORD = "c4n4ry-7f3a9d"
"""The station's password; it must appear nowhere."""


def settings_text(url: str, *, products_of: str = "auxip", keys_per_run: int = 31, **station: object) -> str:
    """The demo's settings with relative paths and the first station only, at `url`; `station` changes keys of it.

    `products_of` names the interface, one of those whose stations have products.
    """
    document = yaml.safe_load(DEMO_SETTINGS.read_text())
    del document["session_requests"]
    document |= {
        "keys_per_run": keys_per_run,
        "store": {"path": "store", "superseded_retention": "PT0S"},
        "catalog": {"path": "catalog.sqlite"},
        "state": {"url": "sqlite:///state.sqlite"},
    }
    [entry] = document["stations"] = document["stations"][:1]
    entry |= {
        "interface": products_of,
        "url": f"{url}/{products_of}",
        "missions": ["S1", "S2", "S3", "other"],
        "retries": {"attempts": 2, "first_wait": 0, "max_wait": 0, "busy_timeout": 0.2},
    }
    entry["authentication"] |= {"token_url": f"{url}/{products_of}/token", "password": {"env": PASSWORD_VARIABLE}}
    entry |= station
    return yaml.safe_dump(document)


class SimulatedStation:
    """The levers of the simulated station."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(base_url=f"{url}/control", trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._client.close()

    def reset(self) -> None:
        """Take all faults away, set the clock back, and forget the requests so far."""
        self._client.delete("/faults").raise_for_status()
        self._client.delete("/requests").raise_for_status()
        self.set_clock(NOW)

    def forget(self) -> None:
        """Forget the requests so far."""
        self._client.delete("/requests").raise_for_status()

    def set_clock(self, now: datetime) -> None:
        """Let it be `now` at the station."""
        self._client.post("/clock", json={"now": now.isoformat()}).raise_for_status()

    def fault(self, **rule: object) -> str:
        """Add a fault; its id."""
        return str(self._post("/faults", rule)["id"])

    def faults(self) -> list[dict[str, Any]]:
        """The faults in force, as far as they are not used up."""
        rules: list[dict[str, Any]] = self._client.get("/faults").raise_for_status().json()
        return rules

    def mend(self) -> None:
        """Take all faults away."""
        self._client.delete("/faults").raise_for_status()

    def add(self, **fields: object) -> dict[str, Any]:
        """Put a product into the archive; its entity."""
        return self._post("/add", fields)

    def add_observation(self, **fields: object) -> dict[str, Any]:
        """Put a product into the archive of the PRIP station; its entity."""
        return self._post("/prip/add", fields)

    def republish(self, **order: object) -> dict[str, Any]:
        """Publish a product again; the new entity."""
        return self._post("/republish", order)

    def order_session(self, what: str, **order: object) -> dict[str, Any]:
        """Have a downlink session acquired, retransferred or changed at the station ``sgs``; its entity."""
        return self._post(f"/cadip/sgs/{what}", order)

    def evict(self, **order: object) -> None:
        """Delete products from the archive."""
        self._post("/evict", order)

    def revoke(self) -> None:
        """Let no token be good any more that was given so far."""
        self._post("/revoke", {})

    def downloads(self) -> list[str]:
        """The paths of the files that were asked for since the last reset, in order."""
        return [entry["path"] for entry in self.log() if entry["path"].endswith("/$value")]

    def await_downloads(self, count: int, *, patience_s: float = 30) -> None:
        """Wait until so many files have been asked for since the last reset."""
        end = monotonic() + patience_s
        while len(self.downloads()) < count:
            assert monotonic() < end, f"{count} files have not been asked for"
            sleep(0.02)

    def log(self) -> list[dict[str, Any]]:
        """The requests since the last reset, in order."""
        entries: list[dict[str, Any]] = self._client.get("/requests").raise_for_status().json()
        return entries

    def load(self) -> dict[str, dict[str, int]]:
        """How many requests each station is answering, and was at most since the last reset."""
        load: dict[str, dict[str, int]] = self._client.get("/load").raise_for_status().json()
        return load

    def _post(self, path: str, body: object) -> dict[str, Any]:
        response = self._client.post(path, json=body)
        assert response.is_success, response.text
        answer = response.json()
        assert isinstance(answer, dict)
        return answer


def day(key: str) -> Partition:
    """The partition of a daily key, e.g. ``2026-11-01|S1``."""
    return Partition.parse(key, WindowLength.DAY)


async def run(platform: Platform, *keys: str, options: IngestOptions | None = None) -> list[PartitionReport]:
    """Take the partitions of the demo's station through the steps."""
    return [report async for report in ingest(platform, "adgs", [day(key) for key in keys], options)]


def catalogue_documents(platform: Platform) -> dict[str, Any]:
    """Every item of the catalogue, by collection and id."""
    return {f"{item.collection_id}/{item.id}": item.to_dict() for item in platform.catalog.search()}


def assert_catalogue_is_true(platform: Platform) -> int:
    """What the catalogue lists is valid and exists, with the size and checksum that it states; how many items."""
    count = 0
    for item in platform.catalog.search():
        document = item.to_dict(include_self_link=False, transform_hrefs=False)
        assert item_error(document) is None
        for asset in item.assets.values():
            content = object_path(asset.href).read_bytes()
            stated = Digest.from_multihash(asset.extra_fields["file:checksum"])
            hasher = stated.algorithm.hasher()
            hasher.update(content)
            assert len(content) == asset.extra_fields["file:size"], asset.href
            assert hasher.hexdigest() == stated.hex, asset.href
        count += 1
    return count


def object_path(href: str) -> Path:
    """The path of a file URI."""
    return Path(unquote(urlsplit(href).path))
