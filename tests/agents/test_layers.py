"""Rooms of the agents package: who may import whom, one way only, and small enough to find one's way in."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.import_graph import AGENTS, circles, graph_of_files, graph_of_rooms, imported, levels
from tests.messages import naming

import thinmargin_agents

ROOMS = {
    "train": "cli search parallel training runs sb3 config",
    "remake": "policies runs tuning cli",
    "audit": "evaluate scoring tuning cli play",
    "search": "parallel judging scoring runs sb3 cli config play",
    "shipping": "evaluate judging scoring policies runs sb3 cli config play",
    "curves": "report scoring policies cli",
    "evaluate": "report judging foresight scoring policies runs cli config play",
    "exact": "training runs tuning cli config play",
    "parallel": "training scoring runs sb3 monitoring cli config",
    "report": "years judging phase_map scoring policies cli play",
    "training": "judging scoring runs sb3 monitoring cli config play",
    "years": "judging scoring policies cli play",
    "judging": "foresight scoring policies monitoring cli play",
    "phase_map": "scoring policies cli play",
    "mechanisms": "scoring tuning cli play",
    "export": "policies runs sb3 cli config play",
    "foresight": "policies cli play",
    "scoring": "policies cli play",
    "stock": "import_sb3",
    "import_sb3": "runs sb3 cli config",
    "policies": "runs sb3 config play",
    "runs": "sb3 cli config",
    "sb3": "monitoring config play",
    "monitoring": "play",
    "tuning": "cli play",
    "cli": "",
    "config": "",
    "play": "",
}
"""Folders and loose files from the top down, and which of those below each imports."""
ALLOWED = {room: set(below.split()) for room, below in ROOMS.items()}
LIGHT = ("cli", "config", "play", "monitoring", "tuning")
"""Rooms that must not import a learning library, also not when something in them is called."""
HEAVY = ("torch", "stable_baselines3", "sb3_contrib", "tensorboard", "optuna", "ray")
GRAPH_PROGRAM = Path(__file__).parents[1] / "import_graph.py"
MOST_FILES, MOST_LOOSE, MOST_LEVELS = 15, 5, 11

FILES = graph_of_files(AGENTS)
GRAPH = graph_of_rooms(FILES)
FOLDERS = sorted(path for path in AGENTS.rglob("*") if path.is_dir() and path.name != "__pycache__")


def test_every_room_has_its_row() -> None:
    assert set(GRAPH) == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_what_its_row_allows_and_all_of_it(room: str) -> None:
    assert GRAPH[room] <= ALLOWED[room], "an import that the table does not allow"
    assert GRAPH[room] >= ALLOWED[room], "the table allows an import that nobody uses"


def test_no_arrow_runs_back_up() -> None:
    order = list(ROOMS)
    for room, below in ALLOWED.items():
        for other in below:
            assert order.index(other) > order.index(room), f"{room} imports {other}, which is not below it"


def test_there_is_no_circle() -> None:
    assert circles(GRAPH) == []
    assert circles(FILES) == []


def test_the_package_itself_imports_nothing_but_a_look_for_its_libraries() -> None:
    assert [found.module for found in imported(AGENTS / "__init__.py")] == ["importlib.util"]


def test_levels_are_few() -> None:
    assert max(levels(GRAPH).values()) <= MOST_LEVELS


def test_few_files_lie_loose_and_no_folder_holds_many() -> None:
    assert len(list(AGENTS.glob("*.py"))) <= MOST_LOOSE
    for folder in FOLDERS:
        files = [path for path in folder.iterdir() if path.is_file()]
        assert len(files) <= MOST_FILES, folder.relative_to(AGENTS)


def test_the_map_of_the_package_has_the_same_rooms_in_the_same_order() -> None:
    rows = re.findall(r"^([a-z_0-9]+) {2,}\S", thinmargin_agents.__doc__ or "", re.MULTILINE)
    assert rows == list(ROOMS)


@pytest.mark.parametrize("room", LIGHT)
def test_a_light_room_imports_no_learning_library(room: str) -> None:
    for path in sorted((AGENTS / room).rglob("*.py")):
        for one in imported(path):
            assert one.module.partition(".")[0] not in HEAVY, path.name


@pytest.mark.parametrize("room", LIGHT)
def test_a_light_room_imports_light_rooms_only(room: str) -> None:
    assert ALLOWED[room] <= set(LIGHT)


def hidden_imports(text: str, package: str) -> list[str]:
    """Calls that import a module by its name in a string: of the package, or of a name that is not written there."""
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    by_name = [node for node in calls if ast.unparse(node.func).rpartition(".")[2] in ("import_module", "__import__")]
    return [ast.unparse(node) for node in by_name if not _names_another(node, package)]


def _names_another(call: ast.Call, package: str) -> bool:
    first = call.args[0] if call.args else None
    return isinstance(first, ast.Constant) and str(first.value).partition(".")[0] not in ("", package)


@pytest.mark.parametrize("path", sorted(AGENTS.rglob("*.py")), ids=lambda path: str(path.relative_to(AGENTS)))
def test_no_file_imports_the_package_by_a_name_in_a_string(path: Path) -> None:
    assert hidden_imports(path.read_text(encoding="utf-8"), AGENTS.name) == []


def test_imports_by_a_name_in_a_string_are_seen() -> None:
    text = """
importlib.import_module("house.roof")
import_module(f"house.{name}")
__import__("house")
import_module(".roof", "house")
import_module("torch")
pkgutil.resolve_name("torch.nn:Module")
"""
    assert len(hidden_imports(text, "house")) == 4


def built(folder: Path, files: Mapping[str, str]) -> Path:
    """A package of these files."""
    package = folder / "house"
    for name, text in {"__init__": "", **files}.items():
        file = package / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return package


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("import house\nhouse.roof.x", ("roof.py:1", "import house", "from house import NAME")),
        ("import house as home", ("roof.py:1", "import house", "from house import NAME")),
        ("\nimport house.wall\nhouse.floor.x", ("roof.py:2", "import house.wall", "from house import NAME")),
        ("from . import wall", ("roof.py:1", "relative", "the whole module")),
        ("from house.cellar import wine", ("roof.py:1", "house.cellar", "no Python file")),
        ("import house.cellar as cellar", ("roof.py:1", "house.cellar", "no Python file")),
    ],
)
def test_an_import_that_cannot_be_followed_is_refused_with_its_place(
    text: str, parts: tuple[str, ...], tmp_path: Path
) -> None:
    package = built(tmp_path, {"roof": text, "wall": "", "floor": ""})
    (package / "cellar").mkdir()
    with pytest.raises(ValueError, match=naming(*parts)):
        graph_of_files(package)


def test_a_reader_who_has_seen_enough_ends_it_quietly() -> None:
    with subprocess.Popen(  # noqa: S603  # our own program
        [sys.executable, str(GRAPH_PROGRAM)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


def test_a_circle_and_its_level_are_seen(tmp_path: Path) -> None:
    package = built(
        tmp_path,
        {
            "roof": "import house.wall as wall",
            "wall": "def build():\n    from house import roof, floor",
            "floor": "",
            "attic/__init__": "from house.roof import tile",
        },
    )
    graph = graph_of_rooms(graph_of_files(package))
    assert graph == {"attic": {"roof"}, "floor": set(), "roof": {"wall"}, "wall": {"roof", "floor"}}
    assert circles(graph) == [["roof", "wall"]]
    assert levels(graph) == {"floor": 1, "roof": 2, "wall": 2, "attic": 3}
