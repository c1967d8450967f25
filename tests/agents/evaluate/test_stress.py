from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.agents.evaluate.stand_ins import SCENARIOS, read, read_rows
from tests.messages import lacks

from thinmargin.baselines import baseline
from thinmargin.splits import KEYS
from thinmargin_agents.evaluate.command import main
from thinmargin_agents.play.rollout import play_worlds


@pytest.mark.slow
@pytest.mark.usefixtures("here")
@pytest.mark.usefixtures("intervals_of_few")
def test_stress_worlds_show_what_breaks(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["outsiders.py:Still", "--n-worlds", "4", "--n-stress-worlds", "3", "--json", "all.json"]
    assert main([*arguments, "--csv", "all.csv"]) == 0
    report = read("all.json")
    assert list(report["stress"]) == SCENARIOS
    assert report["stress_worlds"] == 3
    benchmark = {name: [] for name in report["policies"]}
    for row in read_rows("all.csv"):
        benchmark[row["policy"]].append(float(row["J"]))
    keys = KEYS["test"][:3]
    cheap = "low_margin_ecosystem"
    hard = play_worlds(baseline(cheap), keys, worlds="price_war").value
    tuned = play_worlds(baseline("low_margin_tuned"), keys, worlds="price_war").value
    entry = report["stress"]["price_war"][cheap]
    assert entry["J_mean"] == pytest.approx(hard.mean())
    assert entry["J_benchmark"] == pytest.approx(np.mean(benchmark[cheap][:3]))
    assert entry["kept"] == pytest.approx(hard.mean() / np.mean(benchmark[cheap][:3]))
    assert entry["diff_mean"] == pytest.approx(np.mean(hard - tuned))
    assert entry["diff_ci95"][0] <= entry["diff_mean"] <= entry["diff_ci95"][1]
    for scenario in report["stress"].values():
        assert set(scenario) == {"outsiders.py:Still", cheap, "low_margin_tuned"}
        assert scenario["low_margin_tuned"]["diff_mean"] is None
        for policy in scenario.values():
            assert policy["J_ci95"][0] <= policy["J_mean"] <= policy["J_ci95"][1]
            assert 0.0 <= policy["bankrupt_share"] <= 1.0
    printed = capsys.readouterr().out
    assert "held-out scenarios, 3 worlds each" in printed
    assert "services clampdown" in printed


@pytest.mark.slow
@pytest.mark.usefixtures("here")
def test_stress_worlds_go_with_the_benchmarks_test_worlds_only() -> None:
    def stressed(*arguments: str) -> Any:
        assert main(["low_margin_tuned", *arguments, "--n-worlds", "2", "--json", "all.json"]) == 0
        return read("all.json")["stress"]

    assert list(stressed()) == list(stressed("--stress")) == SCENARIOS
    for arguments in (("--no-stress",), ("--split", "validation"), ("--env", "ThinMargin/EcosystemCalibrated-v1")):
        assert stressed(*arguments) == {}


@pytest.mark.usefixtures("here")
def test_a_policy_that_fails_under_stress_keeps_what_it_has_done(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["outsiders.py:Fragile", "--n-worlds", "2", "--json", "all.json"]) == 1
    report = read("all.json")
    fragile = "outsiders.py:Fragile"
    assert fragile in report["policies"]
    assert [scenario for scenario in SCENARIOS if fragile in report["stress"][scenario]] == ["price_war"]
    assert not lacks(report["failures"][fragile], "RuntimeError: too much", "component_shortage")
    assert "too much" in capsys.readouterr().err
