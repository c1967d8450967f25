"""The short level, `python -m pytest -m "not slow"`, has at least one test of every folder of both packages."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
SOURCES = {
    "thinmargin": TESTS.parent / "envs" / "thinmargin",
    "thinmargin_agents": TESTS.parent / "agents" / "thinmargin_agents",
}
EARLIER_NAMES = {"thinmargin_agents.stock"}
"""Modules that only call another."""


def rooms(package: str) -> list[str]:
    """The folders of a package that hold Python, by dotted name, and the loose files beside the agents' folders."""
    loose = SOURCES[package].glob("[!_]*.py") if package == "thinmargin_agents" else ()
    folders = (path.parent for path in SOURCES[package].glob("*/__init__.py"))
    found = (f"{package}.{path.stem}" for path in (*folders, *loose))
    return sorted(room for room in found if room not in EARLIER_NAMES)


def is_slow(decorators: list[ast.expr]) -> bool:
    return any(ast.unparse(one).startswith("pytest.mark.slow") for one in decorators)


def quick_tests(text: str) -> list[str]:
    """Names of the tests in the text of a file that the short level runs."""
    tree = ast.parse(text)
    assigned = [node for node in tree.body if isinstance(node, ast.Assign)]
    marks = [ast.unparse(node.value) for node in assigned if "pytestmark" in map(ast.unparse, node.targets)]
    if any("pytest.mark.slow" in each for each in marks):
        return []
    return [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and not is_slow(node.decorator_list)
    ]


def imported(path: Path) -> Iterator[str]:
    """Modules that a file names in its imports, with what it takes from them."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


FILES = sorted(TESTS.rglob("test_*.py"))
IMPORTS = {path: tuple(imported(path)) for path in FILES}


@pytest.mark.parametrize("room", [*rooms("thinmargin"), *rooms("thinmargin_agents")])
def test_every_room_has_a_quick_test(room: str) -> None:
    package, _, name = room.partition(".")
    about = [path for path, modules in IMPORTS.items() if any(f"{one}.".startswith(f"{room}.") for one in modules)]
    if package == "thinmargin_agents":
        about = [path for path in FILES if path.parent == TESTS / "agents" / name]
    assert about, f"no test file is about {room}"
    assert any(quick_tests(path.read_text(encoding="utf-8")) for path in about), f"every test about {room} is slow"


def test_every_test_of_the_agents_lies_in_the_folder_of_its_room() -> None:
    names = {room.partition(".")[2] for room in rooms("thinmargin_agents")}
    inside = [path.relative_to(TESTS / "agents") for path in FILES if TESTS / "agents" in path.parents]
    assert [str(path) for path in inside if path.parts[0] not in names] == ["test_layers.py"]


def test_slow_tests_are_told_by_their_marks() -> None:
    text = "@pytest.mark.slow\ndef test_one(): ...\n\n@pytest.mark.parametrize('a', [])\ndef test_two(a): ...\n"
    assert quick_tests(text) == ["test_two"]
    assert quick_tests(f"pytestmark = [pytest.mark.slow]\n{text}") == []
