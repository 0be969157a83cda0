"""The reference pattern in a process of its own: ``python -m tests.benchmarks.staging.reference_pattern ORDER.json``.

Eight threads; for each file a new boto3 session and client, ``requests.get(stream=True)``, and
``upload_fileobj(response.raw)``. Nothing is verified. Prints seconds and CPU seconds, imports excluded.
"""

import importlib
import json
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

THREADS = 8


def main() -> None:
    """Carry out the order in the file that the argument names."""
    # Not a dependency of the project, so not imported as if it were.
    boto3 = importlib.import_module("boto3")
    requests = importlib.import_module("requests")
    order: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))

    def move(file: dict[str, str]) -> None:
        client = boto3.session.Session().client("s3", endpoint_url=order["endpoint"], region_name="us-east-1")
        response = requests.get(file["href"], stream=True, timeout=60)
        response.raise_for_status()
        client.upload_fileobj(response.raw, order["bucket"], file["key"])

    startup, begun = _cpu(), time.monotonic()
    with ThreadPoolExecutor(THREADS) as threads:
        moved = list(threads.map(move, order["files"]))
    print(json.dumps({"wall": time.monotonic() - begun, "cpu": _cpu() - startup, "files": len(moved)}))


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
