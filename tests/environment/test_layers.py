"""Layers point one way: economics, then worlds, then the shells; no file is loaded under two names."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import thinmargin

PACKAGE = Path(thinmargin.__file__).parent
FILES = sorted(str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py"))
ABOVE = (
    "thinmargin_agents",
    "torch",
    "stable_baselines3",
    "sb3_contrib",
    "tensorboard",
    "tyro",
    "rich",
    "optuna",
    "cma",
)
PICTURES = ("matplotlib", "PIL", "plotly")
DRAWING = "dashboard.py"
"""The file that may import matplotlib at once: it is itself imported only to draw."""
HARD_TO_FIND = ("envs", "agents", "tests", "benchmarks")
BELOW_ECONOMICS = ("thinmargin.economics", "thinmargin.records", "thinmargin.parameters")
SHELLS = ("thinmargin.env", "thinmargin.vector", "thinmargin.rendering", "thinmargin.registration")

MODULES_BY_FILE = """
import collections, importlib, pkgutil, sys
import gymnasium, thinmargin
gymnasium.make("thinmargin:ThinMargin/Ecosystem-v0").reset(seed=0)
for module in pkgutil.walk_packages(thinmargin.__path__, "thinmargin."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
names = collections.defaultdict(list)
folder = thinmargin.__path__[0]
for name, module in list(sys.modules.items()):
    file = getattr(module, "__file__", None)
    if file and file.startswith(folder):
        names[file].append(name)
print(len(names))
print([sorted(found) for found in names.values() if len(found) > 1])
"""


def imports(name: str) -> Iterator[tuple[str, bool]]:
    """Modules a file imports, and whether it does when it is loaded itself."""
    tree = ast.parse((PACKAGE / name).read_text())
    at_once = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in at_once) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield node.module or "", id(node) in at_once
            yield from ((f"{node.module}.{alias.name}", id(node) in at_once) for alias in node.names)


def below(module: str, roots: tuple[str, ...]) -> bool:
    return any(module == root or module.startswith(f"{root}.") for root in roots)


def test_the_scan_sees_every_file() -> None:
    assert len(FILES) >= 20
    assert {"env.py", "economics/month.py", "records.py"} <= set(FILES)
    assert ("thinmargin.settings", True) in set(imports("env.py"))


@pytest.mark.parametrize("name", FILES)
def test_the_environment_imports_nothing_from_above(name: str) -> None:
    for module, at_once in imports(name):
        assert not below(module, ABOVE), f"{name} imports {module}"
        assert not below(module, HARD_TO_FIND), f"{name} imports {module}"
        if name != DRAWING:
            assert not (at_once and below(module, PICTURES)), f"{name} imports {module} when it is loaded"


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("economics/")])
def test_economics_imports_only_schemas_and_constants(name: str) -> None:
    for module, _ in imports(name):
        if module.startswith("thinmargin"):
            assert below(module, BELOW_ECONOMICS), f"{name} imports {module}"


@pytest.mark.parametrize("name", ["records.py", "parameters.py", "splits.py"])
def test_schemas_and_constants_import_nothing_above_them(name: str) -> None:
    for module, _ in imports(name):
        assert not module.startswith("thinmargin") or below(module, ("thinmargin.records",)), f"{name} imports {module}"


@pytest.mark.parametrize(
    "name",
    [f"{room}.py" for room in ("simulation", "worlds", "scenarios", "batch", "strategies", "levers", "observation")],
)
def test_what_the_shells_stand_on_does_not_import_them(name: str) -> None:
    for module, _ in imports(name):
        assert not below(module, SHELLS), f"{name} imports {module}"


@pytest.mark.parametrize("name", ["env.py", "vector.py"])
def test_the_shells_do_no_economics(name: str) -> None:
    for module, _ in imports(name):
        assert not below(module, ("thinmargin.economics", "thinmargin.strategies")), f"{name} imports {module}"


def test_no_file_is_loaded_under_two_names(fresh_python: Any) -> None:
    pytest.importorskip("matplotlib")
    count, doubles = fresh_python(MODULES_BY_FILE).splitlines()
    assert int(count) == len(FILES)
    assert doubles == "[]"
