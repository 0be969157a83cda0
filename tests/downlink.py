"""What tests share that work on a downlink station: its levers, and a platform whose only station it is."""

from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from rs_assets.ingest import Platform
from rs_assets.settings import parse_settings
from tests.platform import SimulatedStation, settings_text

CHUNK = 3000


class DownlinkStation(SimulatedStation):
    """The levers of a simulated downlink station, and a day of its own on which no other test acquires a session."""

    _days = count()

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.begin = datetime(2011, 1, 1, 10, tzinfo=UTC) + timedelta(days=next(self._days))
        self.partition = f"{self.begin:%Y-%m-%d}|S1"
        self.other_session = f"S1C_{self.begin:%Y%m%d}110000000000"

    def acquire(self, **order: Any) -> dict[str, Any]:
        """Put a session into the archive, with three chunks on each of two channels; its entity."""
        session = {"chunks": 3, "chunk_size": CHUNK, "last_size": 100, "start": self.begin.isoformat()}
        return self._post("/cadip/sgs/sessions", session | order)

    def order(self, what: str, **order: Any) -> dict[str, Any]:
        """Change something at the station: retransfer, change, release, evict."""
        return self._post(f"/cadip/sgs/{what}", order)


NEEDS = {
    "S3": {
        "source": "adgs",
        "needs": [
            {"types": ["AX___OSF_AX"], "policy": "LatestValCover", "dt0": 6000, "dt1": 6000},
            {"types": ["AX___FRO_AX"], "policy": "LatestValCover", "dt0": 7000, "dt1": 7000},
        ],
    }
}
"""What the processor of S3 needs for a session."""


def downlink_platform_with_needs(
    station: SimulatedStation, home: Path, *, needs: dict[str, Any] | None = None, **settings: Any
) -> Platform:
    """An installation in `home` with the stations ``adgs`` and ``sgs``, and with what sessions need."""
    document = downlink_settings_with_needs(station, needs=needs, **settings)
    return Platform.open(parse_settings(yaml.safe_dump(document), base=home))


def downlink_settings_with_needs(
    station: SimulatedStation, *, needs: dict[str, Any] | None = None, **settings: Any
) -> dict[str, Any]:
    """The settings of that installation; `settings` changes keys of ``sgs``."""
    document: dict[str, Any] = yaml.safe_load(settings_text(station.url))
    downlink = yaml.safe_load(settings_text(station.url, name="sgs", interface="cadip", start="2010-01-01"))
    [entry] = downlink["stations"]
    del entry["collection"]
    entry |= {"url": f"{station.url}/cadip/sgs"} | settings
    document["stations"].append(entry)
    document["session_requests"] = NEEDS if needs is None else needs
    return document


def downlink_platform(station: SimulatedStation, home: Path, **settings: Any) -> Platform:
    """An installation in `home` whose only station is the simulated ``sgs``; `settings` changes keys of the station."""
    document = yaml.safe_load(settings_text(station.url, name="sgs", interface="cadip", start="2010-01-01"))
    [entry] = document["stations"]
    del entry["collection"]
    entry |= {"url": f"{station.url}/cadip/sgs"} | settings
    return Platform.open(parse_settings(yaml.safe_dump(document), base=home))
