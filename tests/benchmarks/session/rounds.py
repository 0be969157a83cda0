"""The rounds: our run and curl in turn, each into an empty directory."""

import shutil
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from rs_assets.settings import DEMO_SETTINGS
from tests.benchmarks.session.place import DAY, LOCATION, STATION, DownlinkSession
from tests.benchmarks.staging.ground import Place, Target
from tests.benchmarks.staging.measuring import Measured, PeerError, run_module
from tests.benchmarks.staging.peers import CONCURRENCY, Curl

_MODULE = "tests.benchmarks.session.our_run"
_HOME = Path(__file__).parents[3] / "dagster_home"


@dataclass(frozen=True)
class Rounds:
    """What all rounds have given."""

    ours: Sequence[Mapping[str, Any]]
    """The figures of our runs, as `our_run` has them."""
    curl: Sequence[Measured]

    def median(self, name: str) -> float:
        """Of our runs' figures of that name."""
        return float(statistics.median(figures[name] for figures in self.ours))

    def phase(self, name: str, *, empty: bool = False) -> float:
        """When our runs, or those that found nothing to do, came so far: the median, in seconds."""
        run = "empty_phases" if empty else "phases"
        return float(statistics.median(figures[run][name] for figures in self.ours))

    @property
    def curl_wall(self) -> float:
        """Median of curl's seconds."""
        return statistics.median(one.wall for one in self.curl)

    @property
    def net(self) -> float:
        """Median of our runs' seconds, the empty run of the same process subtracted."""
        return float(statistics.median(figures["wall"] - figures["empty_wall"] for figures in self.ours))

    @property
    def ratio(self) -> float:
        """What the goal is held against."""
        return self.net / self.curl_wall


def measure(session: DownlinkSession) -> Rounds:
    """Measure all rounds, interleaved; who begins changes with every round, after a warm-up of both.

    Raises:
        PeerError: a side failed, or did not move everything.
    """
    curl = Curl(location=LOCATION)
    ours: list[Mapping[str, Any]] = []
    theirs: list[Measured] = []
    if not session.ground.quick:
        _curl(session, curl)
        our_run(session)
    for number in range(session.ground.rounds):
        if number % 2:
            theirs.append(_curl(session, curl))
        ours.append(our_run(session))
        if not number % 2:
            theirs.append(_curl(session, curl))
    return Rounds(ours, theirs)


def our_run(session: DownlinkSession, *, profile: bool = False) -> Mapping[str, Any]:
    """The figures of one run of ours.

    Raises:
        PeerError: it failed, or the session is not whole in the catalogue.
    """
    ground = session.ground
    with ground.target(Place.TMPFS) as target:
        home = target.directory / "dagster_home"
        home.mkdir()
        shutil.copy(_HOME / "dagster.yaml", home)
        order = {
            "settings": str(_settings(session, target.directory)),
            "home": str(home),
            "station": STATION,
            "partition": f"{DAY}|S1",
            "item": session.id,
            "profile": profile,
        }
        figures = run_module(_MODULE, order, ground.scratch)
        Target(target.directory / "store" / "s1_chunk").check(session.files)
    if (figures["chunks"], figures["size"]) != (len(session.files), session.bytes):
        raise PeerError(f"the catalogue has {figures['chunks']} chunks of {figures['size']} bytes")
    return figures


def _curl(session: DownlinkSession, curl: Curl) -> Measured:
    with session.ground.target(Place.TMPFS) as target:
        measured = curl.run(session.ground, session.files, target)
        target.check(session.files)
        return measured


def _settings(session: DownlinkSession, directory: Path) -> Path:
    """The demo's settings with the benchmark's station alone, and everything below a directory."""
    document = yaml.safe_load(DEMO_SETTINGS.read_text(encoding="utf-8"))
    del document["session_requests"]
    document |= {
        "store": {"kind": "directory", "path": "store"},
        "catalog": {"kind": "sqlite", "path": "catalog.sqlite"},
        "state": {"url": "sqlite:///state.sqlite"},
        "stations": [
            {
                "name": STATION,
                "interface": "cadip",
                "url": session.url,
                "missions": ["S1"],
                "start": "2026-11-01",
                "concurrency": CONCURRENCY,
            }
        ],
    }
    path = directory / "settings.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path
