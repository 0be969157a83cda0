"""``python -m rs_assets.simulator``: a simulated station from the command line."""

import argparse
import os
from datetime import UTC, date, datetime

from rs_assets.simulator.options import Authentication, SimulatorOptions
from rs_assets.simulator.server import serve


def main(arguments: list[str] | None = None) -> None:
    """Read the options and serve; secrets come from the environment."""
    given = vars(_parser().parse_args(arguments))
    host, port = given.pop("host"), given.pop("port")
    for name in ("password", "client_secret", "api_key"):
        secret = os.environ.get(f"RS_ASSETS_SIMULATOR_{name.upper()}")
        if secret is not None:
            given[name] = secret
    serve(SimulatorOptions(**given), host, port)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m rs_assets.simulator",
        description="Serve an AUXIP station with a made-up archive. Secrets are read from the environment: "
        "RS_ASSETS_SIMULATOR_PASSWORD, RS_ASSETS_SIMULATOR_CLIENT_SECRET, RS_ASSETS_SIMULATOR_API_KEY.",
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--seed", type=int, help="chooses the archive")
    parser.add_argument("--first-day", type=date.fromisoformat, help="UTC day of the first publication")
    parser.add_argument("--now", type=_moment, help="a fixed clock, ISO 8601, UTC without a zone")
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
    return parser


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


if __name__ == "__main__":
    main()
