"""The import graph of a package: python tests/import_graph.py [FOLDER OF A PACKAGE]

Nodes are the folders and loose files at the top of the package; an arrow runs from whatever imports to what it
imports, also where that happens inside a function or for type checkers only. A level is one more than that of the
highest node below; nodes of a circle share theirs.

Not counted: imports of names from the package's own __init__, and that importing a module loads the __init__ of every
folder above it. An import that binds the package itself, `import house` or `import house.roof`, hides what is taken
from it and is refused; so is an import of what is no Python file of the package.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

AGENTS = Path(__file__).parents[1] / "agents" / "thinmargin_agents"

Graph = dict[str, set[str]]
"""By name, the names that it imports."""


def module_of(path: Path, package: Path) -> str:
    """The dotted name of a file of the package."""
    return ".".join((package.name, *path.relative_to(package).with_suffix("").parts)).removesuffix(".__init__")


class Import(NamedTuple):
    """A module that a file imports, and the name that is taken from it, if any."""

    module: str
    name: str | None
    line: int
    binds: str
    """The name that stands for it in the file."""


def imported(path: Path) -> Iterator[Import]:
    """Every import of a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, None, node.lineno, alias.asname or alias.name.partition(".")[0])
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"{path}:{node.lineno}: a relative import; imports must name the whole module")
            for alias in node.names:
                yield Import(node.module or "", alias.name, node.lineno, alias.asname or alias.name)


def graph_of_files(package: Path) -> Graph:
    """The modules of a package, and which modules of the package each imports.

    Raises:
        ValueError: an import is relative, binds the package itself, or names no Python file of it.
    """
    files = {module_of(path, package): path for path in sorted(package.rglob("*.py"))}
    graph: Graph = {}
    for module, path in files.items():
        found = {_target(one, path, files, package.name) for one in imported(path) if _is_of(one, package.name)}
        graph[module] = found - {module, package.name}
    return graph


def _is_of(one: Import, package: str) -> bool:
    return one.module.partition(".")[0] == package


def _target(one: Import, path: Path, files: Mapping[str, Path], package: str) -> str:
    """The module of the package that an import loads."""
    if one.name is None and package in {one.module, one.binds}:
        raise ValueError(
            f"{path}:{one.line}: import {one.module} binds {package}, which hides what is taken from it;"
            f" must be written as from {package} import NAME"
        )
    for module in (f"{one.module}.{one.name}", one.module):
        if module in files:
            return module
    raise ValueError(f"{path}:{one.line}: {one.module} is no Python file of {package}")


def room_of(module: str) -> str:
    """The folder or loose file at the top of the package that a module lies in; empty for the package itself."""
    return module.partition(".")[2].partition(".")[0]


def graph_of_rooms(files: Mapping[str, set[str]]) -> Graph:
    """The folders and loose files at the top of a package, and which of them each imports."""
    graph: Graph = {}
    for module, found in files.items():
        if room_of(module):
            graph.setdefault(room_of(module), set()).update(map(room_of, found))
    return {room: found - {room, ""} for room, found in sorted(graph.items())}


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Groups of names that import each other, directly or by way of others: Tarjan (1972)."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        order[name] = lowest[name] = len(order)
        stack.append(name)
        for other in sorted(graph[name]):
            if other not in order:
                visit(other)
                lowest[name] = min(lowest[name], lowest[other])
            elif other in stack:
                lowest[name] = min(lowest[name], order[other])
        if lowest[name] == order[name]:
            start = stack.index(name)
            group = stack[start:]
            del stack[start:]
            if len(group) > 1:
                found.append(sorted(group))

    for name in sorted(graph):
        if name not in order:
            visit(name)
    return sorted(found)


def levels(graph: Mapping[str, set[str]]) -> dict[str, int]:
    """How many steps down the longest way from each name to the ground is, the ground being level 1."""
    group = {name: (name,) for name in graph} | {name: tuple(circle) for circle in circles(graph) for name in circle}
    found: dict[tuple[str, ...], int] = {}

    def level(names: tuple[str, ...]) -> int:
        if names not in found:
            below = {group[other] for name in names for other in graph[name]} - {names}
            found[names] = 1 + max(map(level, below), default=0)
        return found[names]

    return {name: level(group[name]) for name in graph}


def main() -> None:
    """Print the graph of a package."""
    package = Path(sys.argv[1]) if len(sys.argv) > 1 else AGENTS
    files = graph_of_files(package)
    rooms = graph_of_rooms(files)
    folders = [room for room in rooms if (package / room).is_dir()]
    high = levels(rooms)
    print(
        f"{package.name}: {len(files)} files, {len(folders)} folders, {len(rooms) - len(folders)} loose files"
        f" beside __init__, {max(high.values())} levels, {sum(map(len, rooms.values()))} arrows,"
        f" {len(circles(rooms))} circles of folders and loose files, {len(circles(files))} of files"
    )
    for level in range(max(high.values()), 0, -1):
        for room in (room for room in rooms if high[room] == level):
            print(
                f"{level:3}  {room:16} {', '.join(sorted(rooms[room], key=lambda other: (-high[other], other))) or '-'}"
            )
    for circle in circles(files):
        print("circle:", ", ".join(circle))


if __name__ == "__main__":
    try:
        main()
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read it has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
