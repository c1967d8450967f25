from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from thinmargin_agents.cli.programs import program_name, script_command


@pytest.mark.parametrize(
    ("started", "in_clone", "name", "typed"),
    [
        ("train.py", True, "evaluate.py", "python evaluate.py"),
        ("/a clone/train.py", False, "evaluate.py", "python '/a clone/evaluate.py'"),
        ("clone/evaluate.py", False, "evaluate.py", "python clone/evaluate.py"),
        ("/site/thinmargin_agents/import_sb3/__main__.py", True, "evaluate.py", "python evaluate.py"),
        ("/site/thinmargin_agents/import_sb3/__main__.py", False, "evaluate.py", "thinmargin-evaluate"),
        ("/bin/thinmargin", False, "thinmargin-evaluate", "thinmargin-evaluate"),
        ("/bin/thinmargin-train", True, "thinmargin-evaluate", "thinmargin-evaluate"),
        ("C:/Scripts/thinmargin-train.exe", False, "thinmargin-evaluate", "thinmargin-evaluate"),
        ("", False, "evaluate.py", "thinmargin-evaluate"),
    ],
)
def test_a_script_is_named_as_it_can_be_typed_here(
    started: str, in_clone: bool, name: str, typed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [started])
    if in_clone:
        Path("evaluate.py").touch()
    assert program_name("evaluate") == name
    assert script_command("evaluate") == typed


def test_arguments_are_quoted_for_a_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    line = script_command("train", ["--resume", "moved here, v2/ppo's $HOME"])
    assert shlex.split(line) == ["thinmargin-train", "--resume", "moved here, v2/ppo's $HOME"]
