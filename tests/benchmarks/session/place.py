"""Where the benchmark happens: a downlink station with one session, its answers the simulator's, its bytes nginx's."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from rs_assets.cli.processes import start_simulator
from tests.benchmarks.staging.ground import Ground, Place
from tests.benchmarks.staging.measuring import PeerError, run_checked
from tests.benchmarks.staging.peers import CONCURRENCY
from tests.benchmarks.staging.workloads import File, Recipe

STATION = "sgs"
LOCATION = f"cadip/{STATION}"
DAY = "2026-11-09"
CHANNELS = 2

_NOW = "2026-11-10T12:00:00+00:00"

_LOCATIONS = """\
location /cadip/ {{ proxy_pass {simulator}; proxy_set_header Host $http_host; }}
        location ~ ^/cadip/{station}/Files\\((?<id>[0-9a-f-]+)\\)/\\$value$ {{ alias ../served/session/$id; }}
"""
"""The simulator answers everything but the downloads."""


@dataclass(frozen=True)
class DownlinkSession:
    """The session, and the ground that it is served on."""

    ground: Ground
    recipe: Recipe
    id: str
    files: Sequence[File]

    @property
    def url(self) -> str:
        """Root of the station's service."""
        return f"{self.ground.station.url}/{LOCATION}"

    @property
    def bytes(self) -> int:
        """Size of all chunks."""
        return sum(file.size for file in self.files)


@contextmanager
def downlink_session(*, quick: bool, rounds: int) -> Iterator[DownlinkSession]:
    """Start the station and acquire the session; everything is removed in the end.

    Raises:
        PeerError: there is no room for it, or it cannot be made.
        ServerError: nginx cannot be started.
    """
    chunks, size = (3, 1_000_000) if quick else (60, 20_000_000)
    text = f"a session of {CHANNELS} channels × {chunks} chunks of {size // 1_000_000} MB"
    recipe = Recipe("session", text, (size,) * (CHANNELS * chunks))
    process, simulator = start_simulator("--auth", "none", "--now", _NOW, "--max-sessions", "0")
    with process:
        locations = _LOCATIONS.format(simulator=simulator, station=STATION)
        with Ground(quick=quick, rounds=rounds, disk=Path(), locations=locations) as ground:
            if not ground.has_tmpfs:
                raise PeerError("there is no tmpfs at /dev/shm")
            if lacking := ground.lacking_room(recipe, Place.TMPFS):
                raise PeerError(lacking)
            start = f"{DAY}T10:00:00Z"
            order = {"channels": CHANNELS, "chunks": chunks, "chunk_size": size, "last_size": size, "start": start}
            answer = httpx.post(f"{simulator}/control/{LOCATION}/sessions", json=order, trust_env=False)
            session = answer.raise_for_status().json()
            files = [
                File(f"Files({entity['Id']})/$value", f"{entity['Name']}", int(entity["Size"]), {})
                for entity in session["Files"]
            ]
            _fetch(ground, [entity["Id"] for entity in session["Files"]], f"{simulator}/{LOCATION}")
            yield DownlinkSession(ground, recipe, session["SessionId"], files)


def _fetch(ground: Ground, ids: Sequence[str], url: str) -> None:
    """Put the chunks' bytes, as the simulator makes them, where nginx takes them from."""
    directory = ground.served / "session"
    directory.mkdir()
    lines = [f'url = "{url}/Files({name})/$value"\noutput = "{name}"\n' for name in ids]
    configuration = ground.scratch / "fetch.conf"
    configuration.write_text("".join(lines), encoding="utf-8")
    quiet = ["-q", "--fail", "--silent", "--show-error", "--noproxy", "*"]
    command = ["curl", *quiet, "--parallel", "--parallel-max", str(CONCURRENCY), "-K", str(configuration)]
    run_checked(command, ground.scratch, cwd=directory)
