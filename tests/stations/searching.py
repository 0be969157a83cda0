"""What the tests of searches share: missions, a window, recorded entities, and a service that knows OData."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from rs_assets.settings import DEMO_SETTINGS, load_settings
from rs_assets.stations.window import Window

from .service import products

MISSIONS = load_settings(DEMO_SETTINGS).missions

START = datetime(2026, 11, 1, tzinfo=UTC)
DAY = Window(START, START + timedelta(days=1))

Entity = dict[str, Any]


def entity(name: str) -> Entity:
    """A recorded entity."""
    found: Entity = json.loads((Path(__file__).parent / "entities" / f"{name}.json").read_text(encoding="utf-8"))
    return found


def numbered(number: int, **changes: Any) -> Entity:
    """One of many products that differ in their key, name and time of publication only."""
    published = START + timedelta(seconds=number)
    stamp = published.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return {"Id": f"id-{number}", "Name": f"S1A_AUX_{number}.EOF", "PublicationDate": stamp} | changes


def options(request: httpx.Request) -> dict[str, str]:
    """The query options of a request, decoded."""
    return dict(request.url.params)


def paged(
    collection: Callable[[], list[Entity]] | list[Entity],
    *,
    most: int = 10_000,
    counts: bool = True,
    envelope: Mapping[str, Any] | None = None,
) -> Callable[[httpx.Request], httpx.Response]:
    """A service that pages a collection by ``$top`` and ``$skip``, at `most` so many a page; it filters nothing."""

    def answer(request: httpx.Request) -> httpx.Response:
        asked = options(request)
        whole = collection() if callable(collection) else collection
        skip, top = int(asked["$skip"]), min(int(asked["$top"]), most)
        count = {"@odata.count": len(whole)} if counts else {}
        return products(*whole[skip : skip + top], **count, **(envelope or {}))

    return answer


def by_time(collection: list[Entity]) -> Callable[[httpx.Request], httpx.Response]:
    """A service that understands the two bounds of PublicationDate, and refuses any other clause with 400."""

    def answer(request: httpx.Request) -> httpx.Response:
        bounds = re.fullmatch(r"PublicationDate gt (\S+) and PublicationDate lt (\S+)", options(request)["$filter"])
        if bounds is None:
            return httpx.Response(400, json={"error": {"message": "no viable alternative"}})
        low, high = bounds.groups()
        return paged([each for each in collection if low < each["PublicationDate"] < high])(request)

    return answer
