from __future__ import annotations

import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.agents.evaluate.stand_ins import CLOCK, MADE, read
from tests.messages import lacks

from thinmargin.baselines import baseline
from thinmargin_agents.evaluate.command import main


@pytest.mark.usefixtures("here")
def test_a_policy_that_fails_costs_only_its_own_row(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["outsiders.py:Tired", "premium", "outsiders.py:Still"]
    assert main([*names, "--n-worlds", "3", "--no-stress", "--json", "all.json"]) == 1
    report = read("all.json")
    assert set(report["policies"]) == {"premium", "outsiders.py:Still", "low_margin_ecosystem", "low_margin_tuned"}
    assert set(report["failures"]) == {"outsiders.py:Tired"}
    shown = capsys.readouterr()
    assert "premium" in shown.out
    assert not lacks(shown.err, "'outsiders.py:Tired'", "month 91", "RuntimeError: enough")


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no interval timers here")
@pytest.mark.usefixtures("here")
def test_a_policy_that_never_answers_costs_only_its_own_row(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = SimpleNamespace(monotonic=lambda: CLOCK.now)
    monkeypatch.setattr("thinmargin_agents.play.time_limit.time", stopped)
    names = ["outsiders.py:Dreamer", "outsiders.py:Late", "outsiders.py:Still"]
    assert main([*names, "--n-worlds", "2", "--no-stress", "--time-limit", "0.8", "--json", "all.json"]) == 1
    report = read("all.json")
    assert set(report["policies"]) == {"outsiders.py:Still", "low_margin_ecosystem", "low_margin_tuned"}
    assert set(report["failures"]) == {"outsiders.py:Dreamer", "outsiders.py:Late"}
    errors = capsys.readouterr().err
    for name, when in (("Dreamer", "month 0"), ("Late", "loaded")):
        assert not lacks(next(line for line in errors.splitlines() if name in line), when, "0.8 seconds")


@pytest.mark.usefixtures("here")
def test_where_all_fail_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["low_margin_tuned", "--n-worlds", "2", "--time-limit", "1e-6", "--json", "all.json"]) == 1
    assert "'low_margin_ecosystem'" in capsys.readouterr().err
    assert not Path("all.json").exists()


def test_a_damaged_run_costs_only_its_own_row(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = here / "run_1"
    run.mkdir()
    (run / "config.json").write_text("{")
    assert main(["run_1", "premium", "--n-worlds", "2", "--no-stress", "--json", "all.json"]) == 1
    report = read("all.json")
    assert "premium" in report["policies"]
    assert set(report["failures"]) == {"run_1"}
    assert "policy 'run_1' cannot be loaded" in capsys.readouterr().err


@pytest.mark.usefixtures("here")
def test_a_damaged_tuned_rule_costs_its_row_and_the_scores(
    shipped: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shipped(lambda *_: SimpleNamespace(policy=baseline("premium"), made=MADE))
    monkeypatch.setattr("thinmargin.tuned.FOLDER", tmp_path)
    assert main(["premium", "--n-worlds", "2", "--no-stress", "--json", "all.json"]) == 1
    report = read("all.json")
    assert set(report["policies"]) == {"premium", "low_margin_ecosystem", "foresight"}
    assert report["note"] == "score is null: low_margin_tuned failed"
