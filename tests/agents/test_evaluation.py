from __future__ import annotations

import csv
import io
import json
import math
import os
import shlex
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rich.console import Console

import thinmargin
from thinmargin.baselines import BASELINES, RandomPolicy, baseline
from thinmargin.families import FAMILY_TABLE
from thinmargin.files import DamagedFileError
from thinmargin.settings import Settings
from thinmargin.splits import KEYS
from thinmargin_agents.evaluate import run
from thinmargin_agents.evaluate.command import main
from thinmargin_agents.evaluate.tables import show
from thinmargin_agents.foresight import plan_files
from thinmargin_agents.foresight.improvement import played
from thinmargin_agents.foresight.plan_files import KnownPlans, save_plans
from thinmargin_agents.foresight.search import value_of
from thinmargin_agents.judging import arena
from thinmargin_agents.play.outcome import YEARLY
from thinmargin_agents.play.rollout import play_worlds

KNOWN_PLANS = plan_files.known_plans
OUTSIDERS = """
import time
import numpy as np

class Still:
    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        return np.zeros((len(observation), 4)), state

class Tired(Still):
    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        if observation[0, 0] > 0.5:
            raise RuntimeError("enough")
        return super().predict(observation, state)

class Grid:
    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        return np.full(len(observation), 100), state

class Vandal(Still):
    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        observation[:] = np.nan
        episode_start[:] = True
        return super().predict(observation, state)

class Dreamer(Still):
    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        while True:
            time.sleep(0.01)

class Late(Still):
    def __init__(self):
        time.sleep(10.0)

class Fragile(Still):
    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        if observation[0, 0] == 0.0:
            self.plays = getattr(self, "plays", 0) + 1
        if self.plays == 3:
            raise RuntimeError("too much")
        return super().predict(observation, state)
"""
WHOLE = {
    "J_mean", "J_iqm", "J_ci95", "J_ci95_worlds", "J_ci95_seeds", "J_by_seed", "score", "score_ci95",
    "score_ci95_worlds", "score_ci95_seeds", "score_by_seed", "score_iqm", "score_iqm_ci95", "beats_best_known",
    "bankrupt_share", "months_mean", "saturation", "profit_part", "closing_part", "vs", "seeds", "percentiles",
    "yearly",
}  # fmt: skip
"""What the JSON file says of every policy."""
SCENARIOS = [name for name, entry in FAMILY_TABLE.items() if entry.held_out]


@dataclass
class BestOf:
    """In every world the best of two rules, chosen with hindsight: as good as knowing a little of the future."""

    rules: tuple[Any, ...]
    chosen: Any

    def predict(self, observation: Any, state: Any = None, **_: Any) -> tuple[Any, Any]:
        answers = np.stack([rule.predict(observation)[0] for rule in self.rules])
        return answers[self.chosen, np.arange(len(observation))], state


MADE = {"command": "python -m somewhere", "evaluations": 2, "convergence": {"doubling_adds_percent": 0.5}}


def hindsight(family: str, keys: Any, horizon: int, closing: bool) -> Any:
    """A stand-in for the shipped plans: of the benchmark's worlds only."""
    if family != "benchmark" or not closing:
        return None
    rules = (baseline("low_margin_tuned"), baseline("plan"))
    values = np.stack([play_worlds(rule, keys, horizon=horizon).value for rule in rules])
    return SimpleNamespace(policy=BestOf(rules, values.argmax(axis=0)), made=MADE)


@pytest.fixture(autouse=True)
def no_agents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thinmargin_agents.policies.shipped.FOLDER", tmp_path / "no agents")


@pytest.fixture(autouse=True)
def shipped(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Ship plans made by this function; none unless a test does."""

    def ship(known_plans: Any) -> None:
        monkeypatch.setattr("thinmargin_agents.foresight.plan_files.known_plans", known_plans)

    ship(lambda *_: None)
    return ship


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder with a few policies in outsiders.py."""
    monkeypatch.chdir(tmp_path)
    Path("outsiders.py").write_text(OUTSIDERS)
    return tmp_path


def refuse_constant(name: str) -> Any:
    raise AssertionError(f"{name} is not JSON")


def read(file: str) -> dict[str, Any]:
    report = json.loads(Path(file).read_text(), parse_constant=refuse_constant)
    assert isinstance(report, dict)
    return report


def read_rows(file: str) -> list[dict[str, str]]:
    with Path(file).open(newline="") as lines:
        return list(csv.DictReader(lines))


def test_help_imports_nothing_heavy() -> None:
    root = Path(__file__).parents[2]
    program = (
        "import runpy, sys\n"
        "sys.argv = ['evaluate.py', '--help']\n"
        "try:\n"
        "    runpy.run_path('evaluate.py', run_name='__main__')\n"
        "except SystemExit as end:\n"
        "    assert end.code == 0, end.code\n"
        "heavy = {'numba', 'torch', 'stable_baselines3', 'gymnasium', 'numpy', 'thinmargin'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(  # noqa: S603  # the program is written above
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for flag in (
        "POLICY", "--env", "--split", "--n-worlds", "--stress", "--no-stress", "--n-stress-worlds", "--time-limit",
        "--log-folder", "--json", "--csv", "--markdown", "--html", "--seed",
    ):  # fmt: skip
        assert flag in done.stdout


@pytest.mark.usefixtures("here")
def test_json_has_everything_and_says_what_was_played(shipped: Any, capsys: pytest.CaptureFixture[str]) -> None:
    shipped(hindsight)
    assert main(["premium", "do_nothing", "--n-worlds", "5", "--json", "all.json", "--csv", "all.csv"]) == 0
    report = read("all.json")
    assert report["environment"] == "ThinMargin/Ecosystem-v0"
    assert (report["split"], report["worlds"], report["seed"], report["failures"]) == ("test", 5, 0, {})
    assert report["command"].startswith("python evaluate.py premium do_nothing --env ThinMargin/Ecosystem-v0 ")
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
    assert printed.index("│ premium") < printed.index("│ do_nothing")


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
    assert "foresight is the best known plan of each world given its future, not a bound" in printed


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
    assert report["failures"] == {"foresight": "policy 'foresight' cannot be loaded: plans.npz cannot be read"}
    assert report["note"] == "score is null: foresight failed"
    assert report["policies"]["premium"]["score"] is None
    assert report["policies"]["premium"]["J_mean"] > 0.0
    assert "plans.npz cannot be read" in capsys.readouterr().err


@pytest.mark.usefixtures("here")
def test_plans_that_gain_nothing_give_no_score(shipped: Any) -> None:
    shipped(lambda *_: SimpleNamespace(policy=baseline("low_margin_tuned"), made=MADE))
    assert main(["premium", "--n-worlds", "2", "--no-stress", "--json", "all.json"]) == 0
    report = read("all.json")
    assert report["note"] == "score is null: foresight earns no more than low_margin_tuned in these worlds"
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
    tables = played(baseline("plan"), keys, Settings())
    tables[1] = played(baseline("premium"), keys[1:2], Settings())[0]  # rows differ, so their order matters
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


@pytest.mark.usefixtures("here")
def test_stress_worlds_show_what_breaks(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["outsiders.py:Still", "--n-worlds", "4", "--n-stress-worlds", "3", "--json", "all.json"]
    assert main([*arguments, "--csv", "all.csv"]) == 0
    report = read("all.json")
    assert list(report["stress"]) == SCENARIOS
    assert report["stress_worlds"] == 3
    calm = {name: [] for name in report["policies"]}
    for row in read_rows("all.csv"):
        calm[row["policy"]].append(float(row["J"]))
    keys = KEYS["test"][:3]
    cheap = "low_margin_ecosystem"
    hard = play_worlds(baseline(cheap), keys, worlds="price_war").value
    tuned = play_worlds(baseline("low_margin_tuned"), keys, worlds="price_war").value
    told = report["stress"]["price_war"][cheap]
    assert told["J_mean"] == pytest.approx(hard.mean())
    assert told["J_benchmark"] == pytest.approx(np.mean(calm[cheap][:3]))
    assert told["kept"] == pytest.approx(hard.mean() / np.mean(calm[cheap][:3]))
    assert told["diff_mean"] == pytest.approx(np.mean(hard - tuned))
    assert told["diff_ci95"][0] <= told["diff_mean"] <= told["diff_ci95"][1]
    for scenario in report["stress"].values():
        assert set(scenario) == {"outsiders.py:Still", cheap, "low_margin_tuned"}
        assert scenario["low_margin_tuned"]["diff_mean"] is None
        for policy in scenario.values():
            assert policy["J_ci95"][0] <= policy["J_mean"] <= policy["J_ci95"][1]
            assert 0.0 <= policy["bankrupt_share"] <= 1.0
    printed = capsys.readouterr().out
    assert "held-out scenarios, 3 worlds each" in printed
    assert "services clampdown" in printed


@pytest.mark.usefixtures("here")
def test_stress_worlds_go_with_the_benchmarks_test_worlds_only() -> None:
    def stressed(*arguments: str) -> Any:
        assert main(["low_margin_tuned", *arguments, "--n-worlds", "2", "--json", "all.json"]) == 0
        return read("all.json")["stress"]

    assert list(stressed()) == list(stressed("--stress")) == SCENARIOS
    for arguments in (("--no-stress",), ("--split", "validation"), ("--env", "ThinMargin/EcosystemCalibrated-v0")):
        assert stressed(*arguments) == {}


@pytest.mark.usefixtures("here")
def test_a_policy_that_fails_under_stress_keeps_what_it_has_done(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["outsiders.py:Fragile", "--n-worlds", "2", "--json", "all.json"]) == 1
    report = read("all.json")
    fragile = "outsiders.py:Fragile"
    assert fragile in report["policies"]
    assert [scenario for scenario in SCENARIOS if fragile in report["stress"][scenario]] == ["price_war"]
    assert report["failures"][fragile].endswith("predict raised RuntimeError: too much (in component_shortage worlds)")
    assert "too much" in capsys.readouterr().err


@pytest.mark.usefixtures("here")
def test_all_play_the_same_unseen_worlds() -> None:
    assert main(["random", "outsiders.py:Still", "--split", "validation", "--n-worlds", "4", "--csv", "all.csv"]) == 0
    rows = read_rows("all.csv")
    assert list(rows[0]) == ["policy", "world", "J", "profit_part", "closing_part", "bankrupt", "months"]
    for name in ("random", "outsiders.py:Still", "low_margin_ecosystem"):
        assert [int(row["world"]) for row in rows if row["policy"] == name] == list(KEYS["validation"][:4])
    expected = play_worlds(RandomPolicy(), KEYS["validation"][:4], seed=0)
    assert [float(row["J"]) for row in rows if row["policy"] == "random"] == expected.value.tolist()
    assert [int(row["months"]) for row in rows if row["policy"] == "random"] == expected.months.tolist()


@pytest.mark.usefixtures("here")
def test_what_is_said_of_a_policy_does_not_depend_on_the_others(shipped: Any) -> None:
    shipped(hindsight)
    main(["premium", "--n-worlds", "4", "--no-stress", "--json", "two.json"])
    others = ["random", "outsiders.py:Vandal", "premium", "premium"]
    main([*others, "--n-worlds", "4", "--no-stress", "--json", "four.json"])
    two, four = (read(file)["policies"]["premium"] for file in ("two.json", "four.json"))
    two_gap, four_gap = two.pop("vs"), four.pop("vs")
    assert two == four
    assert two_gap["low_margin_ecosystem"] == four_gap["low_margin_ecosystem"]


@pytest.mark.usefixtures("here")
def test_a_policy_that_fails_costs_only_its_own_row(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["outsiders.py:Tired", "premium", "outsiders.py:Still"]
    assert main([*names, "--n-worlds", "3", "--no-stress", "--json", "all.json"]) == 1
    report = read("all.json")
    assert set(report["policies"]) == {"premium", "outsiders.py:Still", "low_margin_ecosystem", "low_margin_tuned"}
    assert set(report["failures"]) == {"outsiders.py:Tired"}
    shown = capsys.readouterr()
    assert "premium" in shown.out
    assert "policy 'outsiders.py:Tired', month 91: predict raised RuntimeError: enough" in shown.err


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no interval timers here")
@pytest.mark.usefixtures("here")
def test_a_policy_that_never_answers_costs_only_its_own_row(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["outsiders.py:Dreamer", "outsiders.py:Late", "outsiders.py:Still"]
    assert main([*names, "--n-worlds", "2", "--no-stress", "--time-limit", "0.8", "--json", "all.json"]) == 1
    report = read("all.json")
    assert set(report["policies"]) == {"outsiders.py:Still", "low_margin_ecosystem", "low_margin_tuned"}
    assert set(report["failures"]) == {"outsiders.py:Dreamer", "outsiders.py:Late"}
    told = capsys.readouterr().err
    assert "policy 'outsiders.py:Dreamer', month 0: the time limit of 0.8 seconds is over" in told
    assert "policy 'outsiders.py:Late' cannot be loaded: the time limit of 0.8 seconds is over" in told


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


@pytest.mark.usefixtures("here")
def test_without_policies_and_runs_the_hand_coded_ones_play(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--n-worlds", "2", "--no-stress", "--json", "all.json"]) == 0
    assert set(read("all.json")["policies"]) == set(BASELINES)
    assert "No run in logs: python train.py trains one" in capsys.readouterr().err


def make_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two run folders of random policies with different seeds, behind a stand-in for the runs room."""
    names = []
    for seed in (1, 2):
        run = folder / "logs" / "ppo" / f"run_{seed}"
        run.mkdir(parents=True)
        (run / "config.json").write_text(
            json.dumps({"env_id": "ThinMargin/Ecosystem-v0", "env_kwargs": {}, "seed": seed})
        )
        names.append(f"logs/ppo/run_{seed}")

    class Trained(RandomPolicy):
        def reset(self, seed: int = 0) -> None:
            """Keep the dice of the run."""

    def load_policy(folder: Path, _which: str = "best") -> Trained:
        policy = Trained.__new__(Trained)
        RandomPolicy.reset(policy, int(folder.name[-1]))
        return policy

    stand_in = SimpleNamespace(load_policy=load_policy, latest_run=lambda log_folder: log_folder / "ppo" / "run_2")
    monkeypatch.setitem(sys.modules, "thinmargin_agents.runs.folder", stand_in)
    return names


def test_without_policies_the_latest_run_plays_too(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_runs(here, monkeypatch)
    assert main(["--n-worlds", "2", "--no-stress", "--json", "all.json"]) == 0
    report = read("all.json")
    assert set(report["policies"]) == {"logs/ppo/run_2", *BASELINES}
    assert report["policies"]["logs/ppo/run_2"]["seeds"] == [2]
    assert "Latest run: logs/ppo/run_2" in capsys.readouterr().err


def test_runs_joined_by_commas_are_one_policy_of_several_seeds(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = make_runs(here, monkeypatch)
    arguments = ["--n-worlds", "4", "--no-stress", "--json", "all.json", "--csv", "all.csv"]
    assert main([f"{one},{two}", one, two, *arguments]) == 0
    policies = read("all.json")["policies"]
    both = policies[f"{one},{two}"]
    assert both["seeds"] == [1, 2]
    assert both["J_by_seed"] == pytest.approx([policies[one]["J_mean"], policies[two]["J_mean"]])
    assert both["J_mean"] == pytest.approx(np.mean(both["J_by_seed"]))
    assert both["J_ci95_seeds"] == pytest.approx(sorted(both["J_by_seed"]))  # two trainings: no more is known
    assert both["J_ci95_worlds"][1] - both["J_ci95_worlds"][0] < both["J_ci95"][1] - both["J_ci95"][0]
    assert policies[one]["J_ci95_seeds"] is None
    rows = read_rows("all.csv")
    assert len(rows) == 4 * (2 + 1 + 1 + 1 + 1)
    assert {row["policy"] for row in rows} == {one, two, "low_margin_ecosystem", "low_margin_tuned"}


@pytest.mark.usefixtures("here")
def test_the_environment_decides_worlds_grid_and_closing() -> None:
    def judged(env: str, *policies: str) -> dict[str, Any]:
        assert main([*policies, "--env", env, "--n-worlds", "3", "--no-stress", "--json", "all.json"]) == 0
        return dict(read("all.json")["policies"])

    benchmark = judged("thinmargin:ThinMargin/Ecosystem-v0", "premium")
    grid = judged("ThinMargin/EcosystemDiscrete-v0", "premium", "outsiders.py:Grid")
    assert grid["premium"]["J_mean"] == benchmark["premium"]["J_mean"]  # hand-coded ones move levers freely
    assert math.isfinite(grid["outsiders.py:Grid"]["J_mean"])
    assert judged("ThinMargin/EcosystemContinuing-v0", "premium")["premium"]["closing_part"] == 0.0
    cheap = "low_margin_ecosystem"
    assert judged("ThinMargin/PriceWar-v0")[cheap]["J_mean"] < benchmark[cheap]["J_mean"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--n-worlds", "1"], ["--n-worlds is 1", "2 to 1000000"]),
        (["--n-worlds", "2000000"], ["--n-worlds is 2000000", "2 to 1000000"]),
        (["--n-worlds", "many"], ["--n-worlds", "many"]),
        (["--seed", "-1"], ["--seed is -1", "from 0"]),
        (["--n-stress-worlds", "1"], ["--n-stress-worlds is 1", "from 2"]),
        (["--time-limit", "0"], ["--time-limit is 0", "seconds above 0"]),
        (["--time-limit", "nan"], ["--time-limit is nan", "seconds above 0"]),
        (["--stress", "--no-stress"], ["--stress and --no-stress", "one of them"]),
        (["--stress", "--split", "validation"], ["--stress goes with", "--split test", "for reporting"]),
        (["--stress", "--env", "ThinMargin/PriceWar-v0"], ["--stress goes with --env ThinMargin/Ecosystem-v0"]),
        (["--markdown", "outsiders.py"], ["--markdown is 'outsiders.py'", "<!-- results -->", "a new file"]),
        (["--markdown", "one.md", "./one.md"], ["--markdown and --markdown", "two files"]),
        (["--html", "missing/all.html"], ["--html is 'missing/all.html'", "there is no folder"]),
        (["--env", "CartPole-v1"], ["--env is 'CartPole-v1'", "ThinMargin/Ecosystem-v0, ", "EntrantClone-v0"]),
        (["--split", "train"], ["--split", "train", "validation", "test"]),
        (["--no-such-flag"], ["--no-such-flag"]),
        (["premum"], ["POLICY", "'premum'", "did you mean premium?", "file.py:Class"]),
        (["outsiders.py:Nobody"], ["POLICY", "Nobody", "Still"]),
        (["--json", "missing/all.json"], ["--json is 'missing/all.json'", "there is no folder 'missing'"]),
        (["--csv", "."], ["--csv is '.'", "not a file"]),
        (["--json", "same", "--csv", "./same"], ["--json and --csv", "two files"]),
    ],
)
@pytest.mark.usefixtures("here")
def test_a_flag_that_cannot_be_used_is_named_before_anything_is_played(
    arguments: list[str], words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "play_all", None)
    assert main(arguments) == 2
    message = " ".join(capsys.readouterr().err.replace("│", " ").split())
    for word in words:
        assert word in message
    assert sorted(path.name for path in Path().iterdir() if path.name != "__pycache__") == ["outsiders.py"]


def test_help_and_synonyms(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert main(["--n_worlds", "2", "--no_stress", "--log_folder", str(here / "elsewhere")]) == 0
    assert main(["premium", "--n-eval-episodes", "2", "--no-stress"]) == 0
    assert "elsewhere" in capsys.readouterr().err


@pytest.mark.usefixtures("here")
def test_a_file_is_whole_or_as_it_was(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    file = Path("all.json")
    file.write_text("old")

    def full(_: int) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        assert main(["premium", "--n-worlds", "2", "--no-stress", "--json", "all.json"]) == 1
    assert "could not be written: no space left" in capsys.readouterr().err
    assert file.read_text() == "old"
    assert [path for path in Path().iterdir() if path.suffix == ".tmp"] == []
    Path("link.json").symlink_to(file)
    assert main(["premium", "--n-worlds", "2", "--no-stress", "--json", "link.json"]) == 0
    assert Path("link.json").is_symlink()
    assert read("all.json")["worlds"] == 2


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="no devices as files")  # noqa: PTH110  # a skip condition
def test_a_device_is_not_replaced_by_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["premium", "--n-worlds", "2", "--json", "/dev/null"]) == 2
    assert "not a file" in capsys.readouterr().err


def test_markdown_pages_get_their_tables_and_the_command(here: Path) -> None:
    both, one = here / "both.md", here / "one.md"
    both.write_text("before\n<!-- results -->\nold\n<!-- end -->\n<!-- stress -->\n<!-- end -->\nafter\n")
    one.write_text("<!-- results -->\n<!-- end -->\n")
    arguments = ["premium", "--n-worlds", "3", "--n-stress-worlds", "2", "--json", "out.json"]
    assert main([*arguments, "--markdown", "both.md", "one.md", "new.md"]) == 0
    report = read("out.json")
    command = "python evaluate.py premium --env ThinMargin/Ecosystem-v0 --split test --n-worlds 3 --n-stress-worlds 2"
    assert report["command"] == command
    text = both.read_text(encoding="utf-8")
    assert text.startswith(f"before\n<!-- results -->\n`{command}`: 3 test worlds.\n\n| policy | score [interval] |")
    assert text.endswith("\n<!-- end -->\nafter\n")
    assert "old" not in text
    assert f"| premium | - | {report['policies']['premium']['J_mean']:.1f} [" in text
    told = report["stress"]["price_war"]["premium"]
    assert (
        f"| premium | {told['J_benchmark']:.1f} | {told['J_mean']:.1f}, {100 * told['bankrupt_share']:.1f} % |" in text
    )
    results = text[text.index("<!-- results -->") : text.index("<!-- stress -->")]
    assert one.read_text(encoding="utf-8") == results
    assert "price war" not in results
    assert "price war" in (here / "new.md").read_text(encoding="utf-8")


@pytest.mark.usefixtures("here")
def test_a_command_gives_the_same_numbers_again() -> None:
    arguments = ["outsiders.py:Still", "--n-worlds", "3", "--split", "validation", "--seed", "4", "--json"]
    assert main([*arguments, "one.json"]) == 0
    words = shlex.split(read("one.json")["command"])
    assert words[:2] == ["python", "evaluate.py"]
    assert main([*words[2:], "--json", "two.json"]) == 0
    assert read("one.json") == read("two.json")


def test_two_flags_cannot_write_the_same_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["premium", "--n-worlds", "2", "--csv", "same", "--markdown", "same"]) == 2
    told = capsys.readouterr().err
    assert "--csv" in told
    assert "--markdown" in told
    assert not (here / "same").exists()


def test_the_report_with_pictures_is_asked_for_with_all_that_was_played(
    here: Path, shipped: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped(hindsight)
    asked: dict[str, Any] = {}

    def html_report(*arguments: Any) -> str:
        names = ("report", "results", "stress", "entrants", "playground", "command")
        asked.update(zip(names, arguments, strict=True))
        return "<!doctype html>"

    monkeypatch.setitem(sys.modules, "thinmargin_agents.report", SimpleNamespace(html_report=html_report))
    names = ["outsiders.py:Tired", "premium"]
    assert main([*names, "--n-worlds", "2", "--html", "all.html", "--json", "all.json"]) == 1
    assert (here / "all.html").read_text() == "<!doctype html>"
    everybody = {"premium", "low_margin_ecosystem", "low_margin_tuned", "foresight"}
    assert {result.name for result in asked["results"]} == everybody
    assert {entrant.name for entrant in asked["entrants"]} == everybody
    assert set(asked["report"]["policies"]) == everybody
    assert list(asked["stress"]) == SCENARIOS
    assert {result.name for result in asked["stress"]["price_war"]} == everybody - {"foresight"}
    assert asked["playground"].worlds == "benchmark"
    assert asked["command"] == read("all.json")["command"]


@pytest.mark.parametrize("library", ["matplotlib", "jinja2"])
def test_a_report_without_its_libraries_is_refused_before_anything_is_played(
    library: str, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "play_all", None)
    monkeypatch.setitem(sys.modules, library, None)
    assert main(["premium", "--html", "all.html"]) == 2
    assert f"--html needs {library}: pip install 'thinmargin[report]'" in capsys.readouterr().err
    assert not (here / "all.html").exists()


def test_tables_fit_a_terminal(shipped: Any, here: Path) -> None:
    shipped(hindsight)
    main(["random", "outsiders.py:Still", "--n-worlds", "2", "--json", "all.json"])
    report = read("all.json")
    report["policies"] = {f"{here}/{name * 3}": summary for name, summary in report["policies"].items()}
    report["stress"] = {
        family: {f"{here}/{name * 3}": told for name, told in policies.items()}
        for family, policies in report["stress"].items()
    }
    for width in (80, 120):
        console = Console(width=width, file=io.StringIO(), force_terminal=True, color_system=None)
        show(report, console)
        lines = console.file.getvalue().splitlines()
        assert max(map(len, lines)) <= width
        for head in ("score [interval]", "J [interval]", "P(better)", "95 %", "bankrupt", "price war", "entrant clone"):
            assert any(head in line for line in lines), head
        assert "…" not in "".join(lines)
