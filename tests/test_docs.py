"""The documentation is true: links lead somewhere, what it names exists, and its examples run."""

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

import rs_assets
from rs_assets.cli import cli
from rs_assets.selection import JobInterval, candidates, rules
from rs_assets.settings import Settings, interface_names, load_interface
from rs_assets.simulator.__main__ import main as simulator_main
from tests.selection.samples import clock, file
from tests.settings.documents import DOCUMENT
from tests.third_party import describe_package, served

ROOT = Path(rs_assets.__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
EXTENDING = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")

_LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(#[^)\s]*)?\)")
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_COMMAND = re.compile(r"rs-assets ((?:[a-z]+(?:-[a-z]+)* ?)+)([^\n`|]*)")
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
_MODULE = re.compile(r"(?:rs_assets|tests)(?:[./]\w+)+(?:\.py|\.yaml)?/?")


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """The headings of a page as they are linked to."""
    headings = re.findall(r"^#+ (.*)$", _BLOCK.sub("", text_of(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for target, anchor in _LINK.findall(_BLOCK.sub("", text_of(page))):
        place = page.parent / target if target else page
        assert place.exists(), target
        assert not anchor or anchor[1:] in anchors(place), f"{target}{anchor}"


def test_the_readme_leads_to_every_page() -> None:
    linked = {target for target, _ in _LINK.findall(text_of(PAGES[0]))}

    assert linked >= {f"docs/{page.name}" for page in PAGES[1:]}


def test_the_readme_begins_with_the_demo_and_the_tests() -> None:
    demo, tests = [body for language, body in _BLOCK.findall(text_of(PAGES[0])) if language == "sh"][:2]

    assert demo.strip().endswith("rs-assets demo")
    assert tests.strip().endswith("-m pytest")


def commands(group: click.Group, *above: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command of the command line, by its words."""
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        yield (*above, name), command
        if isinstance(command, click.Group):
            yield from commands(command, *above, name)


COMMANDS = dict(commands(cli))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_is_named_exists_and_has_its_options(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        simulator_main(["--help"])
    of_simulator = set(_OPTION.findall(capsys.readouterr().out))
    text = text_of(page).replace("\\\n", " ")
    for words, rest in _COMMAND.findall(text):
        named = tuple(words.split())
        command = next((named[:n] for n in range(len(named), 0, -1) if named[:n] in COMMANDS), None)
        assert command is not None, f"rs-assets {words}"
        assert command == named or not isinstance(COMMANDS[command], click.Group), f"rs-assets {words}"
        has = {option for parameter in COMMANDS[command].params for option in parameter.opts} | {"--help"}
        used = set(_OPTION.findall(rest.partition("#")[0]))
        assert used <= (of_simulator if command == ("simulator",) else has), f"rs-assets {words}{rest}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_module_and_file_that_is_named_exists(page: Path) -> None:
    for code in _CODE.findall(_BLOCK.sub("", text_of(page))) + re.findall(r"python -m (\S+)", text_of(page)):
        for name in _MODULE.findall(code):
            assert exists(name), name


def exists(name: str) -> bool:
    """Whether a path of the checkout, a module, or a name of a module is there."""
    if "/" in name or name.endswith((".py", ".yaml")):
        return (ROOT / name).exists()
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        path = ROOT.joinpath(*parts[:length])
        if path.is_dir() or path.with_suffix(".py").exists():
            return length == len(parts) or hasattr(import_module(".".join(parts[:length])), parts[length])
    return name == "rs_assets.interfaces"  # the entry point group


def setting_names() -> set[str]:
    """Every key of the settings, of whatever depth and interface."""
    pending: list[Any] = [Settings.model_json_schema()]
    pending += [load_interface(name).settings.model_json_schema() for name in interface_names()]
    found: set[str] = set()
    while pending:
        part = pending.pop()
        if isinstance(part, dict):
            found |= set(part.get("properties", {}))
            pending += part.values()
        elif isinstance(part, list):
            pending += part
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_setting_that_is_named_exists(page: Path) -> None:
    known = setting_names()
    for name in settings_in(text_of(page)):
        assert name in known, name


def settings_in(text: str) -> Iterator[str]:
    """The keys in the first column of tables of settings, and those of examples in YAML."""
    for table in re.findall(r"^\| the \w+'s setting \|.*\n(?:\|.*\n)+", text, re.MULTILINE):
        for row in table.splitlines()[2:]:
            yield from _CODE.findall(row.split("|")[1])
    for language, body in _BLOCK.findall(text):
        if language == "yaml":
            yield from keys_of(yaml.safe_load(body))


def keys_of(value: Any) -> Iterator[str]:
    """The keys of an example, but for names that are its own: those of missions, and what a secret is read from."""
    if isinstance(value, list):
        for part in value:
            yield from keys_of(part)
    if isinstance(value, dict):
        for key, part in value.items():
            if not re.fullmatch("S[0-9]P?", key) and key not in {"env", "file", "listing"}:
                yield key
            yield from keys_of(part)


def example(name: str) -> str:
    """A file of docs/extending.md."""
    found = re.search(rf"^`{re.escape(name)}`:\n\n```\w+\n(.*?)^```$", EXTENDING, re.MULTILINE | re.DOTALL)
    assert found is not None, name
    return found[1]


@pytest.fixture
def bulletin(tmp_path: Path) -> Iterator[str]:
    """The URL of a station with two products of one day, of which one has been changed on its way."""
    directory = tmp_path / "station"
    directory.mkdir()
    products = []
    for name, content, listed in (("S1A_GOOD.EOF", b"good", b"good"), ("S1A_BAD.EOF", b"bad", b"was")):
        (directory / name).write_bytes(content)
        facts = {"size": len(listed), "md5": hashlib.md5(listed).hexdigest(), "published": "2026-11-01T10:00:00Z"}
        products.append({"id": f"key-{name}", "name": name} | facts)
    (directory / "products.json").write_text(json.dumps({"products": products}))
    with served(directory) as url:
        yield url


def test_the_interface_of_the_documentation_is_searched_staged_and_catalogued(bulletin: str, tmp_path: Path) -> None:
    (tmp_path / "rs_bulletin").mkdir()
    for name in ("rs_bulletin/__init__.py", "rs_bulletin/search.py"):
        (tmp_path / name).write_text(example(name))
    entry = re.search(r'"(.*?)"\]\n(.*)', example("pyproject.toml"))
    assert entry is not None
    describe_package(tmp_path, "rs_bulletin", f"[{entry[1]}]\n{entry[2].replace(chr(34), '')}\n")
    station = example("settings.yaml").replace("https://gazette.example.org/data", bulletin)
    (tmp_path / "settings.yaml").write_text(DOCUMENT.partition("stations:")[0] + "stations:\n" + station)

    result = subprocess.run(
        [
            sys.executable,
            "-c",
            "from rs_assets.cli import main; main()",
            "stage",
            "gazette",
            "2026-11-01|S1",
            "--json",
            "--quiet",
        ],
        env=os.environ
        | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}", "RS_ASSETS_CONFIG": str(tmp_path / "settings.yaml")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 3, result.stderr
    [partition] = json.loads(result.stdout)["partitions"]
    assert partition["search"]["found"] == 2
    files = partition["staging"]["files"]
    assert {state: count for state, count in files.items() if count} == {"staged": 1, "failed": 1}
    assert partition["catalog"]["created"] == 1
    assert [path.read_bytes() for path in (tmp_path / "store").rglob("S1A_*.EOF")] == [b"good"]


def executed(name: str) -> dict[str, Any]:
    """The names that an example defines."""
    names: dict[str, Any] = {}
    exec(compile(example(name), name, "exec"), names)
    return names


async def test_the_store_of_the_documentation_keeps_objects_and_documents() -> None:
    store = executed("memory_store.py")["open_memory"]()

    store.documents.write("inbox/a.json", {"a": 1})

    assert store.documents.read("inbox/a.json") == {"a": 1}
    assert store.documents.names("inbox") == ["a.json"]
    assert store.documents.read("inbox/b.json") is None
    assert await store.sink.find("s1_aux/a/b/c") is None


def test_the_policy_of_the_documentation_chooses_the_file_that_was_generated_first() -> None:
    start, end = clock("10:00"), clock("11:00")
    interval = JobInterval.of(start, end, timedelta(0), timedelta(0))
    found = candidates(
        [
            file("NEW", clock("9:00"), clock("12:00"), generated=clock("8:30")),
            file("OLD", clock("9:00"), clock("12:00"), generated=clock("8:00")),
            file("SHORT", clock("10:30"), clock("12:00"), generated=clock("7:00")),
        ]
    )

    chosen = executed("earliest.py")["earliest"](rules.covering(found, interval), interval)

    assert [candidate.item.id for candidate in chosen] == ["OLD"]
