"""The command that stands with results plays them again, whatever the latest run is by then."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.agents.evaluate.stand_ins import OUTSIDERS, make_runs, read

from thinmargin.baselines import BASELINES
from thinmargin_agents.cli import programs
from thinmargin_agents.evaluate.command import main
from thinmargin_agents.evaluate.config import EvaluateConfig
from thinmargin_agents.evaluate.made_by import command_line

QUICK = ["--n-worlds", "2", "--no-stress"]


def command_of(page: Path) -> list[str]:
    """Words of the command that stands above the tables of a page."""
    return shlex.split(page.read_text("utf-8").split("`")[1])


def policies_of(file: str) -> dict[str, Any]:
    return dict(read(file)["policies"])


def test_a_command_without_names_names_the_run_that_was_the_latest(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_runs(here, monkeypatch)
    (here / "logs").rename(here / "of mine")
    assert main([*QUICK, "--log-folder", "of mine", "--json", "one.json"]) == 0
    words = shlex.split(read("one.json")["command"])
    assert words[:3] == ["thinmargin-evaluate", "of mine/ppo/run_2", "shipped"]
    monkeypatch.setattr(sys.modules["thinmargin_agents.runs.folder"], "latest_run", lambda _: Path("of mine/ppo/run_1"))
    assert main([*words[1:], "--json", "two.json"]) == 0
    assert policies_of("one.json") == policies_of("two.json")
    assert set(policies_of("two.json")) == {"of mine/ppo/run_2", *BASELINES}


def test_shipped_leaves_out_runs_and_takes_others_beside_it(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_runs(here, monkeypatch)
    assert main(["shipped", *QUICK, "--json", "all.json"]) == 0
    assert set(policies_of("all.json")) == set(BASELINES)
    assert read("all.json")["notes"] == []
    assert main(["outsiders.py:Still", "shipped", "premium", *QUICK, "--json", "all.json"]) == 0
    assert set(policies_of("all.json")) == {"outsiders.py:Still", *BASELINES}


def test_a_folder_called_shipped_is_not_what_shipped_means(here: Path) -> None:
    (here / "shipped").mkdir()
    (here / "plan").mkdir()
    assert main(["shipped", *QUICK, "--json", "all.json"]) == 0
    assert shlex.split(read("all.json")["command"])[:2] == ["thinmargin-evaluate", "shipped"]


def test_the_latest_run_is_not_one_that_somebody_named(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_runs(here, monkeypatch)
    asked: list[Any] = []

    def html_report(*arguments: Any) -> str:
        asked.append(list(arguments[6]))
        return "<!doctype html>"

    monkeypatch.setitem(sys.modules, "thinmargin_agents.report", SimpleNamespace(html_report=html_report))
    assert main([*QUICK, "--html", "all.html"]) == 0
    assert main(["logs/ppo/run_2", "shipped", *QUICK, "--html", "all.html"]) == 0
    assert asked == [[], ["logs/ppo/run_2"]]


def test_every_file_has_the_policies_of_the_terminal(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_runs(here, monkeypatch)
    assert main([*QUICK, "--json", "all.json", "--csv", "all.csv", "--markdown", "one.md", "two.md"]) == 0
    printed = capsys.readouterr().out
    for text in (printed, *((here / name).read_text("utf-8") for name in ("one.md", "all.csv", "all.json"))):
        assert "logs/ppo/run_2" in text
    assert "nobody named it" in (here / "one.md").read_text("utf-8")


def test_a_page_carries_the_command_that_writes_it_again(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_runs(here, monkeypatch)
    assert main([*QUICK, "--markdown", "one.md", "of others/two.md"]) == 2  # that folder is missing
    (here / "of others").mkdir()
    assert main(["premium", *QUICK, "--markdown", "one.md", "of others/two.md"]) == 0
    before = (here / "of others" / "two.md").read_text("utf-8")
    words = command_of(here / "of others" / "two.md")
    assert words[-2:] == ["--markdown", "of others/two.md"]
    (here / "of others" / "two.md").unlink()
    (here / "one.md").unlink()
    assert main(words[1:]) == 0
    assert (here / "of others" / "two.md").read_text("utf-8") == before
    assert not (here / "one.md").exists()


@pytest.mark.usefixtures("here")
def test_the_report_carries_the_command_that_writes_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def html_report(*arguments: Any) -> str:
        asked.append(arguments[5])
        return "<!doctype html>"

    monkeypatch.setitem(sys.modules, "thinmargin_agents.report", SimpleNamespace(html_report=html_report))
    assert main(["premium", *QUICK, "--html", "all of it.html"]) == 0
    words = shlex.split(asked[0])
    assert words[-2:] == ["--html", "all of it.html"]
    assert main(words[1:]) == 0
    assert asked[0] == asked[1]


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone that the package is loaded from, with a run, a policy and a folder of its own; the script was started."""
    top = tmp_path / "a clone"
    (top / "logs" / "ppo" / "run_1").mkdir(parents=True)
    (top / "notes").mkdir()
    for name in ("train.py", "evaluate.py"):
        (top / name).touch()
    (top / "mine.py").write_text(OUTSIDERS, "utf-8")
    monkeypatch.setattr(programs, "CLONE", top)
    monkeypatch.chdir(top)
    return top


@pytest.mark.parametrize(
    ("folder", "started", "named", "typed"),
    [
        (".", "evaluate.py", "logs/ppo/run_1", "logs/ppo/run_1"),
        (".", "evaluate.py", "./-run", "./-run"),
        ("notes", "../evaluate.py", "../-run", "./-run"),
        (".", "{clone}/evaluate.py", "{clone}/logs/ppo/run_1", "logs/ppo/run_1"),
        ("notes", "../evaluate.py", "../logs/ppo/run_1", "logs/ppo/run_1"),
        ("notes", "{clone}/evaluate.py", "../mine.py:Still", "mine.py:Still"),
        ("notes", "../evaluate.py", "../logs/ppo/run_1,../logs/ppo", "logs/ppo/run_1,logs/ppo"),
        ("..", "a clone/evaluate.py", "a clone/logs/ppo/run_1", "logs/ppo/run_1"),
        ("..", "{clone}/evaluate.py", "plan", "plan"),
        ("..", "a clone/evaluate.py", "elsewhere", "{clone.parent}/elsewhere"),
    ],
)
def test_a_script_is_called_from_the_top_of_its_clone_with_paths_from_there(
    folder: str, started: str, named: str, typed: str, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in (clone.parent / "elsewhere", clone / "-run"):
        path.mkdir()
    monkeypatch.chdir(clone / folder)
    monkeypatch.setattr(sys, "argv", [started.format(clone=clone)])
    words = shlex.split(command_line(EvaluateConfig(policies=(named.format(clone=clone),))))
    assert words[:3] == ["python", "evaluate.py", typed.format(clone=clone)]


def test_a_file_is_named_from_the_top_of_the_clone_too(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clone / "notes")
    monkeypatch.setattr(sys, "argv", ["../evaluate.py"])
    config = EvaluateConfig(policies=("plan",), markdown=(Path("a.md"), Path("../README.md")), html=Path("a.html"))
    assert command_line(config, markdown=Path("../README.md")).endswith(" --markdown README.md")
    assert command_line(config, markdown=clone / "notes" / "a.md").endswith(" --markdown notes/a.md")
    assert command_line(config, html=Path("a.html")).endswith(" --html notes/a.html")
    assert command_line(config, html=Path("../-a.html")).endswith(" --html ./-a.html")
    assert "notes" not in command_line(config)


@pytest.mark.usefixtures("clone")
def test_a_console_script_is_called_in_the_same_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/bin/thinmargin-evaluate"])
    words = shlex.split(command_line(EvaluateConfig(policies=("logs/ppo/run_1",))))
    assert words[:2] == ["thinmargin-evaluate", "logs/ppo/run_1"]
