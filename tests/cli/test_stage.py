"""`rs-assets stage`, as an operator runs it."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from rs_assets.cli import cli
from rs_assets.errors import SettingsError
from rs_assets.ingest import Platform
from rs_assets.ingest.publishing import kept_manifest
from rs_assets.items.times import utc_now
from rs_assets.settings import CONFIG_VARIABLE, load_settings
from tests.platform import PASSWORD, PASSWORD_VARIABLE, SimulatedStation, assert_catalogue_is_true, day, settings_text

KEY = "2025-03-01|S1"
COMMAND = [sys.executable, "-c", "from rs_assets.cli import main; main()", "stage"]


@pytest.fixture
def install(station: SimulatedStation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Platform]:
    """Makes the installation that the environment names; `settings` changes keys of its station."""

    def made(**settings: Any) -> Platform:
        path = tmp_path / "settings.yaml"
        path.write_text(settings_text(station.url, **settings))
        monkeypatch.setenv(CONFIG_VARIABLE, str(path))
        monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
        monkeypatch.setenv("COLUMNS", "120")
        return Platform.open(load_settings())

    return made


@pytest.fixture
def installed(install: Callable[..., Platform]) -> Platform:
    """An installation with the usual settings."""
    return install()


def invoke(*arguments: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(cli, ["stage", *arguments])


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a process of its own."""
    result = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert "Traceback" not in result.stderr
    assert PASSWORD not in result.stdout + result.stderr
    return result


def large_product(station: SimulatedStation, key: str, size: int) -> str:
    """Publish one more product in a partition; the path of its file."""
    entity = station.add(
        Name=f"S1A_OPER_AUX_LARGE_{key[:10]}.zip",
        size=size,
        PublicationDate=f"{key[:10]}T10:00:00.000Z",
        Attributes={"platformShortName": "SENTINEL-1", "platformSerialIdentifier": "A", "productType": "AUX_LARGE"},
    )
    return f"Products({entity['Id']})/$value"


def test_a_partition_goes_from_the_station_to_the_catalogue(installed: Platform) -> None:
    result = run("adgs", KEY)

    assert result.returncode == 0, result.stderr
    count = assert_catalogue_is_true(installed)
    assert count > 10
    assert result.stdout.startswith(f"{KEY}: {count} items found; files: {count} staged; ")
    assert result.stdout.endswith(f"; {count} items catalogued\n")
    assert f"1/1 partitions, {count}/{count} files" in result.stderr.splitlines()[-1]


def test_doing_it_again_moves_nothing(installed: Platform, station: SimulatedStation) -> None:
    assert run("adgs", KEY).returncode == 0
    moved = station.downloads()

    again = run("adgs", KEY)

    assert again.returncode == 0
    assert station.downloads() == moved
    assert "in the catalogue already" in again.stdout


def test_neither_help_nor_staging_imports_dagster(installed: Platform) -> None:
    for arguments in (["--help"], ["adgs", KEY, "--limit", "1"]):
        command = [sys.executable, "-X", "importtime", *COMMAND[1:], *arguments]
        result = subprocess.run(command, capture_output=True, text=True, check=True)
        imported = {line.rpartition("|")[2].strip().split(".")[0] for line in result.stderr.splitlines()}
        assert "click" in imported
        assert not imported & {"dagster", "matplotlib"}
        if "--help" in arguments:
            assert not imported & {"aiohttp", "pystac", "rich"}


def test_a_range_of_days_includes_both_its_ends_and_all_missions(installed: Platform) -> None:
    result = invoke("adgs", "--start", "2025-03-02", "--end", "2025-03-03", "--only", "search", "--json")

    document = json.loads(result.stdout)
    assert result.exit_code == 0
    assert [entry["partition"] for entry in document["partitions"]] == [
        f"2025-03-0{day}|{mission}" for day in (2, 3) for mission in ("S1", "S2", "S3", "other")
    ]
    assert {entry["staging"] for entry in document["partitions"]} == {None}


def test_a_station_of_hourly_windows_has_all_hours_of_its_days(install: Callable[..., Platform]) -> None:
    install(window="hour")

    days = ("--start", "2025-03-02", "--end", "2025-03-02", "--mission", "S1")
    result = invoke("adgs", *days, "--only", "search", "--json")

    keys = [entry["partition"] for entry in json.loads(result.stdout)["partitions"]]
    assert (len(keys), keys[0], keys[-1]) == (24, "2025-03-02-00:00|S1", "2025-03-02-23:00|S1")
    assert "expected a key like '2026-11-01-13:00|S1'" in invoke("adgs", KEY).stderr


def test_a_range_ends_with_the_window_that_is_open(installed: Platform) -> None:
    today = datetime.now(UTC).date()

    days = ("--start", str(today), "--end", "2099-01-01", "--mission", "S2")
    result = invoke("adgs", *days, "--only", "search", "--json")

    keys = [entry["partition"] for entry in json.loads(result.stdout)["partitions"]]
    assert keys[0] == f"{today}|S2"
    assert len(keys) <= 2


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "no partitions are given"),
        (["--mission", "S1"], "no partitions are given"),
        (["--start", "2025-03-01"], "--start and --end go together"),
        (["--start", "2025-03-02", "--end", "2025-03-01"], "ends on 2025-03-01, before its start on 2025-03-02"),
        (["--start", "2023-12-31", "--end", "2025-03-01"], "2023-12-31 is before 2024-01-01, the start of adgs"),
        (["--start", "2098-12-31", "--end", "2099-03-01"], "2098-12-31 is in the future"),
        (["--start", "yesterday", "--end", "2025-03-01"], "'yesterday' does not match the format"),
        (
            ["2025-03-01-13:00|S1"],
            "whose windows are one day long; expected a key like '2026-11-01|S1'",
        ),
        (["2025-03-01"], "not a partition of adgs"),
        (["2025-02-30|S1"], "not a partition of adgs"),
        (["2023-12-31|S1"], "is before 2024-01-01"),
        (["2099-01-01|S1"], "2099-01-01|S1 is in the future"),
        (["2025-03-01|S9"], "adgs has no mission 'S9'; it has S1, S2, S3, other"),
        (["--start", "2025-03-01", "--end", "2025-03-01", "--mission", "S9"], "adgs has no mission 'S9'"),
        ([KEY, "--start", "2025-03-01", "--end", "2025-03-01"], "but not both"),
        ([KEY, "--limit", "0"], "--limit"),
        ([KEY, "--retries", "-1"], "--retries"),
        ([KEY, "--only", "everything"], "--only"),
    ],
)
def test_what_cannot_be_meant_is_told_before_the_station_is_asked(
    installed: Platform, station: SimulatedStation, arguments: list[str], complaint: str
) -> None:
    result = invoke("adgs", *arguments)

    assert result.exit_code == 2
    assert complaint in " ".join(result.stderr.split())
    assert result.stdout == ""
    assert station.log() == []


def test_an_unknown_station_is_told_with_those_that_there_are(installed: Platform) -> None:
    result = invoke("nowhere", KEY)

    assert isinstance(result.exception, SettingsError)
    assert str(result.exception) == "there is no station 'nowhere'; the settings have adgs"
    assert run("nowhere", KEY).returncode == 1


def test_files_that_failed_are_listed_with_their_reasons_twenty_at_most(
    installed: Platform, station: SimulatedStation
) -> None:
    station.fault(path_contains="$value", status=403, times=25)

    result = run("adgs", KEY)

    assert result.returncode == 3
    lines = result.stderr.splitlines()
    begin = lines.index("25 files failed:")
    listed = lines[begin + 1 :]
    assert len([line for line in listed if line.startswith(f"  {KEY} ")]) == 20
    assert all("403" in line for line in listed[1:40:2])
    assert listed[-1] == "  and 5 more; see `rs-assets failures list adgs`"
    assert len(installed.outcomes.outstanding("adgs")) == 25

    station.mend()
    assert run("adgs", KEY).returncode == 0
    assert installed.outcomes.outstanding("adgs") == []


def test_a_file_that_was_accepted_as_lost_is_no_failure(installed: Platform, station: SimulatedStation) -> None:
    station.fault(path_contains="$value", status=404, times=1)
    lost = run("adgs", KEY)
    [failure] = installed.outcomes.outstanding("adgs")
    assert lost.returncode == 3

    installed.outcomes.accept("adgs", failure.file.asset, why="too late", at=utc_now())
    station.fault(path_contains="$value", status=404)

    assert run("adgs", KEY).returncode == 0


def test_a_partition_that_failed_holds_no_other_back(installed: Platform, station: SimulatedStation) -> None:
    station.fault(path_contains="Products", query_contains="PublicationDate gt 2025-03-01", status=500)

    result = run("adgs", "2025-03-02|S1", "2025-03-03|S1")

    assert result.returncode == 1
    assert "1 of 2 partitions failed.\n2025-03-02|S1: adgs: " in result.stderr
    assert "2025-03-02|S1: FAILED" in result.stdout
    assert "2025-03-03|S1: " in result.stdout
    assert assert_catalogue_is_true(installed) > 10


def test_refused_credentials_are_one_complaint_without_the_secret(
    installed: Platform, station: SimulatedStation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, "wr0ng-but-secret")

    result = run("adgs", "2025-03-02|S1", "2025-03-03|S1")

    assert result.returncode == 1
    assert "2 of 2 partitions failed." in result.stderr
    assert result.stderr.count("refuses the credentials") == 1
    assert "wr0ng-but-secret" not in result.stdout + result.stderr


def test_credentials_that_are_missing_are_named(installed: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PASSWORD_VARIABLE)

    result = run("adgs", KEY)

    assert result.returncode == 1
    assert PASSWORD_VARIABLE in result.stderr


def test_settings_that_are_wrong_are_told_in_one_message(installed: Platform, tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text("stations: 1")

    result = run("adgs", KEY)

    assert result.returncode == 1
    assert "settings.yaml" in result.stderr


def test_a_state_that_cannot_be_used_is_told_in_one_message(installed: Platform, tmp_path: Path) -> None:
    (tmp_path / "state.sqlite").write_text("this is not a database")

    result = run("adgs", KEY)

    assert result.returncode == 1
    assert "state.sqlite" in result.stderr


def test_json_is_the_only_thing_on_standard_output(installed: Platform, station: SimulatedStation) -> None:
    station.fault(path_contains="$value", status=403, times=1)

    result = run("adgs", KEY, "2025-03-02|S2", "--json")

    document = json.loads(result.stdout)
    assert result.returncode == document["exit_status"] == 3
    first, second = document["partitions"]
    count = first["search"]["found"]
    assert (document["station"], document["interrupted"], document["partitions_left"]) == ("adgs", False, 0)
    assert (first["partition"], first["error"]) == (KEY, None)
    assert first["done"] == ["catalog_items", "search_results", "staged_files"]
    assert (first["staging"]["files"]["staged"], first["staging"]["files"]["failed"]) == (count - 1, 1)
    assert first["staging"]["moved_bytes"] == first["staging"]["verified_bytes"] > 0
    assert first["catalog"]["created"] == count - 1
    [failure] = first["failures"]
    assert (failure["status"], failure["attempts"]) == ("failed", 1)
    assert "403" in failure["reason"]
    assert second["failures"] == []


def test_quiet_prints_what_went_wrong_and_nothing_else(installed: Platform, station: SimulatedStation) -> None:
    good = run("adgs", KEY, "--quiet")
    station.fault(path_contains="$value", status=403, times=1)
    bad = run("adgs", "2025-03-02|S1", "--quiet")

    assert (good.returncode, good.stdout, good.stderr) == (0, "", "")
    assert (bad.returncode, bad.stdout) == (3, "")
    assert bad.stderr.startswith("1 file failed:\n")


def test_the_options_reach_the_engine(installed: Platform, station: SimulatedStation) -> None:
    station.fault(path_contains="$value", status=500)
    failed = json.loads(invoke("adgs", KEY, "--limit", "2", "--retries", "0", "--json").stdout)
    station.mend()
    limited = json.loads(invoke("adgs", KEY, "--limit", "2", "--json").stdout)
    whole = json.loads(invoke("adgs", KEY, "--json").stdout)
    forced = json.loads(invoke("adgs", KEY, "--force", "--json").stdout)

    count = whole["partitions"][0]["search"]["found"]
    assert [entry["attempts"] for entry in failed["partitions"][0]["failures"]] == [1, 1]
    assert limited["partitions"][0]["staging"]["files"]["postponed"] == count - 2
    assert whole["partitions"][0]["staging"]["files"]["staged"] == count - 2
    assert forced["partitions"][0]["staging"]["files"]["present"] == count
    assert forced["partitions"][0]["staging"]["moved_bytes"] == 0


def test_steps_can_be_taken_one_by_one(installed: Platform) -> None:
    for step in ("search", "stage", "publish"):
        assert invoke("adgs", KEY, "--only", step).exit_code == 0

    assert assert_catalogue_is_true(installed) > 10


def test_a_step_whose_forerunner_is_missing_fails_with_what_to_do(installed: Platform) -> None:
    result = invoke("adgs", KEY, "--only", "stage")

    assert result.exit_code == 1
    assert "has not been searched" in result.stderr


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_after_an_interruption_the_next_run_goes_on_from_what_had_come(
    installed: Platform, station: SimulatedStation, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    key = f"2025-04-{number:02}|S1"
    path = large_product(station, key, size := 24 << 20)
    station.fault(path_contains=path, after_bytes=16 << 20, stall_seconds=60, times=1)
    process = subprocess.Popen([*COMMAND, "adgs", key], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        until(lambda: largest_part(tmp_path) >= 15 << 20)
        process.send_signal(number)
        output, errors = process.communicate(timeout=15)
    finally:
        process.kill()

    assert process.returncode == status
    assert "Traceback" not in errors
    assert output.startswith("0 of 1 partition: ")
    assert errors.endswith("interrupted; the next run continues from there\n")

    assert run("adgs", key).returncode == 0
    manifest = kept_manifest(installed, installed.settings.station("adgs"), day(key))
    [large] = [file for file in manifest.files if "LARGE" in file.asset]
    assert large.moved + large.resumed == size
    assert large.resumed >= 8 << 20
    assert manifest.resumed == 1
    assert assert_catalogue_is_true(installed) == len(manifest.files)


def test_two_commands_at_once_share_the_limits_of_the_station(
    install: Callable[..., Platform], station: SimulatedStation
) -> None:
    platform = install(concurrency=2)
    station.fault(path_contains="$value", delay_seconds=0.05)
    keys = ["2025-05-01|S1", "2025-05-02|S1"]
    processes = [subprocess.Popen([*COMMAND, "adgs", key, "--quiet"]) for key in keys]

    assert [process.wait(60) for process in processes] == [0, 0]
    assert station.load()["all"]["peak"] == 2
    assert assert_catalogue_is_true(platform) > 20


def test_on_a_terminal_there_is_a_bar_that_vanishes(installed: Platform) -> None:
    master, slave = pty.openpty()
    process = subprocess.Popen([*COMMAND, "adgs", KEY], stdout=slave, stderr=slave, env={**os.environ, "TERM": "xterm"})
    os.close(slave)
    shown = b""
    try:
        while chunk := os.read(master, 1 << 16):
            shown += chunk
    except OSError:  # the other end is closed
        pass
    os.close(master)

    text = shown.decode()
    assert process.wait(10) == 0
    assert "MB/s" in text
    assert "━" in text
    assert "\x1b[2K" in text[text.rindex("━") :]
    assert f"{KEY}: " in text
    assert " items catalogued" in text
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1


def test_an_interruption_before_the_work_begins_is_no_traceback(
    installed: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Platform, "open", interrupted)

    result = invoke("adgs", KEY)

    assert (result.exit_code, result.output) == (130, "")


def test_a_second_signal_ends_a_clean_up_that_hangs() -> None:
    script = """
import asyncio, sys
from rs_assets.cli.interruption import ending_at_second
from rs_assets.interruption import run_interruptible

async def work():
    print("begun", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        print("cleaning", flush=True)
        await asyncio.Event().wait()

run_interruptible(work(), ending_at_second(lambda: print("told", flush=True)))
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGINT)
        assert [process.stdout.readline() for _ in range(2)] == ["told\n", "cleaning\n"]
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
    finally:
        process.kill()
        process.stdout.close()


def largest_part(directory: Path) -> int:
    """Size of the largest file in the making; a small one may vanish while it is looked at."""
    sizes = [0]
    for path in directory.rglob("*.part"):
        with suppress(FileNotFoundError):
            sizes.append(path.stat().st_size)
    return max(sizes)


def until(condition: Callable[[], bool]) -> None:
    """Wait until another process has made something hold."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
