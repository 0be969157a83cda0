"""How the connections of a station are shared out among those who have work for it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

TURN = timedelta(seconds=2)
"""How long a holder may keep its only slot though others have none."""


@dataclass(frozen=True, slots=True)
class Claimant:
    """One that has work for a station."""

    wanted: int
    """Connections that it can use now, those that it has included."""
    held: int
    since: datetime
    """When it last began to wait without a slot."""
    oldest: datetime | None = None
    """When it was given the oldest of its slots; None if it has none."""


def fair_shares(claimants: Mapping[str, Claimant], capacity: int, now: datetime) -> dict[str, int]:
    """How many slots each claimant should have.

    Slots go one by one to whoever has the fewest so far and wants more, so everybody gets
    ``capacity // len(claimants)`` if he wants as many, and what some do not want is shared by the others. Where there
    are more claimants than slots they take turns of `TURN`: those who wait come next in the order of their waiting.
    """
    shares = dict.fromkeys(claimants, 0)
    for _ in range(capacity):
        eager = [name for name, claimant in claimants.items() if shares[name] < claimant.wanted]
        if not eager:
            break
        shares[min(eager, key=lambda name: _rank(name, claimants[name], shares[name], now))] += 1
    return shares


def _rank(name: str, claimant: Claimant, share: int, now: datetime) -> tuple[int, int, float, str]:
    waiting = claimant.since.timestamp()
    if share or claimant.oldest is None:
        return share, 0 if claimant.held > share else 1, waiting, name
    if now - claimant.oldest < TURN:
        return share, 0, waiting, name
    return share, 2, -claimant.oldest.timestamp(), name
