from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from rich.progress import Progress
from tests.unread import Unread

from thinmargin.baselines import BASELINES
from thinmargin.command_line import PIPE_CLOSED
from thinmargin.tuned import read_tuned, tuned_policy
from thinmargin_agents.tuning import __main__ as command
from thinmargin_agents.tuning.rules import RULES, Effort, TunedRule


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["plan", "--split", "test"], "test worlds are for reporting only"),
        (["plan", "--n-worlds", "0"], "--n-worlds is 0: allowed are 1 to"),
        (["plan", "--knots", "1"], "--knots is 1: allowed are 2 to"),
        (["plan", "--seed", "-1"], "--seed is -1: allowed are 0 to"),
        (["clever"], "clever"),
    ],
)
def test_what_cannot_be_tuned_is_refused(
    arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(arguments) == 2
    assert problem in " ".join(capsys.readouterr().err.replace("│", " ").split())


def test_the_command_writes_what_the_package_can_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "low_margin_tuned.json"
    arguments = ["low_margin_tuned", "--n-worlds", "4", "--generations", "2", "--population", "4", "--seed", "3"]
    assert command.main([*arguments, "--output", str(path)]) == 0
    assert "low_margin_tuned: J" in capsys.readouterr().out
    written = read_tuned(path)
    assert written.made["command"] == "python -m thinmargin_agents.tuning " + " ".join(arguments)
    assert json.loads(path.read_text("utf-8"))["levers"][0]["price"] <= 0.031


def test_progress_calls_what_a_search_looks_for_by_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[str] = []

    def update(_: Progress, __: object, **changes: object) -> None:
        told.append(str(changes["description"]))

    ruined = TunedRule(tuned_policy("bang_bang"), 20.0, 0.0, 0.12, 16)

    def seek(_: Effort, progress: Callable[[float], None]) -> TunedRule:
        progress(-30.0)
        return ruined

    monkeypatch.setattr(Progress, "update", update)
    monkeypatch.setitem(RULES, "bang_bang", RULES["bang_bang"]._replace(seek=seek))
    assert command.main(["bang_bang"]) == 0
    assert told == ["bang_bang: J less what ruin costs -30.00 RMB bn"]
    assert "bang_bang: J 20.00 RMB bn" in capsys.readouterr().out


def test_every_rule_that_can_be_tuned_is_a_baseline_and_can_be_asked_for() -> None:
    assert set(RULES) <= set(BASELINES)
    assert set(get_args(get_type_hints(command.TuneConfig)["rule"])) == set(RULES)


def test_a_rule_is_written_though_nobody_reads_the_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "low_margin_tuned.json"
    arguments = ["low_margin_tuned", "--n-worlds", "4", "--generations", "1", "--population", "4"]
    monkeypatch.setattr("sys.stdout", Unread())
    assert command.main([*arguments, "--output", str(path)]) == PIPE_CLOSED
    assert read_tuned(path).made["worlds"] == 4
