from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import pytest

import thinmargin_agents
from thinmargin_agents.cli import programs
from thinmargin_agents.cli.programs import program_name, script_command, shell_line, shell_word

SCRIPTS = ("train.py", "evaluate.py")


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone that the package is loaded from, beside the working folder, which is empty."""
    top = tmp_path / "a clone"
    for folder in (top, tmp_path / "work"):
        folder.mkdir()
    for name in SCRIPTS:
        (top / name).touch()
    monkeypatch.setattr(programs, "CLONE", top)
    monkeypatch.chdir(tmp_path / "work")
    return top


@pytest.mark.parametrize(
    ("started", "in_clone", "name", "typed"),
    [
        ("train.py", True, "evaluate.py", "python evaluate.py"),
        ("{clone}/train.py", False, "evaluate.py", "python '{clone}/evaluate.py'"),
        ("../a clone/evaluate.py", False, "evaluate.py", "python '../a clone/evaluate.py'"),
        ("/site/thinmargin_agents/import_sb3/__main__.py", True, "evaluate.py", "python evaluate.py"),
        ("/site/thinmargin_agents/import_sb3/__main__.py", False, "evaluate.py", "thinmargin-evaluate"),
        ("/bin/thinmargin", False, "thinmargin-evaluate", "thinmargin-evaluate"),
        ("/bin/thinmargin-train", True, "thinmargin-evaluate", "thinmargin-evaluate"),
        ("C:/Scripts/thinmargin-train.exe", False, "thinmargin-evaluate", "thinmargin-evaluate"),
        ("", False, "evaluate.py", "thinmargin-evaluate"),
    ],
)
def test_a_script_is_named_as_it_can_be_typed_here(
    started: str, in_clone: bool, name: str, typed: str, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if in_clone:
        monkeypatch.chdir(clone)
    monkeypatch.setattr(sys, "argv", [started.format(clone=clone)])
    assert program_name("evaluate") == name
    assert script_command("evaluate") == typed.format(clone=clone)


@pytest.mark.parametrize("started", ["train.py", "evaluate.py", "mine.py", "{here}/train.py", "gone/train.py", ""])
@pytest.mark.usefixtures("clone")
def test_a_script_of_that_name_of_another_project_is_never_named(started: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SCRIPTS:
        Path(name).write_text("print('mine')", "utf-8")
    monkeypatch.setattr(sys, "argv", [started.format(here=Path.cwd())])
    assert script_command("evaluate") == "thinmargin-evaluate"
    assert script_command("train") == "thinmargin-train"


def test_the_clone_is_the_one_that_the_package_was_loaded_from(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Path(str(thinmargin_agents.__file__)).parents[2] == programs.CLONE
    monkeypatch.setattr(sys, "argv", ["mine.py"])
    monkeypatch.chdir("/")
    assert script_command("train") == "thinmargin-train"


def test_arguments_are_quoted_for_a_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    line = script_command("train", ["--resume", "moved here, v2/ppo's $HOME"])
    assert shlex.split(line) == ["thinmargin-train", "--resume", "moved here, v2/ppo's $HOME"]


@pytest.mark.parametrize(
    ("word", "typed"),
    [
        ("logs/ppo", "logs/ppo"), ("moved here, v2", "'moved here, v2'"), ("", "''"), ("grün", "'grün'"),
        ("a\nb", r"$'a\nb'"), ("x\x1b[2J'y\\z", r"$'x\x1b[2J\'y\\z'"), ("a\u202eb", r"$'a\xe2\x80\xaeb'"),
        (os.fsdecode(b"a\xff"), r"$'a\xff'"),
    ],
)  # fmt: skip
def test_a_command_is_one_line_of_characters_that_print(word: str, typed: str) -> None:
    assert shell_word(word) == typed
    assert shell_line(["python", "train.py", word]) == f"python train.py {typed}"


@pytest.mark.parametrize(
    "module", ["agents/thinmargin_agents/import_sb3/__main__.py", "agents/thinmargin_agents/stock.py",
               "envs/thinmargin/__main__.py"],
)  # fmt: skip
def test_a_module_of_a_clone_names_the_script_of_the_clone(
    module: str, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [str(clone / module)])
    assert shlex.split(script_command("evaluate", ["run"])) == ["python", str(clone / "evaluate.py"), "run"]
    (clone / "evaluate.py").unlink()
    assert script_command("evaluate") == "thinmargin-evaluate"
