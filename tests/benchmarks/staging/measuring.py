"""Running one side of a comparison: a child process, and what it took."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.benchmarks.command import stop_if_interrupted
from tests.benchmarks.servers import end_group

_OUTPUT = "child.out"
_LIMIT_S = 900.0
_ROOT = Path(__file__).parents[3]


class PeerError(Exception):
    """A side failed, or did not move what it should have moved."""


@dataclass(frozen=True)
class Measured:
    """What one run of one side took."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds, user and system, the servers' excluded."""
    files: int
    peak_mb: float = 0.0
    """Largest resident size in MB; 0 where it was not asked for."""
    extra_wall: float = 0.0
    """Seconds of a further step that is not in `wall`."""


@dataclass(frozen=True)
class Ended:
    """A child process that has ended."""

    status: int
    wall: float
    cpu: float
    output: str


def run(
    command: Sequence[str], scratch: Path, *, cwd: Path = _ROOT, variables: Mapping[str, str] = MappingProxyType({})
) -> Ended:
    """Run a command to its end, and count its CPU with that of its own children; its output goes through a file.

    Args:
        command: the program and its arguments.
        scratch: where the output goes.
        cwd: where it runs.
        variables: of its environment, besides those of this process.
    """
    stop_if_interrupted()
    output = scratch / _OUTPUT
    environment = os.environ | {
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
        "AWS_ACCESS_KEY_ID": "benchmark",
        "AWS_SECRET_ACCESS_KEY": "benchmark",
        "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
        "AWS_EC2_METADATA_DISABLED": "true",
        **variables,
    }
    with output.open("wb") as stream:
        begun = time.monotonic()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=environment,
            start_new_session=True,
        )
        watchdog = threading.Timer(_LIMIT_S, process.kill)
        watchdog.daemon = True
        try:
            watchdog.start()
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.monotonic() - begun
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            watchdog.cancel()
            if process.returncode is None:
                end_group(process)
    text = output.read_text(encoding="utf-8", errors="replace")
    return Ended(process.returncode, wall, usage.ru_utime + usage.ru_stime, text)


def last_words(scratch: Path) -> str:
    """The end of what the last command has printed, e.g. an exception; what is JSON is left out."""
    text = (scratch / _OUTPUT).read_text(encoding="utf-8", errors="replace")
    return "\n".join(line for line in text.splitlines() if not line.startswith("{"))[-500:].strip()


def run_checked(
    command: Sequence[str], scratch: Path, *, cwd: Path = _ROOT, variables: Mapping[str, str] = MappingProxyType({})
) -> Ended:
    """Run a command that has to succeed.

    Raises:
        PeerError: it did not.
    """
    ended = run(command, scratch, cwd=cwd, variables=variables)
    if ended.status:
        raise PeerError(f"{Path(command[0]).name} ended with {ended.status}: {last_words(scratch)}")
    return ended


def run_module(module: str, order: dict[str, Any], scratch: Path, *, killed: bool = False) -> dict[str, Any]:
    """Run a Python module with an order, and read the JSON that it prints last.

    Args:
        module: a module that takes the path of its order as argument.
        order: JSON document.
        scratch: where the order and the output go.
        killed: whether the process is to kill itself.

    Raises:
        PeerError: it ended otherwise than it should, or printed something else.
    """
    path = scratch / "order.json"
    path.write_text(json.dumps(order), encoding="utf-8")
    ended = run([sys.executable, "-m", module, str(path)], scratch)
    if ended.status != (-9 if killed else 0):
        raise PeerError(f"{module} ended with {ended.status}: {last_words(scratch)}")
    try:
        document = json.loads(ended.output.splitlines()[-1])
    except (IndexError, ValueError):
        raise PeerError(f"{module} printed no figures: {last_words(scratch)}") from None
    assert isinstance(document, dict)
    return document
