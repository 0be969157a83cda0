"""Holds a mutex in a process of its own: prints ``held``, or ``refused``, and waits for a line."""

import sys
from pathlib import Path

from rs_assets.locks import FileLocks


def main(directory: str, name: str) -> None:
    held = FileLocks(Path(directory)).try_lock(name)
    print("refused" if held is None else "held", flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main(*sys.argv[1:])
