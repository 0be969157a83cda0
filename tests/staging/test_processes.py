"""Processes that die, race each other, or run out of disk: what is left in the store."""

import asyncio
import json
import logging
import os
import re
import shutil
import socket
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import rs_assets
from rs_assets.items.files import FileRecord, FileState
from rs_assets.settings import Timeouts
from rs_assets.store.directory_sink import DirectorySink

from .fault_station import FaultStation, Reply
from .rig import content, files_in, stage, transfer_of

PROGRAM = [sys.executable, str(Path(__file__).with_name("process.py"))]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(rs_assets.__file__).parents[1])}
BODY = os.urandom(4_000_000)


def order(station: FaultStation, root: Path, *transfers: FileRecord, **timeouts: float) -> str:
    entries = [
        {
            "key": t.object_key,
            "href": t.source_href,
            "size": t.stated_size,
            "checksum": t.stated_digests[0].multihash,
        }
        for t in transfers
    ]
    return json.dumps({"url": station.url(), "root": str(root), "transfers": entries, "timeouts": timeouts})


async def started(*command: str) -> Process:
    return await asyncio.create_subprocess_exec(*command, stdout=PIPE, env=ENVIRONMENT)


async def results(process: Process) -> tuple[list[dict[str, Any]], list[str]]:
    """The outcomes, and the files that are left in the store."""
    output, _ = await asyncio.wait_for(process.communicate(), 10)
    found = json.loads(output.decode().splitlines()[-1])
    return found["outcomes"], found["left"]


async def begun(process: Process) -> None:
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 10) == b"begun\n"


async def moving(process: Process) -> None:
    await begun(process)
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 10) == b"moving\n"


async def test_a_killed_process_leaves_nothing_visible_and_the_next_start_cleans_up(
    station: FaultStation, sink: DirectorySink, root: Path
) -> None:
    transfer = transfer_of(BODY, station.serve("/f", Reply(BODY, hold_at=3_000_000)))
    process = await started(*PROGRAM, order(station, root, transfer))
    await moving(process)
    (part,) = files_in(root)
    assert part.startswith(".parts/")
    await sink.tidy()
    assert files_in(root) == [part], "a live process lost its part"

    process.kill()
    await process.wait()
    assert await sink.find(transfer.object_key) is None
    assert files_in(root) == [part]

    station.release.set()
    (outcome,) = await stage(station, sink, [transfer])
    assert outcome.state is FileState.STAGED
    assert content(outcome.href) == BODY
    assert files_in(root) == [transfer.object_key]


@pytest.mark.parametrize("size", [50_000, len(BODY)])
async def test_two_processes_that_stage_one_key_ask_the_station_once(
    station: FaultStation, root: Path, size: int
) -> None:
    body = BODY[:size]
    transfer = transfer_of(body, station.serve("/f", Reply(body, late=True)))
    processes = [await started(*PROGRAM, order(station, root, transfer)) for _ in range(2)]
    for process in processes:
        await begun(process)
    await asyncio.wait_for(station.crowded.wait(), 10)
    station.release.set()
    ((one,), _), ((other,), _) = [await results(process) for process in processes]
    assert {one["state"], other["state"]} == {"staged", "present"}
    assert one["href"] == other["href"]
    assert content(one["href"]) == body
    assert len(station.requests) == 1
    assert files_in(root) == [transfer.object_key]


async def test_a_writer_that_fails_leaves_the_object_to_the_one_that_waits_for_it(
    station: FaultStation, root: Path
) -> None:
    replies = Reply(status=403, late=True), Reply(BODY)
    transfer = transfer_of(BODY, station.serve("/f", *replies))
    processes = [await started(*PROGRAM, order(station, root, transfer)) for _ in range(2)]
    for process in processes:
        await begun(process)
    await asyncio.wait_for(station.crowded.wait(), 10)
    station.release.set()
    ((one,), _), ((other,), _) = [await results(process) for process in processes]
    assert {one["state"], other["state"]} == {"staged", "failed"}
    assert (root / transfer.object_key).read_bytes() == BODY
    assert files_in(root) == [transfer.object_key]


async def test_an_object_that_hangs_in_another_process_is_waited_for_no_longer_than_a_slot(
    station: FaultStation, sink: DirectorySink, root: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    taken = transfer_of(BODY, station.serve("/f", Reply(BODY, hold_at=3_000_000)))
    free = transfer_of(BODY, station.serve("/g", Reply(BODY)), "s1_aux/B/uuid-2/B.zip")
    hanging = await started(*PROGRAM, order(station, root, taken))
    await moving(hanging)
    writes = f"process {hanging.pid} on {socket.gethostname()} since 20.* is writing {taken.object_key} just now"

    monkeypatch.setattr("rs_assets.staging.engine._SAY_AFTER_S", 0.1)
    with caplog.at_level(logging.INFO, "rs_assets.staging.engine"):
        failed, staged = await stage(station, sink, [taken, free], concurrency=1, timeouts=Timeouts(slot=0.5))
    assert (failed.state, staged.state) == (FileState.FAILED, FileState.STAGED)
    assert re.fullmatch(writes + ", and was waited for \\d s; timeouts.slot says how long", str(failed.reason))
    (line,) = caplog.messages
    assert re.fullmatch(rf"waiting for \d s: {writes}", line)
    assert len(station.asked("/f")) == 1

    other = await started(*PROGRAM, order(station, root, taken, slot=0.2))
    (from_outside,), _ = await results(other)
    assert re.match(writes, from_outside["reason"])
    hanging.kill()
    await hanging.wait()


@pytest.mark.parametrize("chunked", [False, True], ids=["size known", "size unknown"])
async def test_a_full_disk_fails_fast_and_keeps_no_part(station: FaultStation, tmp_path: Path, chunked: bool) -> None:
    small_disk = _small_disk()
    transfers = [
        transfer_of(BODY, station.serve(f"/{n}", Reply(BODY, chunked=chunked)), f"c/{n}/1/f") for n in range(3)
    ]
    if chunked:
        transfers = [replace(t, stated_size=None) for t in transfers]
    process = await started(*small_disk, str(tmp_path), *PROGRAM, order(station, tmp_path / "store", *transfers))
    outcomes, left = await results(process)
    assert left == []
    assert [outcome["state"] for outcome in outcomes] == ["failed"] * 3
    assert all("No space left on device" in outcome["reason"] for outcome in outcomes)
    assert (outcomes[0]["moved"] > 0) == chunked
    assert len(station.requests) == 1


def _small_disk() -> list[str]:
    """The command that runs another one with a file system of 2 MB at a directory, seen by that one alone."""
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-rm", "true"], check=False, capture_output=True).returncode:
        pytest.skip("this user may not make a file system")
    return [unshare, "-rm", "sh", "-ec", 'mount -t tmpfs -o size=2m none "$0"; exec "$@"']
