"""``python -m rs_assets.simulator``: the simulated stations from the command line."""

import argparse
import os
import sys
from datetime import UTC, date, datetime

from rs_assets.simulator.options import Authentication, SimulatorOptions
from rs_assets.simulator.server import serve


def main(arguments: list[str] | None = None) -> None:
    """Read the options and serve; secrets come from the environment."""
    given = vars(_parser().parse_args(arguments))
    host, port, listing = given.pop("host"), given.pop("port"), given.pop("list")
    for name in ("password", "client_secret", "api_key"):
        secret = os.environ.get(_variable(name))
        if secret is not None:
            given[name] = secret
    if "cadip_stations" in given:
        given["cadip_stations"] = tuple(given["cadip_stations"])
    serve(SimulatorOptions(**given), host, port, listing=listing)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m rs_assets.simulator",
        description="Serve an AUXIP station and CADIP stations with made-up archives. Secrets are read from the "
        "environment: RS_ASSETS_SIMULATOR_PASSWORD, RS_ASSETS_SIMULATOR_CLIENT_SECRET, RS_ASSETS_SIMULATOR_API_KEY.",
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--seed", type=int, help="chooses the archive")
    parser.add_argument("--first-day", type=date.fromisoformat, help="UTC day of the first publication")
    parser.add_argument("--now", type=_moment, help="where the clock stands, ISO 8601, UTC without a zone")
    parser.add_argument("--speed", type=float, help="seconds at the station in a real one, from --now on, or from now")
    parser.add_argument(
        "--cadip-station",
        dest="cadip_stations",
        action="append",
        metavar="NAME",
        help="a station below /cadip; once for each (ins, mps, mti, nsg, sgs by default)",
    )
    parser.add_argument(
        "--chunk-size",
        type=int,
        metavar="BYTES",
        default=os.environ.get(_variable("chunk_size"), argparse.SUPPRESS),
        help=f"size of a session's files, 314571600 on real stations; also from {_variable('chunk_size')}",
    )
    parser.add_argument("--max-sessions", type=int, help="sessions of each mission, day and CADIP station at most")
    parser.add_argument("--most-sessions", type=int, action=_Renamed, dest="max_sessions", help=argparse.SUPPRESS)
    parser.add_argument("--odd-sessions", action="store_true", help="make some sessions odd: late, incomplete, …")
    parser.add_argument("--max-page", type=int, help="most entities in an answer")
    parser.add_argument("--no-next-link", dest="next_link", action="store_false")
    parser.add_argument("--auth", choices=[scheme.value for scheme in Authentication])
    parser.add_argument("--username")
    parser.add_argument("--client-id")
    parser.add_argument("--token-lifetime", type=float, help="seconds")
    parser.add_argument("--no-refresh-tokens", dest="refresh_tokens", action="store_false")
    parser.add_argument("--refresh-lifetime", type=float, help="seconds")
    parser.add_argument("--eviction-days", type=float, help="from PublicationDate to EvictionDate")
    parser.add_argument("--evict-after-days", type=float, help="really evict, so many days after publication")
    parser.add_argument("--no-control", dest="control", action="store_false")
    parser.add_argument("--list", action="store_true", default=False, help="print where each station listens")
    return parser


class _Renamed(argparse.Action):
    """An option that has a new name, that of its destination."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        sys.stderr.write(f"{option_string} is now --{self.dest.replace('_', '-')}\n")
        setattr(namespace, self.dest, values)


def _variable(option: str) -> str:
    return f"RS_ASSETS_SIMULATOR_{option.upper()}"


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


if __name__ == "__main__":
    main()
