"""Reads from the source who imports whom in the package, and says which of it goes upwards, sideways or in circles."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "rs_assets"

LEVELS: tuple[frozenset[str], ...] = (
    frozenset({"cli"}),
    frozenset({"definitions", "compat"}),
    frozenset({"defs"}),
    frozenset({"sessions"}),
    frozenset({"requests"}),
    frozenset({"ingest", "reports"}),
    frozenset({"staging", "catalog"}),
    frozenset({"stations"}),
    frozenset({"selection", "state", "store"}),
    frozenset({"locks"}),
    frozenset({"items"}),
    frozenset({"settings"}),
    frozenset({"policies"}),
    frozenset({"errors", "interruption"}),
)
"""The parts of the package, the uppermost first; each may import those of lower levels."""

FORBIDDEN: Mapping[str, frozenset[str]] = {"catalog": frozenset({"stations", "state"})}
"""What a part may not import though it lies lower."""

APART = frozenset({"simulator"})
"""Parts that import nothing of the package outside themselves; only the uppermost level starts them."""

DAGSTER_PARTS = frozenset({"cli", "definitions", "defs"})
"""The parts that may import dagster; all others are a plain library."""


@dataclass(frozen=True, order=True)
class Import:
    """One import: which module imports which, and where."""

    importer: str
    imported: str
    line: int

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.imported}"


def modules_of(root: Path) -> dict[str, Path]:
    """The modules of the package at `root`, by dotted name."""
    return {_module_name(root, path): path for path in sorted(root.rglob("*.py"))}


def imports_of(modules: Mapping[str, Path]) -> list[Import]:
    """Every import of the modules, those inside functions and for type checking included."""
    return sorted({found for name, path in modules.items() for found in _imports_in(name, path, modules)})


def misplaced_parts(modules: Iterable[str]) -> list[str]:
    """The parts that stand on no level."""
    placed = frozenset().union(*LEVELS) | APART
    return [
        f"{PACKAGE}.{part} stands on no level: give it one in LEVELS of tests/house.py, below all that import it and "
        "above all that it imports"
        for part in sorted({_part(module) for module in modules} - placed - {""})
    ]


def wrong_directions(imports: Iterable[Import]) -> list[str]:
    """The imports within the package that do not go downwards."""
    return [f"{found}, which is not below it" for found in imports if _is_ours(found) and not _goes_down(found)]


def dagster_outside(imports: Iterable[Import]) -> list[str]:
    """The imports of dagster where a plain library is wanted."""
    return [
        f"{found}; only {', '.join(sorted(DAGSTER_PARTS))} may"
        for found in imports
        if found.imported.split(".")[0].startswith("dagster") and _part(found.importer) not in DAGSTER_PARTS
    ]


def cycles(imports: Iterable[Import]) -> list[str]:
    """The circles in which modules import each other, each once."""
    graph: dict[str, set[str]] = {}
    for found in imports:
        if _is_ours(found) and found.importer != found.imported:
            graph.setdefault(found.importer, set()).add(found.imported)
    circles = {_turned(circle) for module in graph if (circle := _circle_through(module, graph))}
    return [" → ".join([*circle, circle[0]]) for circle in sorted(circles)]


def _module_name(root: Path, path: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join((PACKAGE, *(parts[:-1] if parts[-1] == "__init__" else parts)))


def _imports_in(name: str, path: Path, modules: Mapping[str, Path]) -> Iterator[Import]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(name, alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            base = _base(name, path, node)
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield Import(name, inner if inner in modules else base, node.lineno)


def _base(name: str, path: Path, node: ast.ImportFrom) -> str:
    """The module that ``from … import`` names, a relative one made absolute."""
    if not node.level:
        return node.module or ""
    package = name.split(".") if path.stem == "__init__" else name.split(".")[:-1]
    above = package[: len(package) - node.level + 1]
    return ".".join([*above, node.module] if node.module else above)


def _part(module: str) -> str:
    """The package's part that a module belongs to; empty for the package itself and for foreign modules."""
    names = module.split(".")
    return names[1] if names[0] == PACKAGE and len(names) > 1 else ""


def _is_ours(found: Import) -> bool:
    return found.imported.split(".")[0] == PACKAGE


def _goes_down(found: Import) -> bool:
    importer, imported = _part(found.importer), _part(found.imported)
    if importer == imported:
        return True
    if imported in APART:
        return importer in LEVELS[0]
    if importer in APART or imported in FORBIDDEN.get(importer, frozenset()):
        return False
    return _level(importer) < _level(imported)


def _level(part: str) -> int:
    return next((level for level, parts in enumerate(LEVELS) if part in parts), -1)


def _circle_through(start: str, graph: Mapping[str, set[str]]) -> tuple[str, ...] | None:
    """The shortest way from a module back to itself."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen = {start}
    for way in ways:
        for following in sorted(graph.get(way[-1], ())):
            if following == start:
                return way
            if following not in seen:
                seen.add(following)
                ways.append((*way, following))
    return None


def _turned(circle: tuple[str, ...]) -> tuple[str, ...]:
    """The circle told from its first module in the alphabet."""
    first = circle.index(min(circle))
    return circle[first:] + circle[:first]
