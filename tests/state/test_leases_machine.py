"""Everything that can happen to leases, in any order."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from rs_assets.state import TTL, Claims, Holder, Standing, StateDatabase
from rs_assets.state.shares import TURN

from .leases import World

LIMIT = 3
KEYS = ("a", "b", "c")
WHO = st.integers(0, 4)


class Leases(RuleBasedStateMachine):
    """Five holders, some of which die, fall silent or come back."""

    def __init__(self) -> None:
        super().__init__()
        self._directory = tempfile.TemporaryDirectory()
        database = StateDatabase(f"sqlite:///{Path(self._directory.name)}/state.sqlite")
        self.world = World(database)
        self.claims = Claims(database, self.world.holders)
        self.holders = [self.world.holder() for _ in range(5)]
        self.wanted = dict.fromkeys(self.holders, 0)
        self.standing: dict[Holder, Standing] = {}
        self.valid_until = dict.fromkeys(self.holders, self.world.now)
        self.owner: dict[str, Holder] = {}
        self.doubtful: set[str] = set()
        """Keys whose claim had run out when its owner came back: it stands if nobody noticed."""

    def teardown(self) -> None:
        self._directory.cleanup()

    def _is_valid(self, holder: Holder) -> bool:
        return self.world.now < self.valid_until[holder] and holder.process.pid not in self.world.dead

    def _renew(self, holder: Holder) -> None:
        if not self._is_valid(holder):
            self.standing.pop(holder, None)
            lapsed = {key for key, owner in self.owner.items() if owner == holder}
            self.doubtful |= lapsed
            for key in lapsed:
                del self.owner[key]
        self.valid_until[holder] = self.world.now + TTL

    def _settle(self, holder: Holder, given: frozenset[int] = frozenset()) -> Standing:
        self._renew(holder)
        had = self.standing[holder].held if holder in self.standing else frozenset()
        standing = self.world.ask(holder, self.wanted[holder], limit=LIMIT, given=given)
        assert had - given <= standing.held, "a valid lease was lost"
        self.standing[holder] = standing
        return standing

    @rule(who=WHO, wanted=st.integers(0, 4))
    def ask(self, who: int, wanted: int) -> None:
        holder = self.holders[who]
        self.wanted[holder] = wanted
        self._settle(holder)

    @rule(who=WHO, count=st.integers(1, 3))
    def give_back(self, who: int, count: int) -> None:
        holder = self.holders[who]
        held = self.standing[holder].held if holder in self.standing else frozenset()
        self._settle(holder, frozenset(sorted(held)[:count]))

    @rule(who=WHO)
    def leave(self, who: int) -> None:
        holder = self.holders[who]
        self.world.slots.leave(holder)
        self.standing.pop(holder, None)
        self.wanted[holder] = 0
        self.valid_until[holder] = self.world.now
        self.owner = {key: owner for key, owner in self.owner.items() if owner != holder}

    @rule(who=WHO)
    def die(self, who: int) -> None:
        dead = self.holders[who]
        self.world.kill(dead)
        self.standing.pop(dead, None)
        self.holders[who] = new = self.world.holder()
        self.wanted[new] = 0
        self.valid_until[new] = self.world.now

    @rule(seconds=st.sampled_from([0.1, 1.0, TURN.total_seconds(), TTL.total_seconds() / 2, TTL.total_seconds()]))
    def wait(self, seconds: float) -> None:
        self.world.wait(seconds)

    @rule(who=WHO, keys=st.sets(st.sampled_from(KEYS), min_size=1))
    def claim(self, who: int, keys: set[str]) -> None:
        holder = self.holders[who]
        self._renew(holder)
        taken = self.claims.claim(keys, holder)
        for key in keys:
            owner = self.owner.get(key)
            if owner is not None and owner != holder and self._is_valid(owner):
                assert key not in taken, "two write one object"
            elif key in taken:
                self.owner[key] = holder
                self.doubtful.discard(key)
            else:
                assert key in self.doubtful, "nobody may write an object"

    @rule(who=WHO, keys=st.sets(st.sampled_from(KEYS)))
    def release(self, who: int, keys: set[str]) -> None:
        holder = self.holders[who]
        self.claims.release(keys, holder)
        self.owner = {key: owner for key, owner in self.owner.items() if owner != holder or key not in keys}

    @invariant()
    def never_more_than_the_limit(self) -> None:
        believed = [holder.held for name, holder in self.standing.items() if self._is_valid(name)]
        assert sum(map(len, believed)) <= LIMIT
        assert len(frozenset().union(*believed)) == sum(map(len, believed))
        assert len(self.world.held()) <= LIMIT

    @precondition(lambda self: any(self.wanted.values()))
    @rule()
    def everybody_who_waits_is_served_in_the_end(self) -> None:
        waiting = {holder for holder in self.holders if self.wanted[holder]}
        served: set[Holder] = set()
        for _ in range(30):
            for holder in self.holders:
                if holder in waiting:
                    standing = self._settle(holder)
                    if standing.held:
                        served.add(holder)
                        owed = frozenset(sorted(standing.held)[: standing.owed])
                        if owed:
                            self._settle(holder, owed)
            if served >= waiting:
                return
            self.world.wait(TURN.total_seconds() / 2)
        raise AssertionError(f"{len(waiting - served)} of {len(waiting)} starve")


Leases.TestCase.settings = settings(
    max_examples=30, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
test_leases = Leases.TestCase
