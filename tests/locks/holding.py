"""Holds a mutex in a process of its own: prints ``held``, or ``refused``, and waits for a line."""

import sys

from rs_assets.locks import open_locks
from rs_assets.settings import StateSettings


def main(state: str, name: str) -> None:
    held = open_locks(StateSettings.model_validate_json(state)).try_lock(name)
    print("refused" if held is None else "held", flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main(*sys.argv[1:])
