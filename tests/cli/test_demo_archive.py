"""How much the demo shows of an archive whose chunks are large, and how their size is written."""

from pathlib import Path

import click
import pytest

from rs_assets.cli.demo_archive import SMALL, DemoArchive
from rs_assets.cli.sizes import size_in_bytes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("314571600", 314_571_600),
        ("20MB", 20_000_000),
        ("20 MB", 20_000_000),
        ("1.5kB", 1500),
        ("300MiB", 314_572_800),
        ("2g", 2_000_000_000),
        ("7B", 7),
    ],
)
def test_a_size_is_read(text: str, expected: int) -> None:
    assert size_in_bytes(text) == expected


@pytest.mark.parametrize("text", ["", "MB", "-3MB", "20 parsecs", "0", "0.1B", "1e3"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match=r"not a size|less than one byte"):
        size_in_bytes(text)


@pytest.mark.parametrize(
    ("chunk_size", "days", "max_sessions", "every_mission"),
    [(SMALL, 3, None, True), (3_000_000, 1, None, True), (20_000_000, 1, 1, True), (314_571_600, 1, 1, False)],
)
def test_the_larger_the_chunks_the_fewer_sessions(
    chunk_size: int, days: int, max_sessions: int | None, every_mission: bool
) -> None:
    archive = DemoArchive(chunk_size)

    assert (archive.days, archive.max_sessions, archive.every_mission) == (days, max_sessions, every_mission)
    assert (archive.abridged is None) is (chunk_size == SMALL)
    assert ("--max-sessions" in archive.simulator_arguments) is (max_sessions is not None)


def test_a_home_remembers_its_archive_and_refuses_another(tmp_path: Path) -> None:
    assert DemoArchive.of_home(tmp_path, 5_000_000).chunk_size == 5_000_000
    assert DemoArchive.of_home(tmp_path).chunk_size == 5_000_000

    with pytest.raises(click.ClickException, match="5000000 bytes"):
        DemoArchive.of_home(tmp_path, 6_000_000)


def test_a_home_whose_memory_is_broken_says_what_to_remove(tmp_path: Path) -> None:
    DemoArchive.of_home(tmp_path)
    (tmp_path / "demo" / "archive.json").write_text("{")

    with pytest.raises(click.ClickException, match="remove its directory"):
        DemoArchive.of_home(tmp_path)


def test_a_demo_larger_than_the_disk_is_refused(tmp_path: Path) -> None:
    with pytest.raises(click.ClickException, match="GB are free"):
        DemoArchive(10**12).require_room(tmp_path)
