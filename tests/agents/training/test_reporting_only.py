"""Test worlds and held-out scenarios are for reporting: nothing that learns or chooses ever plays them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from thinmargin import ENVIRONMENTS
from thinmargin.scenarios import FAMILIES
from thinmargin.splits import KEYS
from thinmargin_agents.config.preset import resolve
from thinmargin_agents.config.train_config import TrainConfig
from thinmargin_agents.judging import validation
from thinmargin_agents.judging.validation import Judge
from thinmargin_agents.play.rollout import play_worlds
from thinmargin_agents.sb3.building import build_environment
from thinmargin_agents.train import main

HELD_OUT = [entry.id for entry in ENVIRONMENTS if FAMILIES[str(entry.kwargs["worlds"])].held_out]


@pytest.mark.parametrize("split", ["test", "validation"])
def test_training_on_kept_worlds_is_refused(split: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--env-kwargs", f"split={split}", "--log-folder", str(tmp_path)]) == 2
    assert f"split is '{split}': training draws from 'train' only" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("env", HELD_OUT)
def test_training_in_held_out_scenarios_is_refused(
    env: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--env", env, "--log-folder", str(tmp_path)]) == 2
    assert "held out, never trained on" in capsys.readouterr().err
    family = next(entry.kwargs["worlds"] for entry in ENVIRONMENTS if entry.id == env)
    assert main(["--env-kwargs", f"worlds={family}", "--log-folder", str(tmp_path)]) == 2
    assert "held out, never trained on" in capsys.readouterr().err


def test_there_are_five_held_out_scenarios() -> None:
    assert len(HELD_OUT) == 5


def test_a_policy_that_learns_is_chosen_on_validation_worlds(monkeypatch: pytest.MonkeyPatch) -> None:
    played: list[int] = []

    def spy(policy: Any, keys: Any, **arguments: Any) -> Any:
        played.extend(keys)
        return play_worlds(policy, keys, **arguments)

    monkeypatch.setattr(validation, "play_worlds", spy)
    judge = Judge({"horizon": 6, "split": "test"}, 3)  # whatever is asked for
    judge.judge(validation.baseline("premium"))
    assert played == 2 * list(KEYS["validation"][:3])


@pytest.mark.parametrize("copies", [1, 4])
def test_experience_comes_from_training_worlds(copies: int) -> None:
    config = TrainConfig(n_envs=8, hyperparams=(f"paired_worlds={copies}", "n_steps=3"), env_kwargs=("horizon=3",))
    environment = build_environment(resolve(config))
    environment.reset()
    keys = environment.firms.get_state()["sources"]["key"].tolist()
    assert len(keys) == 8
    assert len(set(keys)) == 8 / copies
    assert all(key in KEYS["train"] for key in keys)
