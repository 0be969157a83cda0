"""Reads from the source what breaks the rules of the house.

Who imports whom, upwards, sideways or in circles; where kinds are told apart; where transactions are open; what writes
what is stored.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PACKAGE = "rs_assets"

LEVELS: tuple[frozenset[str], ...] = (
    frozenset({"cli"}),
    frozenset({"definitions", "compat"}),
    frozenset({"defs"}),
    frozenset({"sessions", "upkeep"}),
    frozenset({"requests"}),
    frozenset({"ingest", "reports"}),
    frozenset({"staging", "catalog"}),
    frozenset({"stations"}),
    frozenset({"selection", "state", "store"}),
    frozenset({"locks"}),
    frozenset({"items"}),
    frozenset({"settings"}),
    frozenset({"policies", "revisions"}),
    frozenset({"errors", "interruption"}),
)
"""The parts of the package, the uppermost first; each may import those of lower levels."""

FORBIDDEN: Mapping[str, frozenset[str]] = {"catalog": frozenset({"stations", "state"})}
"""What a part may not import though it lies lower."""

APART = frozenset({"simulator"})
"""Parts that import nothing of the package outside themselves; only the uppermost level starts them."""

DAGSTER_PARTS = frozenset({"cli", "definitions", "defs"})
"""The parts that may import dagster; all others are a plain library."""

OPENERS = frozenset(
    {
        "rs_assets.store.opening",
        "rs_assets.catalog",
        "rs_assets.state.opening",
        "rs_assets.locks.opening",
    }
)
"""The modules that open what the settings name, and alone tell its kinds apart."""

REGISTRIES = frozenset({"rs_assets.settings.interfaces", "rs_assets.compat"})
"""The modules that name interfaces: where they are registered, and the reference system's words for them."""

ROOMS_OF_KINDS = frozenset({"store", "catalog", "state", "locks"})
"""The rooms with several implementations of one thing, or to have them."""

MAX_LINES = 400
"""Lines of a module."""


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


def kinds_told_apart(modules: Mapping[str, Path], kinds: Iterable[str]) -> list[str]:
    """Where a kind of store, catalogue, state or locks is told apart outside of what opens it.

    Args:
        modules: the package's.
        kinds: the classes of the settings, by name, each of which stands for one kind.
    """
    names = frozenset(kinds)
    return [
        f"{name}:{line} {what}; kinds are told apart only by {', '.join(sorted(OPENERS))}"
        for name, path in modules.items()
        if _part(name) not in {"settings", *APART} and name not in OPENERS
        for line, what in _kind_tests(name, _tree(path), names)
    ]


def transactions_outside_state(modules: Mapping[str, Path]) -> dict[str, int]:
    """The functions outside the rooms of state and locks that open a transaction of a database, each with a line.

    The rooms themselves lie below what asks stores, catalogues and stations, or beside it, so that a transaction that
    is opened within them ends before anything of those is asked.
    """
    own = {"transaction": {"state", "locks", *APART}, "reading": {"state", "catalog", *APART}}
    return {
        f"{name}.{function}": line
        for name, path in modules.items()
        for call, rooms in own.items()
        if _part(name) not in rooms
        for function, line in _calls_of(call, _tree(path))
    }


def interfaces_named_outside(modules: Mapping[str, Path], interfaces: Iterable[str]) -> list[str]:
    """The modules that name an interface elsewhere than in its folder, in the registry or in the simulator."""
    spellings = {name: f"(?<![A-Za-z])({name}|{name.upper()}|{name.capitalize()})" for name in sorted(interfaces)}
    return [
        f"{module} names {interface}"
        for module, path in modules.items()
        if module not in REGISTRIES and _part(module) not in APART
        for interface, spelling in spellings.items()
        if not f"{module}.".startswith(f"{PACKAGE}.stations.{interface}.")
        and re.search(spelling, path.read_text(encoding="utf-8"))
    ]


def long_modules(modules: Mapping[str, Path]) -> list[str]:
    """The modules that are too long to be read at once."""
    lengths = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in modules.items()}
    return [f"{name} has {count} lines, at most {MAX_LINES}" for name, count in lengths.items() if count > MAX_LINES]


def writers(modules: Mapping[str, Path]) -> set[str]:
    """The modules that write documents of the store, or files of their own."""
    return {
        name
        for name, path in modules.items()
        if _part(name) not in APART and any(_writes(node) for node in ast.walk(_tree(path)))
    }


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


def _kind_tests(module: str, tree: ast.AST, kinds: frozenset[str]) -> Iterator[tuple[int, str]]:
    origins = _origins(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare | ast.Match):
            operands = [node.left, *node.comparators] if isinstance(node, ast.Compare) else [node.subject]
            yield from ((node.lineno, f"asks for {text}") for each in operands if (text := _kind_of(each)))
        for name in _tested_classes(node):
            room = _part(origins.get(name, ""))
            is_foreign = room in ROOMS_OF_KINDS and room != _part(module) and not name.endswith("Error")
            if is_foreign or name in kinds:
                yield getattr(node, "lineno", 0), f"tests for {name}"


def _kind_of(node: ast.expr) -> str:
    """The text of ``….store.kind``, or of what asks a URL for its database; empty for anything else."""
    text = ast.unparse(node)
    is_kind = text.endswith(".kind") and any(f"{room}." in text for room in ROOMS_OF_KINDS)
    return text if is_kind or "get_backend_name" in text or "drivername" in text else ""


def _tested_classes(node: ast.AST) -> Iterator[str]:
    """The classes that an expression or a pattern tests for."""
    if isinstance(node, ast.Call) and ast.unparse(node.func) in {"isinstance", "issubclass"} and len(node.args) > 1:
        yield from (each.id for each in ast.walk(node.args[1]) if isinstance(each, ast.Name))
    if isinstance(node, ast.Compare) and any(isinstance(each, ast.Is | ast.IsNot) for each in node.ops):
        yield from (each.id for each in node.comparators if isinstance(each, ast.Name))
    if isinstance(node, ast.MatchClass):
        yield ast.unparse(node.cls)


def _origins(tree: ast.AST) -> dict[str, str]:
    """From which module each imported name comes."""
    return {
        alias.asname or alias.name: node.module or ""
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def _calls_of(method: str, tree: ast.AST) -> Iterator[tuple[str, int]]:
    """The functions that call a method of this name, each with the line."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == method:
                    yield function.name, node.lineno


def _writes(node: ast.AST) -> bool:
    if not isinstance(node, ast.Attribute):
        return False
    on_documents = ast.unparse(node.value).endswith("documents")
    return node.attr == "write_text" or (on_documents and node.attr in {"write", "write_bytes", "update"})


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))
