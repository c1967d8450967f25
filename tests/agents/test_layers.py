"""Rooms of the agents package: who may import whom, one way only, and small enough to find one's way in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.import_graph import AGENTS, circles, graph_of_files, graph_of_rooms, imported, levels

import thinmargin_agents

ROOMS = {
    "train": "search parallel training runs sb3 config",
    "audit": "evaluate scoring tuning cli play",
    "search": "parallel judging scoring runs sb3 cli config play",
    "shipping": "evaluate judging scoring policies runs sb3 cli config play",
    "curves": "report scoring policies cli",
    "evaluate": "report judging foresight scoring policies runs cli play",
    "exact": "training runs tuning cli config play",
    "parallel": "training scoring runs sb3 monitoring cli config",
    "report": "judging scoring policies play",
    "training": "judging scoring runs sb3 monitoring config play",
    "years": "judging scoring policies cli play",
    "judging": "foresight scoring policies monitoring play",
    "phase_map": "scoring cli play",
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
        for module, _ in imported(path):
            assert module.partition(".")[0] not in HEAVY, path.name


def test_a_circle_and_its_level_are_seen(tmp_path: Path) -> None:
    package = tmp_path / "house"
    for name, text in {
        "__init__": "",
        "roof": "import house.wall",
        "wall": "def build():\n    from house import roof, floor",
        "floor": "",
        "attic/__init__": "from house.roof import tile",
    }.items():
        file = package / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    graph = graph_of_rooms(graph_of_files(package))
    assert graph == {"attic": {"roof"}, "floor": set(), "roof": {"wall"}, "wall": {"roof", "floor"}}
    assert circles(graph) == [["roof", "wall"]]
    assert levels(graph) == {"floor": 1, "roof": 2, "wall": 2, "attic": 3}
