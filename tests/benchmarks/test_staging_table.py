"""The staging benchmark in its short form: that it works, not what its figures are."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.servers import ServerError, object_store
from tests.benchmarks.staging.__main__ import main
from tests.benchmarks.staging.ground import Ground, Place
from tests.benchmarks.staging.measuring import PeerError
from tests.benchmarks.staging.peers import (
    Curl,
    Ours,
    RcloneCopy,
    ReferencePattern,
    Side,
    nginx_missing,
    program_missing,
    rclone_missing,
    reference_missing,
)
from tests.benchmarks.staging.rows import Goal, rows
from tests.benchmarks.staging.workloads import Recipe

needs_nginx = pytest.mark.skipif(nginx_missing() is not None, reason=str(nginx_missing()))


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with Ground(quick=True, rounds=1, disk=tmp_path_factory.mktemp("disk")) as ground:
        yield ground


@needs_nginx
def test_every_row_gives_figures_or_says_why_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = tmp_path / "table.json"

    status = main(["--quick", "--json", str(result), "--disk", str(tmp_path)])

    document = json.loads(result.read_text())
    assert [row["reason"] for row in document["rows"] if row["failed"]] == []
    assert status == 0
    assert [row["name"] for row in document["rows"]] == [row.name for row in rows(quick=True)]
    printed = capsys.readouterr().out
    for row in document["rows"]:
        assert row["name"] in printed
        assert _is_measured(row) or row["reason"]
    assert list(tmp_path.iterdir()) == [result]


@needs_nginx
@pytest.mark.parametrize(
    ("side", "place", "missing"),
    [
        pytest.param(Ours(algorithm="blake3"), Place.DISK, None, id="ours"),
        pytest.param(Curl(verified=True, synced=True), Place.DISK, program_missing("curl")(), id="curl"),
        pytest.param(Curl(parallel=1, location="capped"), Place.DISK, program_missing("curl")(), id="one connection"),
        pytest.param(RcloneCopy(), Place.S3, rclone_missing(), id="rclone"),
        pytest.param(ReferencePattern(), Place.S3, rclone_missing() or reference_missing(), id="reference pattern"),
    ],
)
def test_a_side_moves_the_very_bytes(ground: Ground, side: Side, place: Place, missing: str | None) -> None:
    if missing:
        pytest.skip(missing)
    files = ground.workload("A").files[:3]

    with ground.target(place) as target:
        measured = side.run(ground, files, target)

        target.check(files)
        moved = {path.name: path.read_bytes() for path in target.directory.rglob("*.raw")}
    assert moved == {Path(file.path).name: (ground.served / file.path).read_bytes() for file in files}
    assert measured.files == 3
    assert measured.wall > 0
    assert measured.cpu > 0


@needs_nginx
def test_a_side_that_moves_too_little_gives_no_figures(ground: Ground) -> None:
    files = ground.workload("A").files[:2]

    with ground.target(Place.DISK) as target:
        (target.directory / "half").write_bytes(bytes(files[0].size))

        with pytest.raises(PeerError, match="1 files of"):
            target.check(files)


@needs_nginx
def test_our_engine_gives_no_figures_where_a_checksum_is_wrong(ground: Ground) -> None:
    file = ground.workload("A").files[0]
    path = ground.served / file.path
    whole = path.read_bytes()
    path.write_bytes(bytes(file.size))
    try:
        with ground.target(Place.DISK) as target, pytest.raises(PeerError, match="checksum"):
            Ours(algorithm="md5").run(ground, [file], target)
    finally:
        path.write_bytes(whole)


@needs_nginx
def test_a_killed_process_has_moved_what_it_says(ground: Ground) -> None:
    file = ground.workload("C").files[0]
    side = Ours(algorithm="blake3", location="logged")

    with ground.target(Place.DISK) as target:
        killed_at = side.stage(ground, [file], target, kill_at=file.size // 2)["killed_at"]
        offset = ground.station.idle_log_size()
        first = ground.station.bytes_logged()
        side.stage(ground, [file], target)
        ground.station.idle_log_size()

    assert file.size // 2 <= killed_at <= first <= file.size
    assert file.size - first <= ground.station.bytes_logged(offset) <= file.size


@needs_nginx
def test_a_row_whose_peer_is_not_installed_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = tmp_path / "table.json"

    status = main(["--quick", "--only", "B-blake3-cpu", "B-md5-disk", "--json", str(result), "--disk", str(tmp_path)])

    assert status == 0
    reasons = {row["name"]: row["reason"] for row in json.loads(result.read_text())["rows"]}
    assert reasons == {
        "B-md5-disk": "curl is not installed; md5sum is not installed",
        "B-blake3-cpu": "curl is not installed",
    }


@needs_nginx
@pytest.mark.parametrize("place", list(Place))
def test_a_workload_that_does_not_fit_says_so(ground: Ground, place: Place) -> None:
    petabyte = Recipe("Z", "one file too many", (10**15,))

    assert "GB are needed in" in str(ground.lacking_room(petabyte, place))
    assert ground.lacking_room(ground.recipes["A"], place) is None


@needs_nginx
def test_an_interrupted_benchmark_leaves_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.benchmarks.staging", "--quick", "--rounds", "1000"]
    process = subprocess.Popen(
        [*command, "--only", "A-md5-tmpfs", "A-md5-disk", "--disk", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        text=True,
    )
    try:
        assert process.stdout is not None
        assert "1/2" in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        # A child that waits for a slow disk cannot be ended before that answers.
        said, _ = process.communicate(timeout=300)
    finally:
        process.kill()
        process.wait()

    assert process.returncode == 130, said
    assert "interrupted" in said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_a_row_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "Z-md5"]) == 2
    assert "no such row: Z-md5" in capsys.readouterr().out


def test_an_object_store_that_does_not_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "rclone"
    program.write_text("#!/bin/sh\necho 'bad flag' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr("tests.benchmarks.servers.rclone_program", lambda: str(program))

    with pytest.raises(ServerError, match="bad flag"), object_store(tmp_path, tmp_path):
        pass


def test_a_goal_is_met_on_its_own_side_only() -> None:
    assert Goal(2).met(2)
    assert not Goal(2).met(2.1)
    assert Goal(3, at_least=True).met(3)
    assert not Goal(3, at_least=True).met(2.9)


def _is_measured(row: dict[str, Any]) -> bool:
    return row.get("value", 0) > 0 and all(figure > 0 for figures in row["rounds"].values() for figure in figures)
