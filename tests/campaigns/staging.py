"""The randomised campaign: faults, kills, restarts, evictions and republications, drawn from a seed.

``python -m tests.campaigns.staging [--runs N] [--seed S] [--minutes M]`` plays scripts one after another and says of
each what it did. The exit status is 1 if any of them failed; that one's seed and script are printed, and
``--script FILE`` plays a script again that was printed.
"""

import argparse
import json
import logging
import os
import sys
import time
import traceback
from contextlib import ExitStack
from pathlib import Path
from random import Random

from tests.campaigns.playing import prepared
from tests.campaigns.script import Script, drawn
from tests.platform import NOW, PASSWORD, PASSWORD_VARIABLE, SimulatedStation
from tests.postgresql import PostgresqlServer, postgresql_server
from tests.servers import simulated_stations

ACTIONS = 25
"""Actions of one run."""


def main(arguments: list[str] | None = None) -> int:
    """Play what the command line says; the exit status."""
    options = _options(arguments)
    os.environ[PASSWORD_VARIABLE] = PASSWORD
    # A connection that the store resets is no news.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    begun = time.monotonic()
    failed: list[int] = []
    played = 0
    with ExitStack() as stack:
        url = stack.enter_context(simulated_stations("--now", NOW.isoformat()))
        station = stack.enter_context(SimulatedStation(url))
        server = stack.enter_context(postgresql_server()) if options.state == "postgresql" else None
        if options.script is not None:
            document = json.loads(Path(options.script).read_text())
            return int(not _played(Script.from_dict(document), station, server, 0, options.script))
        for number in range(options.runs):
            if time.monotonic() - begun > options.minutes * 60:
                break
            seed = options.seed + number
            script = drawn(Random(seed), options.actions)
            played += 1
            if not _played(script, station, server, number, f"seed {seed}"):
                failed.append(seed)
                print(f"again: python -m tests.campaigns.staging --runs 1 --seed {seed} --actions {options.actions}")
                print(json.dumps(script.to_dict(), indent=1), flush=True)
    print(f"{played - len(failed)} of {played} runs passed in {time.monotonic() - begun:.0f} s; failed seeds: {failed}")
    return int(bool(failed))


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.staging", description=__doc__)
    parser.add_argument("--runs", type=int, default=10, help="how many scripts to play")
    parser.add_argument(
        "--seed", type=int, default=int(time.time()), help="the first script's seed; the next one's follows"
    )
    parser.add_argument("--minutes", type=float, default=60.0, help="begin no further script after so many minutes")
    parser.add_argument("--actions", type=int, default=ACTIONS, help="actions of one script")
    parser.add_argument(
        "--state", choices=["sqlite", "postgresql"], default="sqlite", help="in which database the state is kept"
    )
    parser.add_argument("--script", help="play the script in this file instead")
    return parser.parse_args(arguments)


def _played(script: Script, station: SimulatedStation, server: PostgresqlServer | None, number: int, name: str) -> bool:
    """Play a script and print what came of it."""
    begun = time.monotonic()
    with prepared(script, station, number, None if server is None else server.state()) as play:
        try:
            play.play()
        except Exception:  # noqa: BLE001 - whatever went wrong is told, and the next script is played
            traceback.print_exc(file=sys.stdout)
            verdict = "FAILED"
        else:
            verdict = "passed"
    seconds = time.monotonic() - begun
    what = f"{script.sink}, {script.policy}, {len(script.actions)} actions, "
    what += f"{play.runs} processes, {play.deaths} killed, {play.moved} downloads"
    print(f"{name}: {verdict} in {seconds:.1f} s ({what})", flush=True)
    return verdict == "passed"


if __name__ == "__main__":
    sys.exit(main())
