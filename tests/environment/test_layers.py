"""Layers point one way: economics, worlds, what was fitted, scenarios, shells; no file is loaded under two names."""

from __future__ import annotations

import ast
import re
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
    "optuna",
)
SEARCHING = {"cma": (), "rich": ("calibration/__main__.py",)}
"""What searches alone need, and the files that may import it, when they run and not when loaded."""
PICTURES = ("matplotlib", "PIL", "plotly")
DRAWING = "dashboard.py"
"""The file that may import matplotlib at once: it is itself imported only to draw."""
HARD_TO_FIND = ("envs", "agents", "tests", "benchmarks")
BELOW_ECONOMICS = ("thinmargin.economics", "thinmargin.records", "thinmargin.parameters")
SHELLS = ("thinmargin.env", "thinmargin.vector", "thinmargin.rendering", "thinmargin.registration")
LAYERS: tuple[tuple[str, ...], ...] = (
    ("shown", "memory", "threads", "waiting", "discounting"),
    (
        "names",
        "palette",
        "records",
        "splits",
        "versions",
        "families",
        "files",
        "fitted",
        "command_line",
        "data",
        "plain_json",
        "spares",
    ),
    ("parameters",),
    ("economics",),
    (
        "levers",
        "observation",
        "strategies",
        "counter",
        "sources",
        "record_checks",
        "shocks",
        "worlds",
        "generators",
        "infos",
    ),
    ("calibration.unknowns", "calibration.saved"),
    ("scenarios",),
    ("simulation",),
    ("batch", "settings", "statement", "plans", "tuned", "baselines"),
    ("dashboard", "rendering", "env", "vector", "cuda", "registration"),
    ("wrappers",),
    ("commands", "__main__"),
)
"""From the ground up what an episode needs: a file imports from its own layer and those below it, and nothing else."""
REPLAYING = ("thinmargin.replay", "thinmargin.history", "thinmargin.calibration", "thinmargin.backtest")
"""History and what is learnt from it: none of it is needed to play, but for what was fitted."""
EVERYTHING = ("thinmargin.warm_up",)
"""What compiles all of it, and may import all of it."""

MODULES_BY_FILE = """
import collections, importlib, pkgutil, sys
import gymnasium, thinmargin
gymnasium.make("thinmargin:ThinMargin/Ecosystem-v1").reset(seed=0)
for module in pkgutil.walk_packages(thinmargin.__path__, "thinmargin."):
    if not module.name.endswith("__main__") and not module.name.startswith("thinmargin.cuda."):  # it wants a GPU
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


def layer_of(module: str) -> int | None:
    """Which of LAYERS a module of the package is in."""
    for number, roots in enumerate(LAYERS):
        if below(module, tuple(f"thinmargin.{root}" for root in roots)):
            return number
    return None


def module_of(name: str) -> str:
    return ".".join(("thinmargin", *Path(name).with_suffix("").parts)).removesuffix(".__init__")


def test_the_scan_sees_every_file() -> None:
    assert len(FILES) >= 20
    assert {"env.py", "economics/month.py", "records.py"} <= set(FILES)
    assert ("thinmargin.settings", True) in set(imports("env.py"))


@pytest.mark.parametrize("name", FILES)
def test_the_environment_imports_nothing_from_above(name: str) -> None:
    for module, at_once in imports(name):
        assert not below(module, ABOVE), f"{name} imports {module}"
        assert not below(module, HARD_TO_FIND), f"{name} imports {module}"
        for tool, files in SEARCHING.items():
            if below(module, (tool,)):
                assert name in files, f"{name} imports {module}"
                assert not at_once, f"{name} imports {module} when it is loaded"
        if name != DRAWING:
            assert not (at_once and below(module, PICTURES)), f"{name} imports {module} when it is loaded"


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("economics/")])
def test_economics_imports_only_schemas_and_constants(name: str) -> None:
    for module, _ in imports(name):
        if module.startswith("thinmargin"):
            assert below(module, BELOW_ECONOMICS), f"{name} imports {module}"


@pytest.mark.parametrize("name", ["records", "parameters", "splits", "versions", "families", "fitted"])
def test_schemas_and_constants_import_nothing_above_them(name: str) -> None:
    also = {"parameters": "thinmargin.fitted", "families": "thinmargin.versions"}
    allowed = ("thinmargin.records", "thinmargin.shown", "thinmargin.files", *([also[name]] if name in also else []))
    for module, _ in imports(f"{name}.py"):
        assert not module.startswith("thinmargin") or below(module, allowed), f"{name} imports {module}"


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("data/")])
def test_reported_figures_import_nothing_of_the_model(name: str) -> None:
    allowed = ("thinmargin.data", "thinmargin.files", "thinmargin.command_line", "thinmargin.shown")
    for module, _ in imports(name):
        assert not module.startswith("thinmargin") or below(module, allowed), f"{name} imports {module}"


def test_every_file_has_a_layer_or_replays_history() -> None:
    for name in FILES:
        module = module_of(name)
        known = layer_of(module) is not None or below(module, (*REPLAYING, *EVERYTHING))
        assert module == "thinmargin" or known, name


@pytest.mark.parametrize("name", [name for name in FILES if layer_of(module_of(name)) is not None])
def test_a_file_imports_only_from_its_layer_and_those_below(name: str) -> None:
    own = layer_of(module_of(name))
    for module, _ in imports(name):
        other = layer_of(module)
        if other is None:
            assert not below(module, REPLAYING), f"{name} imports {module}"
        else:
            assert other <= (own or 0), f"{name} imports {module}"


@pytest.mark.parametrize("name", [name for name in FILES if below(module_of(name), REPLAYING)])
def test_history_is_replayed_without_environments(name: str) -> None:
    for module, _ in imports(name):
        assert not below(module, SHELLS), f"{name} imports {module}"
        if not name.startswith("backtest/"):
            assert not below(module, ("thinmargin.backtest",)), f"{name} imports {module}"
        if name in ("replay.py", "history.py"):
            assert not below(module, ("thinmargin.calibration", "thinmargin.scenarios")), f"{name} imports {module}"


@pytest.mark.slow
def test_an_episode_needs_no_replay_and_no_search(fresh_python: Any) -> None:
    code = "import sys, gymnasium; gymnasium.make('thinmargin:ThinMargin/Ecosystem-v1').reset(seed=0)\n"
    loaded = set(fresh_python(code + "print(*sys.modules)").split())
    assert "thinmargin.calibration.saved" in loaded
    assert not loaded & {"thinmargin.replay", "thinmargin.history", "thinmargin.calibration.search", "cma", "rich"}
    assert not loaded & {"torch", "stable_baselines3", "thinmargin_agents", "matplotlib"}


def test_importing_the_package_compiles_nothing(fresh_python: Any) -> None:
    loaded = set(fresh_python("import sys, thinmargin\nprint(*sys.modules)").split())
    assert not loaded & {"numba", "thinmargin.economics", "thinmargin.calibration", "thinmargin.worlds", "matplotlib"}


@pytest.mark.parametrize(
    "name",
    [
        f"{module}.py"
        for module in ("simulation", "worlds", "shocks", "scenarios", "batch", "strategies", "levers", "observation")
    ],
)
def test_what_the_shells_stand_on_does_not_import_them(name: str) -> None:
    for module, _ in imports(name):
        assert not below(module, SHELLS), f"{name} imports {module}"


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("wrappers/")])
def test_wrappers_go_around_any_environment_with_these_spaces(name: str) -> None:
    for module, _ in imports(name):
        assert not below(module, SHELLS), f"{name} imports {module}"


@pytest.mark.parametrize("name", ["env.py", "vector.py"])
def test_the_shells_do_no_economics(name: str) -> None:
    for module, _ in imports(name):
        assert not below(module, ("thinmargin.economics", "thinmargin.strategies")), f"{name} imports {module}"


@pytest.mark.slow
def test_no_file_is_loaded_under_two_names(fresh_python: Any) -> None:
    pytest.importorskip("matplotlib")
    count, doubles = fresh_python(MODULES_BY_FILE).splitlines()
    left_out = [name for name in FILES if name.endswith("__main__.py") or re.match(r"cuda/(?!__init__)", name)]
    assert int(count) == len(FILES) - len(left_out)
    assert doubles == "[]"
