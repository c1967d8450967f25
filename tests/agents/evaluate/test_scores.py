from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.agents.evaluate.stand_ins import MADE, hindsight, read, read_rows
from tests.messages import lacks

import thinmargin
from thinmargin.baselines import baseline
from thinmargin.settings import Settings
from thinmargin.splits import KEYS
from thinmargin.tuned import DamagedFileError
from thinmargin_agents.evaluate.command import main
from thinmargin_agents.foresight import plan_files
from thinmargin_agents.foresight.improvement import table_of
from thinmargin_agents.foresight.plan_files import KnownPlans, save_plans
from thinmargin_agents.foresight.search import value_of
from thinmargin_agents.judging import arena
from thinmargin_agents.play.outcome import YEARLY

KNOWN_PLANS = plan_files.known_plans
WHOLE = {
    "J_mean", "J_iqm", "J_ci95", "J_ci95_worlds", "J_ci95_seeds", "J_by_seed", "score", "score_ci95",
    "score_ci95_worlds", "score_ci95_seeds", "score_by_seed", "score_iqm", "score_iqm_ci95", "beats_best_known",
    "bankrupt_share", "months_mean", "saturation", "profit_part", "closing_part", "vs", "seeds", "percentiles",
    "yearly", "closing_rules",
}  # fmt: skip
"""Keys of every policy in the JSON file."""


@pytest.mark.usefixtures("here", "intervals_of_few")
def test_json_has_everything_and_says_what_was_played(shipped: Any, capsys: pytest.CaptureFixture[str]) -> None:
    shipped(hindsight)
    assert main(["premium", "do_nothing", "--n-worlds", "5", "--json", "all.json", "--csv", "all.csv"]) == 0
    report = read("all.json")
    assert report["environment"] == "ThinMargin/Ecosystem-v1"
    assert (report["split"], report["worlds"], report["seed"], report["failures"]) == ("test", 5, 0, {})
    assert report["command"].startswith("thinmargin-evaluate premium do_nothing --env ThinMargin/Ecosystem-v1 ")
    assert report["versions"]["thinmargin"] == thinmargin.__version__
    assert {"python", "numpy", "numba", "gymnasium"} <= set(report["versions"])
    assert report["note"] is None
    assert report["foresight"] == {**MADE, "worlds_without_gap": 5 - sum(gaps("all.csv") > 1e-9)}
    everybody = {"premium", "do_nothing", "low_margin_ecosystem", "low_margin_tuned", "foresight"}
    assert set(report["policies"]) == everybody
    rows = read_rows("all.csv")
    for name, policy in report["policies"].items():
        assert set(policy) == WHOLE
        values = [float(row["J"]) for row in rows if row["policy"] == name]
        assert policy["J_mean"] == pytest.approx(np.mean(values))
        assert policy["J_mean"] == pytest.approx(policy["profit_part"] + policy["closing_part"])
        assert policy["J_ci95"][0] <= policy["J_mean"] <= policy["J_ci95"][1]
        assert policy["percentiles"]["50"] == pytest.approx(np.median(values))
        assert list(policy["saturation"]) == ["price", "accessories", "marketing", "updates"]
        assert policy["score_ci95"][0] <= policy["score"] <= policy["score_ci95"][1]
        assert policy["seeds"] == []
        assert set(policy["vs"]) == {"premium", "do_nothing", "low_margin_ecosystem", "low_margin_tuned"} - {name}
        for gap in policy["vs"].values():
            assert set(gap) == {
                "diff_mean", "diff_ci95", "p_improve", "p_improve_ci95", "correlation", "variance_reduction",
            }  # fmt: skip
        assert set(policy["yearly"]) == {"year", "in_business", *YEARLY}
        assert policy["yearly"]["year"][0] == 2012
        assert len(policy["yearly"]["profit"]) == 15
    nothing = report["policies"]["do_nothing"]
    assert nothing["bankrupt_share"] == 1.0
    assert nothing["closing_part"] == 0.0
    assert nothing["yearly"]["profit"][-1] is None  # nobody left: null, not NaN
    assert nothing["yearly"]["in_business"][-1] == 0.0
    printed = capsys.readouterr().out
    assert "5 test worlds" in printed
    assert printed.index("│ premium maker (premium)") < printed.index("│ do nothing (do_nothing)")


def gaps(file: str) -> Any:
    """J of foresight less J of low_margin_tuned, world by world."""
    rows = read_rows(file)
    best, tuned = (
        np.array([float(row["J"]) for row in rows if row["policy"] == name])
        for name in ("foresight", "low_margin_tuned")
    )
    return best - tuned


@pytest.mark.usefixtures("here")
def test_score_is_the_share_of_the_gap_that_is_closed(shipped: Any, capsys: pytest.CaptureFixture[str]) -> None:
    shipped(hindsight)
    arguments = ["plan", "premium", "--n-worlds", "6", "--no-stress", "--json", "all.json", "--csv", "all.csv"]
    assert main(arguments) == 0
    report = read("all.json")
    policies = report["policies"]
    tuned, best = (policies[name]["J_mean"] for name in ("low_margin_tuned", "foresight"))
    for name, policy in policies.items():
        assert policy["score"] == pytest.approx(100.0 * (policy["J_mean"] - tuned) / (best - tuned)), name
        share = report["profile"]["policies"][name]["share"]
        assert len(share) == len(report["profile"]["tau"])
        assert share == sorted(share, reverse=True)
    assert (policies["low_margin_tuned"]["score"], policies["foresight"]["score"]) == (0.0, pytest.approx(100.0))
    assert policies["foresight"]["beats_best_known"] == 0
    assert policies["foresight"]["J_mean"] == max(policy["J_mean"] for policy in policies.values())
    printed = capsys.readouterr().out
    assert printed.index("score [interval]") < printed.index("J [interval]")
    assert "not a bound" in printed


@pytest.mark.usefixtures("here")
def test_without_shipped_plans_there_is_no_score_and_a_note_says_how_to_make_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ["premium", "--n-worlds", "3", "--split", "validation", "--json", "all.json"]
    assert main(arguments) == 0
    report = read("all.json")
    command = "python -m thinmargin_agents.foresight --split validation --n-worlds 3"
    assert command in report["note"]
    assert report["foresight"] is report["profile"] is None
    assert set(report["policies"]) == {"premium", "low_margin_ecosystem", "low_margin_tuned"}
    for policy in report["policies"].values():
        assert policy["score"] is policy["score_ci95"] is policy["score_iqm"] is policy["beats_best_known"] is None
    assert command in capsys.readouterr().out


@pytest.mark.usefixtures("here")
def test_damaged_plans_cost_the_scores_only(shipped: Any, capsys: pytest.CaptureFixture[str]) -> None:
    def damaged(*_: Any) -> Any:
        raise DamagedFileError("plans.npz cannot be read")

    shipped(damaged)
    assert main(["premium", "--n-worlds", "3", "--no-stress", "--json", "all.json"]) == 1
    report = read("all.json")
    assert list(report["failures"]) == ["foresight"]
    assert "plans.npz cannot be read" in report["failures"]["foresight"]
    assert not lacks(report["note"], "score", "foresight failed")
    assert report["policies"]["premium"]["score"] is None
    assert report["policies"]["premium"]["J_mean"] > 0.0
    assert "plans.npz cannot be read" in capsys.readouterr().err


@pytest.mark.usefixtures("here")
def test_plans_that_gain_nothing_give_no_score(shipped: Any) -> None:
    shipped(lambda *_: SimpleNamespace(policy=baseline("low_margin_tuned"), made=MADE))
    assert main(["premium", "--n-worlds", "2", "--no-stress", "--json", "all.json"]) == 0
    report = read("all.json")
    assert not lacks(report["note"], "score", "foresight", "no more than low_margin_tuned")
    assert report["policies"]["premium"]["score"] is report["profile"] is None
    assert report["foresight"]["worlds_without_gap"] == 2


@pytest.mark.usefixtures("here")
def test_plans_are_played_in_one_batch_in_the_order_of_their_worlds(
    shipped: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped(hindsight)
    main(["--n-worlds", "5", "--no-stress", "--csv", "whole.csv", "low_margin_tuned"])
    monkeypatch.setattr(arena, "BATCH", 2)
    main(["--n-worlds", "5", "--no-stress", "--csv", "parts.csv", "low_margin_tuned"])
    assert read_rows("whole.csv") == read_rows("parts.csv")


def test_a_shipped_file_of_plans_is_what_plays(here: Path, shipped: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = KEYS["test"][:4]
    tables = table_of(baseline("plan"), keys, Settings())
    tables[1] = table_of(baseline("premium"), keys[1:2], Settings())[0]  # rows differ, so their order matters
    value = value_of(keys, tables, Settings())
    save_plans(here / "benchmark_test.npz", KnownPlans(np.array(keys), tables, value, MADE))
    monkeypatch.setattr(plan_files, "FOLDER", here)
    shipped(KNOWN_PLANS)
    arguments = ["premium", "--n-worlds", "3", "--no-stress", "--json", "all.json", "--csv", "all.csv"]
    assert main(arguments) == 0
    earned = [float(row["J"]) for row in read_rows("all.csv") if row["policy"] == "foresight"]
    assert earned == pytest.approx(value[:3].tolist())
    assert read("all.json")["foresight"]["convergence"] == MADE["convergence"]
    (here / "benchmark_test.npz").write_bytes(b"PK damaged")
    assert main(arguments) == 1
    assert "benchmark_test.npz cannot be read" in read("all.json")["failures"]["foresight"]
