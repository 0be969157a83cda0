"""Playing a script against a simulated station, and looking after every step whether what must hold does."""

import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rs_assets.settings import StateSettings
from rs_assets.store.parts import remove_stale
from tests.campaigns.installation import Installation
from tests.campaigns.script import Script
from tests.campaigns.stores import ThreadedS3
from tests.campaigns.truth import Truth, downloaded, source_of, sources_of
from tests.campaigns.workers import Done, Order, work
from tests.platform import SimulatedStation
from tests.store.fault_s3 import Fault, Operation

_CHECKPOINT = 100_000
_FINAL_RUNS = 3
_EPOCH = datetime(2001, 1, 1, 1, tzinfo=UTC)
"""From then on each run has two days on which no other one publishes."""
_NO_SUM: dict[str, Any] = {"Checksum": []}
_WRONG_SUM: dict[str, Any] = {
    "Checksum": [{"Algorithm": "MD5", "Value": "0" * 32, "ChecksumDate": "2012-01-01T00:00:00Z"}]
}


@dataclass
class _Product:
    """What is published under one name."""

    name: str
    sources: list[str]
    """The station's keys of its publications, in their order."""
    lies: set[str] = field(default_factory=set)
    """The keys of the publications of which the station states what is wrong."""


@dataclass
class _Session:
    """A downlink session with its deliveries."""

    guid: str
    sources: set[str] = field(default_factory=set)


@contextmanager
def prepared(
    script: Script, station: SimulatedStation, number: int, state: StateSettings | None = None
) -> Iterator["Play"]:
    """An empty installation for a script; `number` is one that no other run at this station has."""
    with TemporaryDirectory(prefix="campaign-") as directory, ThreadedS3() as s3:
        yield Play(script, station, Path(directory), s3, _EPOCH + timedelta(days=4 * number), state)


class Play:
    """One run of a campaign."""

    def __init__(  # noqa: PLR0917 - what a run is made of
        self,
        script: Script,
        station: SimulatedStation,
        home: Path,
        s3: ThreadedS3,
        morning: datetime,
        state: StateSettings | None,
    ) -> None:
        """Prepare.

        Args:
            script: what to do.
            station: the simulated station.
            home: an empty directory.
            s3: an empty object store, where the script wants one.
            morning: a time at the station; nothing is published there on this day and the next.
            state: where the state is kept; without it, in a file of the home.
        """
        self._script = script
        self._station = station
        self._s3 = s3
        self._now = morning
        self._days = [morning, morning + timedelta(days=1)]
        self._truth = Truth(station)
        self._installation = Installation(
            home,
            station.url,
            s3=s3.opened() if script.sink == "s3" else None,
            state=state,
            downlink=True,
            concurrency=script.concurrency,
            verification={"size": script.policy, "checksum": script.policy},
            timeouts={"read": 0.5},
        )
        self._products: list[_Product] = []
        self._sessions: list[_Session] = []
        self._evicted: set[str] = set()
        self._changed: set[str] = set()
        """The station's keys whose bytes are others now."""
        self._rules: list[dict[str, Any]] = []
        """The station's faults; they are in force only while processes are at work."""
        self._is_faulty = False
        self.deaths = 0
        """Processes that were killed so far."""
        self.runs = 0
        """Processes so far."""
        self.moved = 0
        """Files that were asked for so far."""

    def play(self) -> None:
        """Do all that the script says, then run without faults to the end.

        Raises:
            AssertionError: something does not hold that must.
        """
        try:
            self._station.reset()
            for number, action in enumerate(self._script.actions):
                self._tick()
                try:
                    getattr(self, f"_{action['do'].replace(' ', '_')}")(
                        **{k: v for k, v in action.items() if k != "do"}
                    )
                except AssertionError as error:
                    raise AssertionError(f"action {number}, {action}: {error}") from error
            self._finish()
        finally:
            self._station.reset()
            self._truth.close()

    def _tick(self) -> None:
        """Let a minute pass at the station; the log begins anew."""
        self._now += timedelta(minutes=1)
        self._station.set_clock(self._now + timedelta(days=1))

    def _publish(self, size: int, day: int, lie: str | None = None) -> None:
        name = f"S1A_AUX_{len(self._products)}.EOF"
        stated: dict[str, dict[str, Any]] = {
            "no checksum": _NO_SUM,
            "size as text": {"ContentLength": str(size)},
            "wrong checksum": _WRONG_SUM,
            "wrong size": {"ContentLength": size + 1},
        }
        published = self._days[day] + (self._now - self._days[0])
        attributes = {"platformShortName": "SENTINEL-1", "platformSerialIdentifier": "A", "productType": "AUX_TEST"}
        fields = {"Name": name, "size": size, "PublicationDate": published.isoformat(), "Attributes": attributes}
        source_id = str(self._station.add(**fields | (stated[lie] if lie else {}))["Id"])
        self._products.append(_Product(name, [source_id]))
        if lie in {"wrong checksum", "wrong size"}:
            self._products[-1].lies.add(source_id)
        self._truth.learn(source_id)

    def _republish(self, which: int, same_id: bool) -> None:
        product = self._products[which % len(self._products)]
        newest = product.sources[-1]
        if newest in self._evicted:
            return
        again = str(self._station.republish(id=newest, same_id=same_id, replace=same_id)["Id"])
        if same_id:
            self._changed.add(again)
            product.lies.discard(again)
        else:
            product.sources.append(again)
        self._truth.learn(again)

    def _evict(self, which: int) -> None:
        source_id = self._products[which % len(self._products)].sources[-1]
        if source_id not in self._evicted:
            self._station.evict(id=source_id)
            self._evicted.add(source_id)

    def _acquire(self, chunks: int, size: int) -> None:
        start = self._days[0] + timedelta(minutes=20 * len(self._sessions))
        order = {"chunks": chunks, "chunk_size": size, "last_size": 100, "start": start.isoformat()}
        session = self._station.order_session("sessions", **order)
        self._sessions.append(_Session(str(session["Id"])))
        self._delivered(self._sessions[-1], session)

    def _retransfer(self, which: int) -> None:
        known = self._sessions[which % len(self._sessions)]
        self._delivered(known, self._station.order_session("retransfer", session=known.guid))

    def _delivered(self, known: _Session, session: dict[str, Any]) -> None:
        for file in session["Files"]:
            known.sources.add(str(file["Id"]))
            self._truth.learn(str(file["Id"]), "/cadip/sgs/Files")

    def _fault(self, rule: dict[str, Any]) -> None:
        self._is_faulty = True
        self._rules.append(rule)

    def _store_fault(self, rule: dict[str, Any]) -> None:
        self._is_faulty = True
        self._s3.server.faults.append(Fault(**rule | {"operation": Operation(rule["operation"])}))

    def _revoke(self) -> None:
        self._station.revoke()

    def _mend(self) -> None:
        self._rules.clear()
        self._s3.server.faults.clear()
        self._is_faulty = False

    def _run(self, station: str, processes: int = 1, die: Sequence[Any] | None = None) -> list[Done]:
        """Let processes take all partitions of a station through the steps, and look at what they have done."""
        objects, listed = self._installation.objects(), self._installation.catalogued()
        self._station.forget()
        orders = [self._order(station, None if number else die) for number in range(processes)]
        with self._misbehaving():
            done = work(*orders)
        dead = [one.code for one in done if one.code]
        assert set(dead) <= {-signal.SIGKILL}, f"a process ended with {dead}"
        self.deaths += len(dead)
        asked = downloaded(self._station.log())
        self.runs += processes
        self.moved += len(asked)
        again = (sources_of(objects) - self._changed) & set(asked)
        assert not again, f"staged again: {again}"
        if not self._is_faulty and not dead:
            # The window in which a changed file was published first still has what the station stated of it then.
            wrong = self._lying() | self._changed
            twice = {source_id for source_id, times in Counter(asked).items() if times > 1} - wrong
            assert not twice, f"fetched twice: {twice}"
        self._hold(objects, listed)
        return done

    @contextmanager
    def _misbehaving(self) -> Iterator[None]:
        """Let the faults be in force, and keep what is left of them."""
        given = {self._station.fault(**rule): rule for rule in self._rules}
        yield
        left = {str(rule["id"]): rule for rule in self._station.faults() if rule["id"] in given}
        self._station.mend()
        self._rules = [
            rule | {"times": left[key]["times"], "skip": max(0, rule["skip"] - left[key]["seen"])}
            for key, rule in given.items()
            if key in left
        ]

    def _order(self, station: str, die: Sequence[Any] | None) -> Order:
        keys = [f"{day:%Y-%m-%d}|S1" for day in self._days]
        keys += [f"{self._now + timedelta(days=1):%Y-%m-%d}|S1"]
        return self._installation.order(
            *dict.fromkeys(keys), station=station, die=None if die is None else (die[0], die[1]), checkpoint=_CHECKPOINT
        )

    def _hold(self, objects: dict[str, bytes], listed: dict[str, set[str]]) -> None:
        """What must hold at any moment, and against what was there before."""
        now = self._installation.objects()
        self._truth.assert_right(now)
        replaced = {old for product in self._products for old in product.sources[:-1]} | self._changed
        lost = {key for key in objects.keys() - now.keys() if source_of(key) not in replaced}
        assert not lost, f"lost from the store: {lost}"
        listed_now = self._installation.catalogued()
        for name, sources in listed.items():
            gone = sources - listed_now.get(name, set()) - replaced
            assert name in listed_now, f"lost from the catalogue: {name}"
            assert not gone, f"lost from the catalogue's {name}: {gone}"

    def _finish(self) -> None:
        """Without faults everything ends well, and nothing is left over."""
        self._tick()
        self._mend()
        for number in range(_FINAL_RUNS):
            done = [one for station in ("adgs", "sgs") for one in self._run(station)]
            errors = [error for one in done for error in one.errors.values() if error]
            assert not errors, errors
            moved = [file for one in done for file in one.files if file["state"] == "staged"]
            if number and not moved:
                break
        self._assert_complete(done)
        parts = self._installation.home / "store" / ".parts"
        remove_stale(str(parts), now=time.time() + 2 * 86_400)
        assert self._installation.parts() == [], "left over"
        assert self.deaths or not self._s3.server.uploads, "uploads are left open"

    def _assert_complete(self, done: list[Done]) -> None:
        failed = {file["source_id"]: file for one in done for file in one.files if file["state"] == "failed"}
        strange = failed.keys() - self._lying() - self._evicted
        assert not strange, [failed[source_id]["reason"] for source_id in strange]
        listed = set().union(*self._installation.catalogued().values())
        for product in self._products:
            newest = product.sources[-1]
            if newest not in self._evicted and newest not in self._lying():
                assert newest in listed, f"{product.name} is not in the catalogue"
            if newest in self._lying():
                assert newest not in listed, f"{product.name} is in the catalogue"
        replaced = {old for product in self._products for old in product.sources[:-1]}
        names = {source_id: product for product in self._products for source_id in product.sources}
        kept = {old for old in replaced if names[old].sources[-1] not in listed}
        left = sources_of(self._installation.objects()) & (replaced - listed - kept)
        assert not left, f"objects of replaced publications are left: {left}"
        for session in self._sessions:
            missing = session.sources - listed
            assert not missing, f"the session {session.guid} lacks {missing}"

    def _lying(self) -> set[str]:
        """The station's keys of the files that no run may accept."""
        if self._script.policy != "strict":
            return set()
        return set().union(*(product.lies for product in self._products))
