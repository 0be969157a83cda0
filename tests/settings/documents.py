"""A settings document for the tests of this folder, and small changes of it."""

from pathlib import Path

from rs_assets.settings import InvalidSettingsError, Problem, Settings, parse_settings

DOCUMENT = """\
schema_version: 1
missions:
  S1:
    constellation: sentinel-1
    satellites: [S1A, S1B]
    platform_short_names: [SENTINEL-1]
    name_prefixes: [S1]
store: {kind: directory, path: store}
catalog: {kind: sqlite, path: catalog.sqlite}
state: {url: "sqlite:///state.sqlite"}
stations:
  - name: adgs
    interface: auxip
    url: https://station.example/auxip
    missions: [S1, other]
    start: 2026-01-01
"""


def changed(*changes: tuple[str, str]) -> str:
    """The document with some of its text replaced."""
    text = DOCUMENT
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def with_lines(*lines: str) -> str:
    """The document with further lines at its end, from line 17 on."""
    return DOCUMENT + "".join(f"{line}\n" for line in lines)


def with_station_line(*lines: str) -> str:
    """The document with further lines in its station, from line 17 on."""
    return DOCUMENT + "".join(f"    {line}\n" for line in lines)


def parsed(text: str, base: Path | None = None) -> Settings:
    return parse_settings(text, source="my.yaml", base=base)


def problems_of(text: str) -> list[Problem]:
    """What the loader finds wrong with a document."""
    try:
        parsed(text)
    except InvalidSettingsError as error:
        return error.problems
    return []
