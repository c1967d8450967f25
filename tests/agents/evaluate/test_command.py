from __future__ import annotations

import math
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.agents.evaluate.stand_ins import hindsight, make_runs, read, read_rows

from thinmargin.baselines import BASELINES, RandomPolicy
from thinmargin.families import BENCHMARK
from thinmargin.splits import KEYS
from thinmargin_agents.evaluate import run
from thinmargin_agents.evaluate.command import main
from thinmargin_agents.evaluate.config import EvaluateConfig
from thinmargin_agents.play.rollout import play_worlds


@pytest.mark.usefixtures("here")
def test_all_play_the_same_unseen_worlds() -> None:
    assert main(["random", "outsiders.py:Still", "--split", "validation", "--n-worlds", "4", "--csv", "all.csv"]) == 0
    rows = read_rows("all.csv")
    assert list(rows[0]) == [
        *("policy", "world", "J", "profit_part", "closing_part", "bankrupt", "months"),
        *("J_own_levers", "J_playbook", "J_years"),
    ]
    for name in ("random", "outsiders.py:Still", "low_margin_ecosystem"):
        assert [int(row["world"]) for row in rows if row["policy"] == name] == list(KEYS["validation"][:4])
    expected = play_worlds(RandomPolicy(), KEYS["validation"][:4], seed=0)
    assert [float(row["J"]) for row in rows if row["policy"] == "random"] == expected.value.tolist()
    assert [int(row["months"]) for row in rows if row["policy"] == "random"] == expected.months.tolist()


@pytest.mark.slow
@pytest.mark.usefixtures("here")
def test_the_summary_of_a_policy_does_not_depend_on_the_others(shipped: Any) -> None:
    shipped(hindsight)
    main(["premium", "--n-worlds", "4", "--no-stress", "--json", "two.json"])
    others = ["random", "outsiders.py:Vandal", "premium", "premium"]
    main([*others, "--n-worlds", "4", "--no-stress", "--json", "four.json"])
    two, four = (read(file)["policies"]["premium"] for file in ("two.json", "four.json"))
    two_gap, four_gap = two.pop("vs"), four.pop("vs")
    assert two == four
    assert two_gap["low_margin_ecosystem"] == four_gap["low_margin_ecosystem"]


@pytest.mark.usefixtures("here")
def test_without_policies_and_runs_the_hand_coded_ones_play(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--n-worlds", "2", "--no-stress", "--json", "all.json"]) == 0
    assert set(read("all.json")["policies"]) == set(BASELINES)
    assert "No run in logs: thinmargin-train trains one" in capsys.readouterr().err


def test_without_policies_the_latest_run_plays_too(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_runs(here, monkeypatch)
    assert main(["--n-worlds", "2", "--no-stress", "--json", "all.json"]) == 0
    report = read("all.json")
    assert set(report["policies"]) == {"logs/ppo/run_2", *BASELINES}
    assert report["policies"]["logs/ppo/run_2"]["seeds"] == [2]
    assert "Latest run: logs/ppo/run_2" in capsys.readouterr().err


@pytest.mark.usefixtures("intervals_of_few")
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


@pytest.mark.slow
@pytest.mark.usefixtures("here")
def test_the_environment_decides_worlds_grid_and_closing() -> None:
    def judged(env: str, *policies: str) -> dict[str, Any]:
        assert main([*policies, "--env", env, "--n-worlds", "3", "--no-stress", "--json", "all.json"]) == 0
        return dict(read("all.json")["policies"])

    benchmark = judged("thinmargin:ThinMargin/Ecosystem-v1", "premium")
    grid = judged("ThinMargin/EcosystemDiscrete-v1", "premium", "outsiders.py:Grid")
    assert grid["premium"]["J_mean"] == benchmark["premium"]["J_mean"]  # hand-coded ones move levers freely
    assert math.isfinite(grid["outsiders.py:Grid"]["J_mean"])
    assert judged("ThinMargin/EcosystemContinuing-v1", "premium")["premium"]["closing_part"] == 0.0
    cheap = "low_margin_ecosystem"
    assert judged("ThinMargin/PriceWar-v1")[cheap]["J_mean"] < benchmark[cheap]["J_mean"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--n-worlds", "2000000"], ["--n-worlds is 2000000", "2 to 1000000"]),
        (["--n-worlds", "many"], ["--n-worlds", "many"]),
        (["--seed", "-1"], ["--seed is -1", "from 0"]),
        (["--n-stress-worlds", "1"], ["--n-stress-worlds is 1", "from 2"]),
        (["--time-limit", "0"], ["--time-limit is 0", "above 0 seconds"]),
        (["--time-limit", "nan"], ["--time-limit is nan", "above 0 seconds"]),
        (["--stress", "--no-stress"], ["--stress and --no-stress", "one of the two"]),
        (["--no-stress", "--n-stress-worlds", "3"], ["--n-stress-worlds is 3", "no held-out worlds", "--no-stress"]),
        (
            ["--n-stress-worlds", "3", "--split", "validation"],
            ["--n-stress-worlds is 3", "test worlds of the benchmark"],
        ),
        (["--stress", "--split", "validation"], ["--stress", "--split test", "validation"]),
        (
            ["--stress", "--env", "ThinMargin/PriceWar-v1"],
            ["--stress", "--env ThinMargin/Ecosystem-v1"],
        ),
        (["--markdown", "outsiders.py"], ["--markdown is 'outsiders.py'", "<!-- results -->", "a new file"]),
        (["--markdown", "one.md", "./one.md"], ["--markdown and --markdown", "one.md"]),
        (["--env", "CartPole-v1"], ["--env is 'CartPole-v1'", "ThinMargin/Ecosystem-v1, ", "EntrantClone-v1"]),
        (["--split", "train"], ["--split", "train", "validation", "test"]),
        (["premum"], ["POLICY", "'premum'", "did you mean premium?", "file.py:Class"]),
        (["outsiders.py:Nobody"], ["POLICY", "Nobody", "Still"]),
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


def test_the_environment_is_the_benchmark_by_default() -> None:
    assert EvaluateConfig().env == BENCHMARK  # a literal there: the package is too heavy for --help


@pytest.mark.slow
def test_help_and_synonyms(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert main(["--n_worlds", "2", "--no_stress", "--log_folder", str(here / "elsewhere")]) == 0
    assert main(["premium", "--n-eval-episodes", "2", "--no-stress"]) == 0
    assert "elsewhere" in capsys.readouterr().err


@pytest.mark.usefixtures("here")
def test_a_command_gives_the_same_numbers_again() -> None:
    arguments = ["outsiders.py:Still", "--n-worlds", "3", "--split", "validation", "--seed", "4", "--json"]
    assert main([*arguments, "one.json"]) == 0
    words = shlex.split(read("one.json")["command"])
    assert words[0] == "thinmargin-evaluate"  # there is no script in this folder
    assert main([*words[1:], "--json", "two.json"]) == 0
    assert read("one.json") == read("two.json")
