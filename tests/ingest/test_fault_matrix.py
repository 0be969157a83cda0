"""The fault matrix: what a station can do wrong, and what becomes of the file then.

Each row is one fault of a real station over HTTP (the simulator, in a process of its own), taken through all steps into
a directory and, where bytes come, into an S3 server. Every row asserts the outcome, what the station's log shows, and
that the store and the catalogue hold the exact bytes or nothing, without left-over parts or open uploads.

What has a test of its own elsewhere: https to http and a private authority (``tests/staging/test_source.py``), a full
disk (``tests/staging/test_processes.py``), two processes (``tests/ingest/test_at_once.py``), a process that is
killed (``tests/ingest/test_kill_matrix.py``).
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from rs_assets.items.files import FileRecord, FileState
from rs_assets.items.multihash import Digest
from rs_assets.store import bucket
from tests.campaigns.installation import Installation
from tests.campaigns.truth import Truth, source_of
from tests.platform import PASSWORD, PASSWORD_VARIABLE, SimulatedStation, run
from tests.staging.fault_station import FaultStation, Reply, Request
from tests.store.fault_s3 import Fault, FaultS3, Operation

SIZE = 6_000_000
"""Bytes of the file: more than one part of an S3 upload."""
HALF = 4_000_000
STAGED, FAILED, EVICTED = FileState.STAGED, FileState.FAILED, FileState.EVICTED
SOME = "bytes=*"
"""A range that begins somewhere inside the file."""

_days = count()


@dataclass(frozen=True)
class Row:
    """One fault."""

    name: str
    faults: tuple[dict[str, Any], ...]
    """As the simulator's rules, for requests of the file."""
    status: FileState
    asked: tuple[tuple[str | None, int], ...]
    """What the station's log shows of the file: the ranges asked for, and the statuses of the answers."""
    product: dict[str, Any] = field(default_factory=dict)
    """Fields of the product that differ from a good one."""
    station: dict[str, Any] = field(default_factory=dict)
    """Settings of the station that differ from the usual."""
    says: str = ""
    """What the reason has in it, or the warning."""
    attempts: int | None = None
    """As the manifest tells, where that is not the number of requests."""

    @property
    def has_body(self) -> bool:
        """Whether bytes come, so that it makes a difference where they go."""
        return any(status in {200, 206} for _, status in self.asked)


WHOLE = (None, 200)
GO_ON = (SOME, 206)
BEARING = {"verification": {"size": "warn", "checksum": "warn"}}
WRONG_SUM = [{"Algorithm": "MD5", "Value": "0" * 32, "ChecksumDate": "2012-01-01T00:00:00Z"}]
PATIENT = {"retries": {"attempts": 1, "first_wait": 0, "max_wait": 0, "busy_timeout": 20}}

ROWS = [
    # A body that breaks off is gone on with where it stopped.
    Row("truncated body", ({"truncate_bytes": HALF, "times": 1},), STAGED, (WHOLE, GO_ON)),
    Row("truncated for ever", ({"truncate_bytes": 0},), FAILED, (WHOLE, WHOLE), says="broke off"),
    Row("reset in mid-body", ({"reset": True, "after_bytes": HALF, "times": 1},), STAGED, (WHOLE, GO_ON)),
    Row("reset before the answer", ({"reset": True, "times": 1},), STAGED, ((None, 0), WHOLE), attempts=1),
    Row(
        "truncated without a length",
        ({"truncate_bytes": HALF, "without_headers": ["content-length"], "times": 1},),
        STAGED,
        (WHOLE, GO_ON),
    ),
    # Wrong bytes are fetched once more over a fresh connection, then refused.
    Row("wrong bytes once", ({"corrupt": True, "times": 1},), STAGED, (WHOLE, WHOLE)),
    Row("wrong bytes", ({"corrupt": True},), FAILED, (WHOLE, WHOLE), says="checksum is"),
    Row("wrong checksum stated", (), FAILED, (WHOLE, WHOLE), {"Checksum": WRONG_SUM}, says="checksum is"),
    Row("wrong size stated", (), FAILED, (WHOLE, WHOLE), {"ContentLength": SIZE + 1}, says="states 6000001"),
    Row("size stated as text", (), STAGED, (WHOLE,), {"ContentLength": str(SIZE)}),
    Row("an empty answer once", ({"empty": True, "times": 1},), STAGED, (WHOLE, WHOLE)),
    Row("a file of zero bytes", (), STAGED, (WHOLE,), {"size": 0}),
    # With the policy `warn`, lies are borne, and the true figures are recorded.
    Row("wrong checksum borne", (), STAGED, (WHOLE,), {"Checksum": WRONG_SUM}, BEARING, says="checksum is"),
    Row("wrong size borne", (), STAGED, (WHOLE,), {"ContentLength": SIZE + 1}, BEARING, says="size is"),
    Row("wrong size as text borne", (), STAGED, (WHOLE,), {"ContentLength": str(HALF)}, BEARING, says="size is"),
    Row("a size that is not a number", (), STAGED, (WHOLE,), {"ContentLength": "much"}, BEARING),
    Row(
        "broken off just where the wrong size says",
        ({"truncate_bytes": HALF, "times": 1},),
        STAGED,
        (WHOLE, GO_ON),
        {"ContentLength": HALF, "Checksum": []},
        BEARING,
        says="size is",
    ),
    # Resuming: only what is surely of the same file is joined.
    Row(
        "200 to a Range",
        ({"truncate_bytes": HALF, "times": 1}, {"ignore_range": True, "times": 1}),
        STAGED,
        (WHOLE, (SOME, 200)),
    ),
    Row(
        "changed ETag",
        ({"truncate_bytes": HALF, "change_etag": True, "times": 1},),
        STAGED,
        (WHOLE, (SOME, 200)),
    ),
    Row(
        "changed ETag in a 206",
        ({"truncate_bytes": HALF, "times": 1}, {"change_etag": True, "times": 1}),
        STAGED,
        (WHOLE, GO_ON, WHOLE),
        station={"retries": {"attempts": 3, "first_wait": 0}},
    ),
    Row(
        "416 to a Range",
        ({"truncate_bytes": HALF, "times": 1}, {"status": 416, "times": 1}),
        STAGED,
        (WHOLE, (SOME, 416), WHOLE),
        station={"retries": {"attempts": 3, "first_wait": 0}},
    ),
    Row("Content-Encoding", ({"gzip": "encoded"},), FAILED, (WHOLE,), says="encoding 'gzip'"),
    Row("Content-Encoding claimed", ({"gzip": "claimed"},), FAILED, (WHOLE,), says="encoding 'gzip'"),
    # What is final is asked for once; what is gone has an outcome of its own.
    Row("400", ({"status": 400},), FAILED, ((None, 400),), says="answers 400"),
    Row("403", ({"status": 403},), FAILED, ((None, 403),), says="answers 403"),
    Row("404", ({"status": 404},), EVICTED, ((None, 404),), says="not there any more"),
    Row("410", ({"status": 410},), EVICTED, ((None, 410),), says="not there any more"),
    Row(
        "gone in mid-transfer",
        ({"truncate_bytes": HALF, "times": 1}, {"status": 410}),
        EVICTED,
        (WHOLE, (SOME, 410)),
        says="not there any more",
    ),
    # What may pass is tried again; a busy station costs no attempt.
    Row("500 once", ({"status": 500, "times": 1},), STAGED, ((None, 500), WHOLE)),
    Row("500 for ever", ({"status": 500},), FAILED, ((None, 500), (None, 500)), says="answers 500"),
    Row("408", ({"status": 408, "times": 1},), STAGED, ((None, 408), WHOLE)),
    Row(
        "429 with Retry-After in seconds",
        ({"status": 429, "retry_after_seconds": 1, "times": 2},),
        STAGED,
        ((None, 429), (None, 429), WHOLE),
        station=PATIENT,
    ),
    Row(
        "503 with Retry-After as a date",
        ({"status": 503, "retry_after_date": 2, "times": 1},),
        STAGED,
        ((None, 503), WHOLE),
        station=PATIENT,
    ),
    Row(
        "429 in mid-transfer",
        ({"truncate_bytes": HALF, "times": 1}, {"status": 429, "retry_after_seconds": 1, "times": 1}),
        STAGED,
        (WHOLE, (SOME, 429), GO_ON),
        station={"retries": PATIENT["retries"] | {"attempts": 2}},
    ),
    # Slow ones.
    Row(
        "slow drip",
        ({"bytes_per_second": 2000, "after_bytes": HALF, "times": 1},),
        STAGED,
        (WHOLE, GO_ON),
        station={"timeouts": {"min_rate": 1e6, "rate_period": 0.3}},
    ),
    Row(
        "a body that stalls",
        ({"stall_seconds": 2, "after_bytes": HALF, "times": 1},),
        STAGED,
        (WHOLE, GO_ON),
        station={"timeouts": {"read": 0.4}},
    ),
    Row(
        "an answer that does not come",
        ({"delay_seconds": 2, "times": 1},),
        STAGED,
        ((None, 0), WHOLE),
        station={"timeouts": {"read": 0.4}},
    ),
    # Redirects.
    Row("a chain of redirects", ({"hops": 5, "times": 1},), STAGED, ((None, 307),) * 5 + (WHOLE,), attempts=1),
    Row(
        "too many redirects",
        ({"hops": 6, "times": 1},),
        FAILED,
        ((None, 307),) * 6,
        says="redirects more than 5 times",
        attempts=1,
    ),
    # Names.
    Row("an odd name", (), STAGED, (WHOLE,), {"Name": "S1A_ä ü%20~_é.EOF"}),
    Row("a name with '..'", (), FAILED, (), {"Name": "S1A_../../escape.EOF"}, says="cannot be a file name"),
    Row("a name that is '..'", (), FAILED, (), {"Name": ".."}, says="cannot be a file name"),
    Row("an absolute name", (), FAILED, (), {"Name": "/S1A_ETC.EOF"}, says="file name"),
    Row("a name that is too long", (), FAILED, (), {"Name": f"S1A_{'x' * 300}.EOF"}, says="255 bytes"),
]


class Scene:
    """A day of its own at the station, and an installation."""

    def __init__(self, station: SimulatedStation, home: Path, s3: FaultS3 | None) -> None:
        self.station = station
        self.truth = Truth(station)
        self._home = home
        self._s3 = s3
        self._morning = datetime(2005, 1, 1, 8, tzinfo=UTC) + timedelta(days=next(_days))

    def add(self, name: str = "S1A_AUX_FILE.EOF", size: int = SIZE, **fields: Any) -> str:
        """Put a product into the archive; its key there."""
        attributes = {"platformShortName": "SENTINEL-1", "platformSerialIdentifier": "A", "productType": "AUX_TEST"}
        product = {"Name": name, "size": size, "PublicationDate": self._morning.isoformat(), "Attributes": attributes}
        source_id = str(self.station.add(**product | fields)["Id"])
        self.truth.learn(source_id)
        return source_id

    async def staged(self, **settings: Any) -> list[FileRecord]:
        """Take the day through all steps; the outcomes of its files."""
        self._open(settings)
        [report] = await run(self.installation.platform, f"{self._morning:%Y-%m-%d}|S1")
        assert report.error is None
        assert report.manifest is not None
        return list(report.manifest.files)

    def assert_holds(self, *source_ids: str) -> None:
        """Store and catalogue hold exactly these files, right and whole, and nothing is left over."""
        objects = self.installation.objects()
        self.truth.assert_right(objects)
        assert sorted(map(source_of, objects)) == sorted(source_ids)
        assert sorted(map(sorted, self.installation.catalogued().values())) == sorted([key] for key in source_ids)
        assert self.installation.parts() == []
        assert sorted(path.name for path in self._home.iterdir() if "sqlite" not in path.name) in ([], ["store"])
        if self._s3 is not None:
            assert self._s3.uploads == {}

    def asked(self, source_id: str) -> list[tuple[str | None, int]]:
        """The requests for a file, by the station's log: ranges and statuses."""
        return [(entry["range"], entry["status"]) for entry in self.station.log() if source_id in entry["path"]]

    def _open(self, settings: dict[str, Any]) -> None:
        s3 = self._s3
        store = None if s3 is None else (s3.store(), lambda: dict(s3.objects))
        self.installation = Installation(self._home, self.station.url, s3=store, **settings)


@pytest.fixture(params=["directory", "s3"])
async def s3(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FaultS3 | None]:
    """The store's server, where there is one; it is asked again at once, and three times."""
    if request.param == "directory":
        yield None
        return
    monkeypatch.setitem(bucket.RETRY, "max_retries", 3)
    monkeypatch.setitem(bucket.RETRY["backoff"], "init_backoff", timedelta(milliseconds=1))
    monkeypatch.setitem(bucket.RETRY["backoff"], "max_backoff", timedelta(milliseconds=2))
    async with FaultS3() as server:
        yield server


@pytest.fixture
async def elsewhere() -> AsyncIterator[FaultStation]:
    """A server that is not the station."""
    async with FaultStation() as station:
        yield station


@pytest.fixture
def scene(
    station: SimulatedStation, tmp_path: Path, s3: FaultS3 | None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Scene]:
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    home = tmp_path / "home"
    home.mkdir()
    scene = Scene(station, home, s3)
    yield scene
    scene.truth.close()


COLUMNS = [
    pytest.param(sink, row, id=f"{sink}-{row.name}")
    for sink in ("directory", "s3")
    for row in ROWS
    if sink == "directory" or row.has_body
]


@pytest.mark.parametrize(("s3", "row"), COLUMNS, indirect=["s3"])
async def test_matrix(scene: Scene, row: Row) -> None:
    source_id = scene.add(**row.product)
    scene.station.reset()
    for fault in row.faults:
        scene.station.fault(path_contains="$value", **fault)

    [file] = await scene.staged(**row.station)

    assert (file.state, file.reason) == (row.status, file.reason if row.says else None) or row.status is STAGED
    asked = scene.asked(source_id)
    assert [status for _, status in asked] == [status for _, status in row.asked]
    for (given, _), (expected, _) in zip(asked, row.asked, strict=True):
        assert _fits(given, expected), asked
    assert file.attempts == (len(row.asked) if row.attempts is None else row.attempts)
    assert row.says in (file.reason or " ".join(file.warnings))
    if row.status is not STAGED:
        scene.assert_holds()
        return
    assert not row.says or file.warnings
    assert (file.size, file.checksum is not None) == (scene.truth.size(source_id), True)
    scene.assert_holds(source_id)
    [record] = scene.installation.platform.transfers.of([str(file.key)]).values()
    assert (record.file.size, record.file.checksum) == (file.size, file.checksum)


def _fits(given: str | None, expected: str | None) -> bool:
    match = re.fullmatch(r"bytes=(\d+)-", given or "")
    return given == expected or (expected == SOME and match is not None and 0 < int(match[1]) < SIZE)


async def test_a_refused_token_is_renewed_once_for_all_and_the_files_are_gone_on_with(scene: Scene) -> None:
    files = [scene.add(f"S1A_AUX_{number}.EOF") for number in range(6)]
    scene.station.reset()
    # They stall just before they break off, and meanwhile their token is taken back.
    broken = {"truncate_bytes": HALF, "stall_seconds": 1.5, "after_bytes": HALF - 1, "times": 3}
    scene.station.fault(path_contains="$value", **broken)

    staging = asyncio.create_task(scene.staged(concurrency=3))
    async with asyncio.timeout(20):
        await asyncio.to_thread(scene.station.await_downloads, 3)
    await asyncio.to_thread(scene.station.revoke)
    outcomes = await staging

    assert {file.state for file in outcomes} == {STAGED}
    assert sorted(file.attempts for file in outcomes) == [1, 1, 1, 2, 2, 2]
    scene.assert_holds(*files)
    log = scene.station.log()
    # The refresh token has been taken back, too.
    logins = [entry for entry in log if entry["path"].endswith("/token")]
    assert [entry["status"] for entry in logins if entry["status"] == 200] == [200, 200]
    assert len(logins) <= 3
    refused = [entry["range"] for entry in log if entry["status"] == 401]
    assert 1 <= len(refused) <= 3
    assert all(_fits(asked, SOME) for asked in refused)
    assert len([entry for entry in log if entry["status"] == 206]) == 3


async def test_a_station_that_refuses_every_token_is_asked_no_more(scene: Scene) -> None:
    for number in range(20):
        scene.add(f"S1A_AUX_{number}.EOF", 1000)
    scene.station.reset()
    scene.station.fault(path_contains="$value", status=401)

    outcomes = await scene.staged(concurrency=2)

    assert {file.state for file in outcomes} == {FAILED}
    log = scene.station.log()
    assert len([entry for entry in log if entry["path"].endswith("$value")]) <= 4
    assert len([entry for entry in log if entry["path"].endswith("/token")]) <= 3
    scene.assert_holds()


@pytest.mark.parametrize(("status", "retry_after"), [(429, "retry_after_seconds"), (503, "retry_after_date")])
async def test_a_busy_station_is_left_alone_by_all_and_asked_less_until_it_has_recovered(
    scene: Scene, status: int, retry_after: str
) -> None:
    files = [scene.add(f"S1A_AUX_{number}.EOF", 200_000) for number in range(24)]
    scene.station.reset()
    # The first four are at work when the station becomes busy, and end while it is.
    scene.station.fault(path_contains="$value", delay_seconds=0.2, times=3)
    scene.station.fault(path_contains="$value", status=status, times=1, **{retry_after: 2})
    scene.station.fault(path_contains="$value", delay_seconds=0.05)

    outcomes = await scene.staged(concurrency=4, retries=PATIENT["retries"])

    assert {file.state for file in outcomes} == {STAGED}
    scene.assert_holds(*files)
    log = [entry for entry in scene.station.log() if entry["path"].endswith("$value")]
    assert len(log) == len(files) + 1
    busy_at = next(number for number, entry in enumerate(log) if entry["status"] == status)
    before, after = log[:busy_at], log[busy_at + 1 :]
    ended = datetime.fromisoformat(log[busy_at]["ended"])
    # Those that had begun may have begun at the same moment; no other one does before the pause is over.
    later = [entry for entry in after if datetime.fromisoformat(entry["started"]) - ended > timedelta(seconds=0.2)]
    assert len(before) + len(after) - len(later) <= 3
    pause = 2 if retry_after == "retry_after_seconds" else 1
    assert min(datetime.fromisoformat(entry["started"]) for entry in later) - ended >= timedelta(seconds=pause - 0.05)
    at_once = [
        sum(other["started"] <= entry["started"] < other["ended"] for other in log[: log.index(entry) + 1])
        for entry in later
    ]
    assert max(at_once[:3]) < max(at_once) == 4


async def test_a_redirect_to_another_host_loses_the_credentials_and_keeps_the_range(
    scene: Scene, elsewhere: FaultStation
) -> None:
    seen: list[str | None] = []

    def gives(request: Request) -> Reply:
        seen.append(request.headers.get("range"))
        assert "authorization" not in request.headers
        whole = {"ETag": '"v1"', "Accept-Ranges": "bytes"}
        if "range" not in request.headers:
            return Reply(body, headers=whole, cut=5000)
        return Reply(body[5000:], 206, whole | {"Content-Range": f"bytes 5000-{len(body) - 1}/{len(body)}"})

    source_id = scene.add(size=10_000)
    body = scene.truth.body(source_id)
    scene.station.reset()
    scene.station.fault(path_contains="$value", hops=2, redirect_to=elsewhere.serve("/f", gives))

    [file] = await scene.staged()

    assert (file.state, file.attempts) == (STAGED, 2)
    assert seen == [None, "bytes=5000-"]
    scene.assert_holds(source_id)


@pytest.mark.parametrize("s3", ["s3"], indirect=True)
@pytest.mark.parametrize("code", ["InternalError", "SlowDown"])
@pytest.mark.parametrize("size", [1000, SIZE], ids=["one request", "an upload"])
async def test_a_store_that_fails_now_and_then_is_asked_again(scene: Scene, s3: FaultS3, code: str, size: int) -> None:
    status = 503 if code == "SlowDown" else 500
    for operation in (Operation.PUT, Operation.BEGIN, Operation.PART, Operation.COMPLETE, Operation.HEAD):
        s3.faults.append(Fault(operation, times=2, after=1, status=status, code=code))
    files = [scene.add(f"S1A_AUX_{number}.EOF", size) for number in range(3)]
    scene.station.reset()

    outcomes = await scene.staged()

    assert {file.state for file in outcomes} == {STAGED}
    assert len(scene.station.downloads()) == len(files)
    scene.assert_holds(*files)


@pytest.mark.parametrize("s3", ["s3"], indirect=True)
@pytest.mark.parametrize("code", ["InternalError", "SlowDown"])
@pytest.mark.parametrize("size", [1000, SIZE], ids=["one request", "an upload"])
async def test_a_store_that_fails_for_good_holds_nothing_half_and_the_next_run_stages_the_files(
    scene: Scene, s3: FaultS3, code: str, size: int
) -> None:
    key = scene.add(size=size)
    scene.station.reset()
    status = 503 if code == "SlowDown" else 500
    operation = Operation.PUT if size < SIZE else Operation.PART
    # The first and the last of the requests that put something are for the partition's documents.
    times = 4 if operation is Operation.PUT else 1000
    s3.faults.append(Fault(operation, after=operation is Operation.PUT, times=times, status=status, code=code))

    [file] = await scene.staged()

    assert (file.state, file.attempts) == (FAILED, 1)
    assert "object store" in (file.reason or "")
    scene.assert_holds()
    s3.faults.clear()
    [file] = await scene.staged()
    assert file.state is STAGED
    scene.assert_holds(key)


async def test_a_name_that_the_catalogue_refuses_is_staged_and_stays_outstanding(scene: Scene) -> None:
    source_id = scene.add("S1A_#&?.EOF", 1000)

    [file] = await scene.staged()

    assert file.state is STAGED
    [object_key] = scene.installation.objects()
    assert source_of(object_key) == source_id
    assert scene.installation.catalogued() == {}
    [failure] = scene.installation.platform.outcomes.outstanding("adgs")
    assert "refuse" in (failure.file.reason or "")


async def test_a_lie_that_is_borne_is_staged_once_and_recorded_with_the_true_figures(scene: Scene) -> None:
    lies: dict[str, Any] = {"ContentLength": str(SIZE - 7), "Checksum": WRONG_SUM}
    source_id = scene.add(**lies)
    [first] = await scene.staged(**BEARING)
    scene.station.reset()

    [second] = await scene.staged(**BEARING)

    assert (first.state, second.state) == (STAGED, FileState.PRESENT)
    assert len(first.warnings) == 2
    assert scene.station.downloads() == []
    body = scene.truth.body(source_id)
    [item] = scene.installation.platform.catalog.search()
    [asset] = item.assets.values()
    assert asset.extra_fields["file:size"] == first.size == len(body)
    stated = Digest.from_multihash(asset.extra_fields["file:checksum"])
    hasher = stated.algorithm.hasher()
    hasher.update(body)
    assert stated.hex == hasher.hexdigest()
    assert asset.extra_fields["file:checksum"] == first.checksum
    [record] = scene.installation.platform.transfers.of([str(first.key)]).values()
    assert (record.file.size, record.file.checksum) == (first.size, first.checksum)
