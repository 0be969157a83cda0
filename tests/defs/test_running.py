"""What a run's log says of its progress."""

import re

from rs_assets.defs.running import LoggedProgress
from rs_assets.ingest import PartitionMessage, PartitionReport
from rs_assets.ingest.steps import Ended
from rs_assets.staging.messages import Message, Moved, Paused, Started, Waiting
from tests.defs.runs import Runs
from tests.platform import SimulatedStation, day

DAY = day("2026-11-01|S1")


def told(progress: LoggedProgress, *messages: Message | Ended) -> None:
    """Tell of one partition."""
    for message in messages:
        progress(PartitionMessage(DAY, message))


def test_progress_is_told_only_once_in_a_while_and_the_end_of_every_partition_at_once() -> None:
    lines: list[str] = []
    now = 0.0
    progress = LoggedProgress(lines.append, 1, clock=lambda: now)
    told(progress, Started(2, 40_000_000))
    for _ in range(80):
        now += 0.25
        told(progress, Moved("a", 125_000))
    told(progress, Ended(PartitionReport(DAY, error="the station is down")))

    assert lines == [
        "2026-11-01|S1: staging: 0/2 files, 2.5/40.0 MB, 0.5 MB/s",
        "2026-11-01|S1: staging: 0/2 files, 5.0/40.0 MB, 0.5 MB/s",
        "2026-11-01|S1: staging: 0/2 files, 7.5/40.0 MB, 0.5 MB/s",
        "2026-11-01|S1: staging: 0/2 files, 10.0/40.0 MB, 0.5 MB/s",
        "2026-11-01|S1: FAILED",
    ]


def test_a_long_pause_is_told_when_it_begins_and_once() -> None:
    lines: list[str] = []
    progress = LoggedProgress(lines.append, 1, clock=lambda: 0.0)
    told(progress, Started(2, 2_000_000), Paused(0.5), Paused(60), Paused(60))

    [line] = lines
    figures = r"0/2 files, 0\.0/2\.0 MB, 0\.0 MB/s"
    assert re.fullmatch(
        rf"2026-11-01\|S1: staging; the station is busy, pause of 60 s until \d\d:\d\d:\d\d UTC: {figures}", line
    )


def test_a_wait_for_others_is_told_at_once_with_who_holds_what_is_needed() -> None:
    lines: list[str] = []
    progress = LoggedProgress(lines.append, 1, clock=lambda: 0.0)
    told(progress, Started(2, 2_000_000), Waiting("adgs: no connection for 10 s, since others hold all 4: process 7"))

    assert lines == [
        "2026-11-01|S1: staging; adgs: no connection for 10 s, since others hold all 4: process 7: "
        "0/2 files, 0.0/2.0 MB, 0.0 MB/s"
    ]


def test_the_log_of_a_run_and_the_metadata_have_the_final_figures(runs: Runs, station: SimulatedStation) -> None:
    station.fault(path_contains="$value", status=500, times=1)

    result = runs.materialize("2026-10-01|S1")

    metadata = runs.materialized("staged_files")["2026-10-01|S1"].metadata
    count = metadata["staged"].value
    messages = [entry.user_message for entry in runs.instance.all_logs(result.run_id)]
    [line] = [message for message in messages if message.startswith("2026-10-01|S1: ")]
    assert line.startswith(f"2026-10-01|S1: {count} items found; files: {count} staged; ")
    assert line.endswith(f" MB/s), 1 retry; {count} items catalogued")
    assert (metadata["retries"].value, metadata["resumed"].value) == (1, 0)
    for name in ("seconds", "mb_per_second", "moved_mb"):
        assert float(str(metadata[name].value)) > 0
