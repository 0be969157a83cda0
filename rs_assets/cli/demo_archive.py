"""What the demo's simulated stations hold: remembered in DAGSTER_HOME, since an archive never changes its files."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from rs_assets.simulator.options import SimulatorOptions

SMALL = SimulatorOptions().chunk_size
"""Bytes of a chunk where nothing else is asked for; those of `rs-assets simulator`, which plays the same archive."""

_DAYS = 3
_PLACE = Path("demo") / "archive.json"

_CHUNKS = 28
"""Chunks of an average session."""
_SESSIONS = 4.5
"""Average sessions of a station, mission and day."""
_PASSES = 6
"""Stations × missions with sessions."""
_MAX_BYTES = 5_000_000_000
"""More than this takes longer than a demo should."""


@dataclass(frozen=True, slots=True)
class DemoArchive:
    """An archive by the size of its chunks, and how much of it the demo shows."""

    chunk_size: int
    """Bytes."""

    @classmethod
    def of_home(cls, home: Path, chunk_size: int | None = None) -> "DemoArchive":
        """The archive that this DAGSTER_HOME was filled from; if it was not, one of `chunk_size`, which is remembered.

        Raises:
            click.ClickException: it was filled from an archive of another chunk size.
        """
        place = home / _PLACE
        kept = _kept(place)
        if kept is None:
            kept = chunk_size or SMALL
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(json.dumps({"chunk_size": kept}) + "\n", encoding="utf-8")
        if chunk_size not in {None, kept}:
            raise click.ClickException(
                f"{place.parent} was filled from stations whose chunks have {kept} bytes; a station never changes its "
                f"files, so remove that directory, or name another home with --home, for chunks of {chunk_size}"
            )
        return cls(kept)

    @property
    def days(self) -> int:
        """How many whole days the demo takes."""
        return _DAYS if self._bytes(_DAYS * _PASSES * _SESSIONS) <= _MAX_BYTES else 1

    @property
    def max_sessions(self) -> int | None:
        """Sessions of each mission and day at a station at most; None where all of them are shown."""
        return None if self._bytes(_PASSES * _SESSIONS) <= _MAX_BYTES else 1

    @property
    def every_mission(self) -> bool:
        """Whether the sessions of all missions are staged; else those of the first."""
        return self._bytes(_PASSES) <= _MAX_BYTES

    @property
    def expected_bytes(self) -> int:
        """About how many bytes of sessions the demo stages."""
        sessions = self.days * (self.max_sessions or _SESSIONS) * (_PASSES if self.every_mission else 2)
        return self._bytes(sessions)

    @property
    def abridged(self) -> str | None:
        """What is left out because the chunks are so large, as a sentence; None if nothing is."""
        left = []
        if self.days < _DAYS:
            left.append("the last whole day instead of three")
        if self.max_sessions is not None:
            left.append(f"{self.max_sessions} session of a mission and day")
        if not self.every_mission:
            left.append("the sessions of the first mission alone")
        if not left:
            return None
        size, total = self.chunk_size / 1e6, self.expected_bytes / 1e9
        return f"Chunks of {size:g} MB: {', '.join(left)}, about {total:.1f} GB in all."

    @property
    def simulator_arguments(self) -> Sequence[str]:
        """The simulator's command line for it."""
        limits = [] if self.max_sessions is None else ["--max-sessions", str(self.max_sessions)]
        return ["--chunk-size", str(self.chunk_size), *limits]

    def require_room(self, home: Path) -> None:
        """Refuse a demo that the disk has no room for.

        Raises:
            click.ClickException: there is too little.
        """
        free = shutil.disk_usage(home).free
        if free < self.expected_bytes:
            raise click.ClickException(
                f"about {self.expected_bytes / 1e9:.1f} GB are needed in {home}, and {free / 1e9:.1f} GB are free; "
                "take a smaller --chunk-size"
            )

    def _bytes(self, sessions: float) -> int:
        return round(sessions * _CHUNKS * self.chunk_size)


def _kept(place: Path) -> int | None:
    if not place.is_file():
        return None
    try:
        return int(json.loads(place.read_text(encoding="utf-8"))["chunk_size"])
    except (ValueError, KeyError, TypeError) as error:
        raise click.ClickException(
            f"{place} cannot be read ({error!r}); remove its directory and begin again"
        ) from None
