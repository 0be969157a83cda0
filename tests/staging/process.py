"""Stages what its argument says, in a process of its own that a test can kill or starve.

Prints ``begun``, then ``moving`` whenever bytes have been written, and at the end JSON: the outcomes, and the files
in the store.
"""

import asyncio
import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import HttpUrl

from rs_assets.items.multihash import Digest
from rs_assets.settings import NoAuthentication, Retries, Timeouts
from rs_assets.staging.engine import stage_files
from rs_assets.staging.messages import Message, Moved, Started
from rs_assets.staging.sources.http import HttpSource
from rs_assets.stations.auxip.settings import AuxipStation
from rs_assets.stations.keyring import Keyring
from rs_assets.stations.limits import StationLimits
from rs_assets.stations.tokens import ConstantHeaders
from rs_assets.stations.trust import Trust
from rs_assets.store.directory_sink import DirectorySink
from tests.files import file_at


def _tell(message: Message) -> None:
    match message:
        case Started():
            print("begun", flush=True)
        case Moved():
            print("moving", flush=True)


async def _main(order: dict[str, Any]) -> list[dict[str, Any]]:
    station = AuxipStation(
        name="adgs",
        interface="auxip",
        url=HttpUrl(order["url"]),
        missions=("S1",),
        start=date(2026, 1, 1),
        authentication=NoAuthentication(),
        concurrency=1,
        retries=Retries(first_wait=0),
        timeouts=Timeouts(**order["timeouts"]),
    )
    transfers = [
        file_at(entry["key"], entry["href"], entry["size"], (Digest.from_multihash(entry["checksum"]),))
        for entry in order["transfers"]
    ]
    async with HttpSource(
        station, Keyring(Trust.of(station), ConstantHeaders("adgs", dict)), StationLimits(station)
    ) as source:
        outcomes = await stage_files(
            transfers,
            source,
            DirectorySink(Path(order["root"])),
            station,
            progress=_tell,
        )
    return [{"state": o.state, "href": o.href, "reason": o.reason, "moved": o.moved} for o in outcomes]


if __name__ == "__main__":
    order = json.loads(sys.argv[1])
    results = asyncio.run(_main(order))
    left = [str(path) for path in Path(order["root"]).rglob("*") if path.is_file()]
    print(json.dumps({"outcomes": results, "left": left}), flush=True)
