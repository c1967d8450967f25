"""Settings of training that a stock zip tells: compared with the flags, taken over, or named as left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3.common.noise import NormalActionNoise, OrnsteinUhlenbeckActionNoise
from stable_baselines3.common.utils import LinearSchedule
from stable_baselines3.common.vec_env import DummyVecEnv
from tests.agents.import_sb3.test_agreement import KINDS, make, take, trained
from tests.agents.import_sb3.test_origin import edited
from tests.messages import lacks, said

from thinmargin_agents.import_sb3.pickled import train_freq_in
from thinmargin_agents.import_sb3.values import UNTOLD, noise_told, value_told
from thinmargin_agents.runs.folder import RunFolder

NORMAL = NormalActionNoise(np.zeros(4), np.full(4, 0.3))
ORNSTEIN = OrnsteinUhlenbeckActionNoise(np.zeros(4), np.full(4, 0.3))


def hyperparameters(folder: Path) -> dict[str, Any]:
    return RunFolder.open(folder / "run").run().hyperparameters


@pytest.mark.parametrize(
    ("algo", "settings", "flag", "theirs"),
    [
        ("ppo", {}, "target_kl=0.5", "target_kl null"),
        ("ppo", {"clip_range": 0.1}, "clip_range=0.3", "clip_range 0.1"),
        ("ppo", {"learning_rate": LinearSchedule(0.01, 0.0, 1.0)}, "learning_rate=0.02", "learning_rate lin_0.01"),
        ("ppo", {"gamma": np.float32(0.97)}, "gamma=0.5", "gamma 0.97"),
        ("ppo", {}, "paired_worlds=4", "paired_worlds 1"),
        ("ppo", {"policy_kwargs": {"log_std_init": -2.0}}, "policy_kwargs.log_std_init=-1", "log_std_init -2.0"),
        ("ppo", {}, "policy_kwargs.ortho_init=false", "ortho_init true"),
        ("sac", {}, "policy_kwargs.log_std_init=-1", "log_std_init -3"),
        ("a2c", {}, "use_rms_prop=false", "use_rms_prop true"),
        ("a2c", {"use_rms_prop": False}, "use_rms_prop=true", "use_rms_prop false"),
        ("sac", {"train_freq": 3}, "train_freq=2", "train_freq 3"),
        ("sac", {}, "target_entropy=-1", "target_entropy -4.0"),
        ("td3", {"action_noise": NORMAL}, "noise_std=1.5", "noise_std 0.3"),
        ("td3", {}, "noise_type=normal", "noise_type null"),
        ("sac", {}, "noise_std=0.2", "noise_std 0"),
        ("td3", {"action_noise": ORNSTEIN}, "noise_type=normal", "action_noise OrnsteinUhlenbeckActionNoise"),
    ],
)
def test_a_flag_that_contradicts_the_zip_is_refused(
    algo: str, settings: dict[str, Any], flag: str, theirs: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert take(trained(algo, tmp_path, **settings), algo, flag) == 2
    name, _, ours = flag.partition("=")
    assert not lacks(said(capsys), "was trained with", theirs, name, "the flags say", ours)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("algo", "settings", "taken"),
    [
        ("ppo", {"policy_kwargs": {"log_std_init": -2.0, "ortho_init": False}},
         {"policy_kwargs": {"net_arch": [8], "log_std_init": -2.0, "ortho_init": False}}),
        ("ppo", {"learning_rate": LinearSchedule(0.01, 0.0, 1.0), "clip_range": LinearSchedule(0.2, 0.0, 1.0)},
         {"learning_rate": "lin_0.01", "clip_range": "lin_0.2"}),
        ("ppo", {"target_kl": 0.1}, {"target_kl": 0.1}),
        ("a2c", {}, {"use_rms_prop": True}),
        ("a2c", {"use_rms_prop": False}, {"use_rms_prop": False}),
        ("td3", {"action_noise": NORMAL}, {"noise_type": "normal", "noise_std": 0.3}),
        ("td3", {}, {"noise_type": None, "noise_std": 0.0}),
        ("tqc", {"train_freq": 3}, {"train_freq": 3, "target_entropy": -4.0}),
        ("dqn", {"exploration_final_eps": 0.2}, {"exploration_final_eps": 0.2, "train_freq": 4}),
    ],
)  # fmt: skip
def test_what_the_zip_tells_is_taken_over(
    algo: str, settings: dict[str, Any], taken: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert take(trained(algo, tmp_path, **settings), algo) == 0
    assert hyperparameters(tmp_path).items() >= taken.items()
    assert "not taken over" not in capsys.readouterr().out


def test_noise_of_several_firms_is_read(tmp_path: Path) -> None:
    kind, arguments = KINDS["td3"]
    model = kind("MlpPolicy", DummyVecEnv([make, make]), policy_kwargs={"net_arch": [8]}, action_noise=NORMAL,
                 **arguments)  # fmt: skip
    model.learn(24)
    model.save(tmp_path / "model.zip")
    assert take(tmp_path / "model.zip", "td3") == 0
    assert hyperparameters(tmp_path)["noise_std"] == 0.3


@pytest.mark.parametrize(
    ("algo", "settings", "left"),
    [
        ("ppo", {"clip_range_vf": 0.3, "stats_window_size": 7}, ("clip_range_vf 0.3", "stats_window_size 7")),
        ("ppo", {"policy_kwargs": {"optimizer_class": torch.optim.SGD}}, ("policy_kwargs.optimizer_class", ".SGD")),
        ("ppo", {"learning_rate": lambda left: 1e-3 * left}, ("learning_rate function",)),
        ("a2c", {"rms_prop_eps": 1e-3}, ("policy_kwargs.optimizer_kwargs", "'eps': 0.001")),
        ("td3", {"action_noise": ORNSTEIN}, ("action_noise OrnsteinUhlenbeckActionNoise",)),
        ("sac", {"train_freq": (1, "episode")}, ("train_freq 1 episode",)),
        ("dqn", {"optimize_memory_usage": True, "replay_buffer_kwargs": {"handle_timeout_termination": False}},
         ("optimize_memory_usage true", "replay_buffer_kwargs {'handle_timeout_termination': False}")),
    ],
)  # fmt: skip
def test_one_note_names_what_is_not_taken_over(
    algo: str, settings: dict[str, Any], left: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert take(trained(algo, tmp_path, **settings), algo) == 0
    told = capsys.readouterr().out
    assert told.count("not taken over from the zip") == 1
    assert not lacks(told, *left)


def test_the_seed_is_that_of_the_zip(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = trained("ppo", tmp_path, seed=12)
    assert take(model, "ppo", seed="3") == 2
    assert not lacks(said(capsys), "was trained with seed 12", "--seed is 3", "give --seed 12")
    assert take(edited(model, seed=1 << 40), "ppo", seed="3") == 2
    assert "--seed is 3: leave it out" in said(capsys)
    assert take(model, "ppo") == 0
    assert RunFolder.open(tmp_path / "run").run().seed == 12


@pytest.mark.parametrize("settings", [{"num_timesteps": 10**30}, {"n_envs": 10**30}, {"n_envs": -2}])
def test_months_that_no_run_can_have_are_refused(
    settings: dict[str, int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert take(edited(trained("ppo", tmp_path), **settings), "ppo") == 2
    assert not lacks(said(capsys), "hyper-parameter n_", str(*settings.values())[:20], "allowed are whole numbers")
    assert not (tmp_path / "run").exists()


def test_what_is_no_value_is_untold() -> None:
    utils = "stable_baselines3.common.utils"
    for odd in (
        [1], {}, {":type:": 3}, {":type:": f"<class '{utils}.FloatSchedule'>"},
        {":type:": f"<class '{utils}.FloatSchedule'>", "value_schedule": "ConstantSchedule(val=e)"},
        {":type:": f"<class '{utils}.LinearSchedule'>", "start": 1.0, "end": 0.5, "end_fraction": 1.0},
        {":type:": "<class 'numpy.float32'>", ":serialized:": "!!"},
        {":type:": "<class 'stable_baselines3.common.type_aliases.TrainFreq'>", ":serialized:": 3},
    ):  # fmt: skip
        assert value_told(odd) is UNTOLD
    noise = "<class 'stable_baselines3.common.noise.NormalActionNoise'>"
    for sigma, mu in (("[0.3 0.2]", "[0. 0.]"), ("[0.3 0.3]", "[0. 1.]"), ("[]", "[]"), ("[0.3 ... 0.3]", "[0.]")):
        assert noise_told({":type:": noise, "_sigma": sigma, "_mu": mu}) is UNTOLD
    assert noise_told([1]) is UNTOLD
    for odd in (None, "", "!!", "AAAA"):
        assert train_freq_in(odd) is None
