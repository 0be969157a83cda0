"""A process that is killed, at every step at which something on a disk changes, and the run that follows.

Each row kills a real process with SIGKILL at one step, while it stages a large file and a small one, and, where the
step is about them, a new publication of a third whose old one is to be collected. What is visible then is right, the
next run completes without fetching again what was staged, and nothing is left over.
"""

import re
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from rs_assets.settings import StateSettings
from tests.campaigns.installation import Installation
from tests.campaigns.steps import STEPS
from tests.campaigns.truth import Truth, downloaded, sources_of
from tests.campaigns.workers import work
from tests.platform import SimulatedStation
from tests.servers import S3Server

CHECKPOINT = 100_000
"""Bytes after which the journal notes how far a part has come; in the product they are more."""

ONLY_DIRECTORY = ("part", "bytes", "journal", "fsync", "link", "unlink", "directory sync", "collection")
ONLY_S3 = ("put", "upload piece", "completion", "object collection")
ALIKE = ("search results", "transfer record", "outcome record", "manifest", "superseded note", "upsert", "forgetting")
"""Steps at which nothing of an object's writing is under way; with S3 they are for the slow run."""

REPLACING = ("superseded note", "upsert", "collection", "object collection", "forgetting")
"""What happens to a publication that is replaced."""

_days = count()


def _rows(others: tuple[str, ...], times: dict[str, int], slow: tuple[str, ...] = ()) -> list[Any]:
    places = {step: step.partition(" ")[2] for step in STEPS}
    return [
        pytest.param(step, times.get(place, 1), id=step, marks=[pytest.mark.slow] if place in slow else [])
        for step, place in places.items()
        if not place.startswith(others)
    ]


DIRECTORY_ROWS = [
    *_rows(ONLY_S3, {}),
    pytest.param("after bytes", 4, id="after more bytes"),
    pytest.param("before journal line", 3, id="before the third journal line"),
    pytest.param("after journal line", 3, id="after the third journal line"),
    pytest.param("before link", 2, id="before the second link"),
    pytest.param("after link", 2, id="after the second link"),
]
# The sixth piece is of the second part.
S3_ROWS = _rows(ONLY_DIRECTORY, {"upload piece": 6}, slow=ALIKE)


@pytest.fixture
def truth(station: SimulatedStation) -> Iterator[Truth]:
    truth = Truth(station)
    yield truth
    truth.close()


@pytest.mark.parametrize(("step", "time"), DIRECTORY_ROWS)
def test_killed_while_it_writes_to_a_directory(  # noqa: PLR0917 - fixtures
    station: SimulatedStation, truth: Truth, state_settings: StateSettings, tmp_path: Path, step: str, time: int
) -> None:
    installation = Installation(tmp_path, station.url, state=state_settings, concurrency=2)

    ranges = _killed_and_run_again(station, truth, installation, (step, time), large=1_000_000)

    assert installation.parts() == []
    if step == "after journal line":
        begins = [int(match[1]) for text in ranges if (match := re.fullmatch(r"bytes=(\d+)-", text))]
        assert begins, "the part was not gone on with"
        assert min(begins) >= CHECKPOINT * time


@pytest.mark.parametrize(("step", "time"), S3_ROWS)
def test_killed_while_it_writes_to_an_object_store(  # noqa: PLR0917 - fixtures
    station: SimulatedStation, truth: Truth, s3_server: S3Server, tmp_path: Path, step: str, time: int
) -> None:
    prefix = uuid4().hex
    store = s3_server.store(prefix)
    installation = Installation(tmp_path, station.url, s3=(store, lambda: s3_server.files(prefix)), concurrency=2)

    _killed_and_run_again(station, truth, installation, (step, time), large=11_000_000)


def test_what_a_killed_run_has_staged_and_never_published_is_collected_once_it_is_replaced(
    station: SimulatedStation, tmp_path: Path
) -> None:
    morning = datetime(2012, 1, 1, 8, tzinfo=UTC) + timedelta(days=next(_days))
    station.set_clock(morning + timedelta(hours=4))
    key = f"{morning:%Y-%m-%d}|S1"
    installation = Installation(tmp_path, station.url)
    old = _added(station, "S1A_AUX_LEFT.EOF", morning, 20_000)
    [killed] = work(installation.order(key, die=("after link", 1)))
    assert killed.code == -signal.SIGKILL
    assert sources_of(installation.objects()) == {old}
    new = str(station.republish(id=old)["Id"])

    work(installation.order(key))
    work(installation.order(key))

    assert sources_of(installation.objects()) == {new}
    assert list(installation.catalogued().values()) == [{new}]


def _killed_and_run_again(
    station: SimulatedStation, truth: Truth, installation: Installation, die: tuple[str, int], *, large: int
) -> list[str]:
    """Kill a run at a step and run again; the ranges that the second run has asked for."""
    morning = datetime(2012, 1, 1, 8, tzinfo=UTC) + timedelta(days=next(_days))
    station.set_clock(morning + timedelta(hours=4))
    key = f"{morning:%Y-%m-%d}|S1"
    wanted = {_added(station, "S1A_AUX_LARGE.EOF", morning, large), _added(station, "S1A_AUX_S.EOF", morning, 9)}
    if die[0].partition(" ")[2] in REPLACING:
        wanted.add(_replaced(station, truth, installation, key, morning))
    for source_id in wanted:
        truth.learn(source_id)

    [killed] = work(installation.order(key, die=die, checkpoint=CHECKPOINT))

    assert killed.code == -signal.SIGKILL, "the step was not reached"
    visible = installation.objects()
    truth.assert_right(visible)
    installation.catalogued()
    station.reset()
    station.set_clock(morning + timedelta(hours=4))

    [again] = work(installation.order(key, checkpoint=CHECKPOINT))

    assert again.errors == {key: None}
    assert [file["reason"] for file in again.files if file["reason"]] == []
    log = station.log()
    assert sources_of(visible).isdisjoint(downloaded(log))
    objects = installation.objects()
    truth.assert_right(objects)
    assert sorted(map(sorted, installation.catalogued().values())) == sorted([source_id] for source_id in wanted)
    assert sources_of(objects) == wanted
    return [entry["range"] or "" for entry in log]


def _replaced(station: SimulatedStation, truth: Truth, installation: Installation, key: str, morning: datetime) -> str:
    """Have a publication catalogued, and let the station replace it; its new id."""
    old = _added(station, "S1A_AUX_AGAIN.EOF", morning, 20_000)
    truth.learn(old)
    [first] = work(installation.order(key))
    assert first.errors == {key: None}
    return str(station.republish(id=old)["Id"])


def _added(station: SimulatedStation, name: str, published: datetime, size: int) -> str:
    attributes = {"platformShortName": "SENTINEL-1", "platformSerialIdentifier": "A", "productType": "AUX_TEST"}
    fields = {"Name": name, "size": size, "PublicationDate": published.isoformat(), "Attributes": attributes}
    return str(station.add(**fields)["Id"])
