"""What the benchmarks' commands have in common."""

import argparse
import json
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

_interrupted = threading.Event()


def benchmark_parser(module: str, description: str | None) -> argparse.ArgumentParser:
    """The options that every comparison with a peer has."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    parser.add_argument("--rounds", type=_positive, help="rounds of each measurement; 3, or 1 with --quick")
    parser.add_argument("--quick", action="store_true", help="tiny files: whether it works, not how fast it is")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every round's figures there")
    return parser


def rounds_of(options: argparse.Namespace) -> int:
    """How many rounds the command line asks for."""
    return int(options.rounds or (1 if options.quick else 3))


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write every round's figures."""
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def stop_if_interrupted() -> None:
    """End what goes on although the command was interrupted.

    Python drops an exception that comes in a finaliser or a callback of its own, so a handler's may be lost.

    Raises:
        KeyboardInterrupt: the command was told to end.
    """
    if _interrupted.is_set():
        raise KeyboardInterrupt


def run(main: Callable[[], int]) -> None:
    """Run a command, and exit with its status; servers end and files go when it is told to end, too."""
    signal.signal(signal.SIGTERM, _interrupt)
    sys.exit(main())


def _interrupt(number: int, frame: FrameType | None) -> None:
    _interrupted.set()
    raise KeyboardInterrupt


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number
