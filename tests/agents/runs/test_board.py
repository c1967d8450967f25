"""A folder of events outside the run folder belongs to one run, and no configuration leads out of its folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.tiny_training import FLAGS, NAMES

from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.preset import resolve
from thinmargin_agents.config.train_config import TrainConfig
from thinmargin_agents.runs.board import OWNER, is_inside
from thinmargin_agents.runs.file_names import BOARD, CONFIG
from thinmargin_agents.runs.folder import RunFolder


def made(log_folder: Path, board: Path) -> RunFolder:
    return RunFolder.create(log_folder, resolve(TrainConfig(**FLAGS, hyperparams=NAMES, tensorboard_log=board)))


def test_two_log_folders_with_one_board_have_a_folder_each(tmp_path: Path) -> None:
    one, two, three = (made(tmp_path / name, tmp_path / "board") for name in ("a", "b", "a"))
    boards = [folder.events() for folder in (one, two, three)]
    assert one.path.name == two.path.name
    assert len(set(boards)) == 3
    assert all(board.parent == tmp_path / "board" / "ppo" for board in boards)
    assert boards[0].name == one.path.name
    assert [RunFolder.open(folder.path).events() for folder in (one, two, three)] == boards


def test_a_folder_that_is_there_already_is_left_alone(tmp_path: Path) -> None:
    taken = tmp_path / "board" / "ppo" / "Ecosystem-v1_1"
    taken.mkdir(parents=True)
    events = made(tmp_path / "logs", tmp_path / "board").events()
    assert events != taken
    assert not [*taken.iterdir()]


def test_a_board_that_is_the_log_folder_is_the_run_folder(tmp_path: Path) -> None:
    folder = made(tmp_path, tmp_path)
    assert folder.events() == folder.path
    assert [path.name for path in folder.path.parent.iterdir()] == [folder.path.name]


def test_a_run_at_the_top_of_a_file_system_is_inside_nothing_else() -> None:
    assert not is_inside("/board", Path("/run"))
    assert is_inside("/logs/../logs", Path("/logs/ppo/run"))


def test_a_run_that_was_moved_keeps_its_board(tmp_path: Path) -> None:
    folder = made(tmp_path / "logs", tmp_path / "board")
    events = folder.events()
    moved = folder.path.rename(tmp_path / "moved here, v2")
    assert RunFolder.open(moved).events() == events


def test_a_copy_of_a_run_does_not_write_into_the_board_of_the_first(tmp_path: Path) -> None:
    folder = made(tmp_path / "logs", tmp_path / "board")
    copied = RunFolder(Path(shutil.copytree(folder.path, tmp_path / "copy")))
    assert copied.events() == copied.path
    assert folder.events() != folder.path


def other_log(path: Path, elsewhere: Path) -> None:
    content = json.loads((path / CONFIG).read_text("utf-8"))
    (path / CONFIG).write_text(json.dumps({**content, "tensorboard_log": str(elsewhere)}), encoding="utf-8")


def own_words(path: Path, elsewhere: Path) -> None:
    (path / BOARD).write_text(json.dumps({"folder": str(elsewhere), "owner": "0" * 32}), encoding="utf-8")


def relative(path: Path, elsewhere: Path) -> None:
    (path / BOARD).write_text(json.dumps({"folder": f"../../../{elsewhere.name}", "owner": "0" * 32}), encoding="utf-8")


def marked_by_a_link(path: Path, elsewhere: Path) -> None:
    own_words(path, elsewhere)
    (elsewhere / OWNER).symlink_to(path / BOARD)


@pytest.mark.parametrize("change", [other_log, own_words, relative, marked_by_a_link])
@pytest.mark.parametrize("has_one", [True, False])
def test_what_a_folder_from_somebody_else_says_is_not_followed(
    change: Callable[[Path, Path], None], tmp_path: Path, *, has_one: bool
) -> None:
    folder = made(tmp_path / "logs", tmp_path / "board")
    if not has_one:
        (folder.path / BOARD).unlink()
    own, elsewhere = folder.events(), tmp_path / "elsewhere"
    elsewhere.mkdir()
    change(folder.path, elsewhere)
    assert RunFolder.open(folder.path).events() == (own if change is other_log else folder.path)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "null", '{"folder": 3, "owner": "x"}', '{"folder": "\\u0000", "owner": "x"}', "{" * 10**5]
)
def test_a_damaged_name_of_a_board_is_not_followed(text: str, tmp_path: Path) -> None:
    folder = made(tmp_path / "logs", tmp_path / "board")
    (folder.path / BOARD).write_text(text, encoding="utf-8")
    assert folder.events() == folder.path


def test_a_board_that_cannot_be_made_is_named_and_leaves_no_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"--tensorboard-log is .*file"):
        made(tmp_path / "logs", tmp_path / "file" / "board")
    assert not [*(tmp_path / "logs" / "ppo").iterdir()]
