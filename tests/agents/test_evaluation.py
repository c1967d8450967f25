from __future__ import annotations

import csv
import json
import math
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import thinmargin
from thinmargin.baselines import BASELINES, RandomPolicy
from thinmargin.splits import KEYS
from thinmargin_agents import judging
from thinmargin_agents.evaluation import main
from thinmargin_agents.rollout import YEARLY, play_worlds

OUTSIDERS = """
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
"""


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
    for flag in ("POLICY", "--env", "--split", "--n-worlds", "--log-folder", "--json", "--csv", "--seed"):
        assert flag in done.stdout


@pytest.mark.usefixtures("here")
def test_json_has_everything_and_says_what_was_played(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["premium", "do_nothing", "--n-worlds", "5", "--json", "all.json", "--csv", "all.csv"]) == 0
    report = read("all.json")
    assert report["environment"] == "ThinMargin/Ecosystem-v0"
    assert (report["split"], report["worlds"], report["failures"]) == ("test", 5, {})
    assert report["versions"]["thinmargin"] == thinmargin.__version__
    assert {"python", "numpy", "numba", "gymnasium"} <= set(report["versions"])
    assert set(report["policies"]) == {"premium", "do_nothing", "low_margin_ecosystem"}
    rows = read_rows("all.csv")
    for name, policy in report["policies"].items():
        assert set(policy) >= {
            "J_mean", "J_iqm", "J_ci95", "score", "score_ci95", "score_iqm", "bankrupt_share", "saturation",
            "profit_part", "closing_part", "vs", "seeds", "percentiles", "yearly",
        }  # fmt: skip
        values = [float(row["J"]) for row in rows if row["policy"] == name]
        assert policy["J_mean"] == pytest.approx(np.mean(values))
        assert policy["J_mean"] == pytest.approx(policy["profit_part"] + policy["closing_part"])
        assert policy["J_ci95"][0] <= policy["J_mean"] <= policy["J_ci95"][1]
        assert policy["percentiles"]["50"] == pytest.approx(np.median(values))
        assert list(policy["saturation"]) == ["price", "accessories", "marketing", "updates"]
        assert policy["score"] is policy["score_ci95"] is policy["score_iqm"] is None
        assert policy["seeds"] == []
        assert set(policy["vs"]) == set(report["policies"]) - {name}
        for gap in policy["vs"].values():
            assert set(gap) == {"diff_mean", "diff_ci95", "p_improve"}
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
def test_what_is_said_of_a_policy_does_not_depend_on_the_others() -> None:
    main(["premium", "--n-worlds", "4", "--json", "two.json"])
    main(["random", "myopic", "premium", "premium", "--n-worlds", "4", "--json", "four.json"])
    two, four = (read(file)["policies"]["premium"] for file in ("two.json", "four.json"))
    two_gap, four_gap = two.pop("vs"), four.pop("vs")
    assert two == four
    assert two_gap["low_margin_ecosystem"] == four_gap["low_margin_ecosystem"]


@pytest.mark.usefixtures("here")
def test_a_policy_that_fails_costs_only_its_own_row(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["outsiders.py:Tired", "premium", "outsiders.py:Still"]
    assert main([*names, "--n-worlds", "3", "--json", "all.json"]) == 1
    report = read("all.json")
    assert set(report["policies"]) == {"premium", "outsiders.py:Still", "low_margin_ecosystem"}
    assert set(report["failures"]) == {"outsiders.py:Tired"}
    shown = capsys.readouterr()
    assert "premium" in shown.out
    assert "policy 'outsiders.py:Tired', month 91: predict raised RuntimeError: enough" in shown.err


@pytest.mark.usefixtures("here")
def test_without_policies_and_runs_the_hand_coded_ones_play(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--n-worlds", "2", "--json", "all.json"]) == 0
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
    monkeypatch.setitem(sys.modules, "thinmargin_agents.runs", stand_in)
    return names


def test_without_policies_the_latest_run_plays_too(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_runs(here, monkeypatch)
    assert main(["--n-worlds", "2", "--json", "all.json"]) == 0
    report = read("all.json")
    assert set(report["policies"]) == {"logs/ppo/run_2", *BASELINES}
    assert report["policies"]["logs/ppo/run_2"]["seeds"] == [2]
    assert "Latest run: logs/ppo/run_2" in capsys.readouterr().err


def test_runs_joined_by_commas_are_one_policy_of_several_seeds(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = make_runs(here, monkeypatch)
    assert main([f"{one},{two}", one, two, "--n-worlds", "4", "--json", "all.json", "--csv", "all.csv"]) == 0
    policies = read("all.json")["policies"]
    both = policies[f"{one},{two}"]
    assert both["seeds"] == [1, 2]
    assert both["J_by_seed"] == pytest.approx([policies[one]["J_mean"], policies[two]["J_mean"]])
    assert both["J_mean"] == pytest.approx(np.mean(both["J_by_seed"]))
    rows = read_rows("all.csv")
    assert len(rows) == 4 * (2 + 1 + 1 + 1)
    assert {row["policy"] for row in rows} == {one, two, "low_margin_ecosystem"}


@pytest.mark.usefixtures("here")
def test_the_environment_decides_worlds_grid_and_closing() -> None:
    def judged(env: str, *policies: str) -> dict[str, Any]:
        assert main([*policies, "--env", env, "--n-worlds", "3", "--json", "all.json"]) == 0
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
    monkeypatch.setattr(judging, "play_all", None)
    assert main(arguments) == 2
    message = " ".join(capsys.readouterr().err.replace("│", " ").split())
    for word in words:
        assert word in message
    assert sorted(path.name for path in Path().iterdir() if path.name != "__pycache__") == ["outsiders.py"]


def test_help_and_synonyms(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert main(["--n_worlds", "2", "--log_folder", str(here / "elsewhere")]) == 0
    assert main(["premium", "--n-eval-episodes", "2"]) == 0
    assert "elsewhere" in capsys.readouterr().err


@pytest.mark.usefixtures("here")
def test_a_file_is_whole_or_as_it_was(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    file = Path("all.json")
    file.write_text("old")

    def full(_: int) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        assert main(["premium", "--n-worlds", "2", "--json", "all.json"]) == 1
    assert "could not be written: no space left" in capsys.readouterr().err
    assert file.read_text() == "old"
    assert [path for path in Path().iterdir() if path.suffix == ".tmp"] == []
    Path("link.json").symlink_to(file)
    assert main(["premium", "--n-worlds", "2", "--json", "link.json"]) == 0
    assert Path("link.json").is_symlink()
    assert read("all.json")["worlds"] == 2


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="no devices as files")  # noqa: PTH110  # a skip condition
def test_a_device_is_not_replaced_by_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["premium", "--n-worlds", "2", "--json", "/dev/null"]) == 2
    assert "not a file" in capsys.readouterr().err


def test_markdown_replaces_what_stands_between_the_markers_and_names_its_command(here: Path) -> None:
    page = here / "page.md"
    page.write_text("before\n<!-- results -->\nold\n<!-- end -->\nafter\n", encoding="utf-8")
    arguments = ["premium", "--n-worlds", "3", "--split", "validation", "--markdown", "page.md", "--json", "out.json"]
    assert main(arguments) == 0
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n<!-- results -->\n`python evaluate.py premium ")
    assert text.endswith("\n<!-- end -->\nafter\n")
    assert "--split validation --n-worlds 3" in text
    assert "old" not in text
    mean = read("out.json")["policies"]["premium"]["J_mean"]
    assert f"| premium | {mean:.1f} [" in text
    assert main([*arguments[:-4], "--markdown", "new.md"]) == 0
    assert (here / "new.md").read_text(encoding="utf-8").startswith("`python evaluate.py premium ")


def test_two_flags_cannot_write_the_same_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["premium", "--n-worlds", "2", "--csv", "same", "--markdown", "same"]) == 2
    told = capsys.readouterr().err
    assert "--csv" in told
    assert "--markdown" in told
    assert not (here / "same").exists()
