"""Writes objects into an object store, in a process of its own that a test can kill or weigh.

Prints ``writing`` when parts have been sent, and at the end how much memory was used at most, in MB.
"""

import asyncio
import json
import re
import sys
from pathlib import Path

from rs_assets.settings import S3Store
from rs_assets.store.object_sink import ObjectStoreSink
from rs_assets.store.origin import Origin
from tests.staging.rig import LAX, passage_of
from tests.store.rig import object_sink

_MEBIBYTE = 1 << 20


async def _written(sink: ObjectStoreSink, key: str, size: int) -> None:
    passage = passage_of(b"", LAX)
    async with sink.writer(key) as writer:
        await writer.begin(Origin(size=size), passage)
        for written in range(0, size, _MEBIBYTE):
            await writer.write([bytes(_MEBIBYTE)], passage)
            if written == size // 2:
                print("writing", flush=True)
        await writer.commit()


async def _main(store: S3Store, keys: list[str], size: int) -> None:
    sink = object_sink(store)
    await sink.put("first", b"")
    before = _most_memory()
    await asyncio.gather(*(_written(sink, key, size) for key in keys))
    most = _most_memory()
    print(json.dumps({"most": most, "more": most - before}), flush=True)


def _most_memory() -> int:
    # The resource usage would be that of the test's own process, from which this one was forked.
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) // 1000


if __name__ == "__main__":
    order = json.loads(sys.argv[1])
    asyncio.run(_main(S3Store.model_validate(order["store"]), order["keys"], order["size"]))
