"""What a stock zip tells of its model in plain JSON, beside what the flags say."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.wrappers import RescaleObservation
from sb3_contrib import TQC, CrossQ
from stable_baselines3 import A2C, DQN, PPO, SAC, TD3
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.torch_layers import FlattenExtractor
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecNormalize

from thinmargin.splits import KEYS
from thinmargin_agents import import_sb3
from thinmargin_agents.import_sb3.pickled import numbers_in
from thinmargin_agents.play.rollout import play_worlds
from thinmargin_agents.runs.folder import RunFolder, load_policy

ON = {"n_steps": 12, "batch_size": 12}
OFF: dict[str, Any] = {"learning_starts": 4, "buffer_size": 100, "batch_size": 4}
SMALL = {"net_arch": [8]}
SAID = ("policy_kwargs.net_arch=[8]", "env_wrapper=[]")
OWN = {"tqc": ("policy_kwargs.n_quantiles=25",)}
"""What the presets have otherwise than the library."""
KINDS: dict[str, tuple[type[BaseAlgorithm], dict[str, Any]]] = {
    "ppo": (PPO, ON), "a2c": (A2C, {"n_steps": 12}), "sac": (SAC, OFF), "td3": (TD3, OFF), "tqc": (TQC, OFF),
    "crossq": (CrossQ, OFF), "dqn": (DQN, OFF),
}  # fmt: skip


class Other(FlattenExtractor):
    """Somebody's own way to look at observations."""


def make(discrete: bool = False) -> gymnasium.Env[Any, Any]:
    name = "EcosystemDiscrete" if discrete else "Ecosystem"
    return gymnasium.make(f"thinmargin:ThinMargin/{name}-v1", horizon=12)


def trained(algo: str, folder: Path, around: Any = lambda envs: envs, **more: Any) -> Path:
    """A zip of stock Stable-Baselines3 after a little training."""
    kind, arguments = KINDS[algo]
    envs: VecEnv = around(DummyVecEnv([lambda: make(algo == "dqn")]))
    more["policy_kwargs"] = {**SMALL, **more.get("policy_kwargs", {})}
    model = kind("MlpPolicy", envs, **{**arguments, **more})
    model.learn(24)
    model.save(folder / "model.zip")
    return folder / "model.zip"


def take(model: Path, algo: str, *hyperparams: str, **flags: str) -> int:
    env = "ThinMargin/EcosystemDiscrete-v1" if algo == "dqn" else "ThinMargin/Ecosystem-v1"
    more = [word for name, value in flags.items() for word in (f"--{name.replace('_', '-')}", value)]
    return import_sb3.main([
        str(model), "--algo", algo, "--env", env, "--env-kwargs", "horizon=12", "--hyperparams", *SAID,
        *OWN.get(algo, ()), *hyperparams,
        *more, "--output", str(model.parent / "run"),
    ])  # fmt: skip


@pytest.mark.parametrize("algo", KINDS)
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_a_model_is_taken_only_with_its_own_activation(
    algo: str, activation: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = "tanh" if activation == "relu" else "relu"
    function = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh}[activation]
    model = trained(algo, tmp_path, policy_kwargs={"activation_fn": function})
    assert take(model, algo, f"policy_kwargs.activation_fn={other}") == 2
    told = capsys.readouterr().err
    for words in (f"policy_kwargs.activation_fn {activation}", f"say {other}", "--hyperparams"):
        assert words in told
    assert take(model, algo, f"policy_kwargs.activation_fn={activation}") == 0
    usual = "tanh" if algo in ("ppo", "a2c") else "relu"
    (tmp_path / "usual").mkdir()
    plain = trained(algo, tmp_path / "usual")
    assert take(plain, algo, f"policy_kwargs.activation_fn={'relu' if usual == 'tanh' else 'tanh'}") == 2
    assert take(plain, algo) == 0


@pytest.mark.parametrize("algo", KINDS)
def test_a_model_behind_normalised_observations_is_refused(
    algo: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert take(trained(algo, tmp_path, VecNormalize), algo) == 2
    assert "VecNormalize" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_normalised_rewards_change_no_play(tmp_path: Path) -> None:
    model = trained("ppo", tmp_path, lambda envs: VecNormalize(envs, norm_obs=False))
    assert take(model, "ppo") == 0


@pytest.mark.parametrize("place", ["vecnormalize.pkl", "model/vecnormalize.pkl"])
def test_statistics_beside_a_model_are_not_passed_over(
    place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = trained("ppo", tmp_path)
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_bytes(b"")
    assert take(model, "ppo") == 2
    assert "vecnormalize.pkl lies beside it" in " ".join(capsys.readouterr().err.split())


def test_a_model_of_another_algorithm_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = trained("ppo", tmp_path)
    for other, whose in (("a2c", "of ppo"), ("ppo_lstm", "of ppo"), ("sac", "of ppo")):
        assert take(model, other) == 2
        told = capsys.readouterr().err
        assert f"--algo is {other}" in told
        assert whose in told


def test_spaces_of_other_wrappers_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def rescaled() -> gymnasium.Env[Any, Any]:
        return RescaleObservation(make(), np.float32(-1.0), np.float32(1.0))

    model = PPO("MlpPolicy", DummyVecEnv([rescaled]), policy_kwargs=SMALL, **ON)
    model.save(tmp_path / "model.zip")
    assert take(tmp_path / "model.zip", "ppo") == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "observation_space has low -1 in place 0, and the flags describe 0" in told
    assert take(trained("ppo", tmp_path), "ppo", residual="plan") == 0, "a correction has the same space"
    assert take(trained("dqn", tmp_path), "ppo") == 2


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"use_sde": True}, ("use_sde true", "flags say false")),
        ({"policy_kwargs": {"squash_output": True}, "use_sde": True}, ("squash_output true", "not supported")),
        (
            {"policy_kwargs": {"features_extractor_class": Other}},
            ("features_extractor_class", "test_agreement.Other", "not supported"),
        ),
        ({"policy_kwargs": {"activation_fn": torch.nn.ELU}}, ("activation", ".ELU", ".Tanh", ".ReLU")),
    ],
    ids=["exploration", "squashed", "extractor", "activation"],
)
def test_what_changes_play_and_is_not_described_is_named(
    settings: dict[str, Any], words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert take(trained("ppo", tmp_path, **settings), "ppo") == 2
    told = " ".join(capsys.readouterr().err.split())
    for part in words:
        assert part in told


def test_squashed_actions_are_not_supported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = trained("ppo", tmp_path, use_sde=True, policy_kwargs={"squash_output": True})
    assert take(model, "ppo", "use_sde=true") == 2
    assert "policy_kwargs.squash_output true, which is not supported" in " ".join(capsys.readouterr().err.split())


def test_settings_of_training_are_taken_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = trained("ppo", tmp_path, gamma=0.97, vf_coef=0.3, learning_rate=0.002, clip_range=lambda left: 0.1 * left)
    assert take(model, "ppo") == 0
    assert "not taken over from the zip: clip_range FloatSchedule" in capsys.readouterr().out
    values = RunFolder.open(tmp_path / "run").run().hyperparameters
    assert (values["gamma"], values["vf_coef"], values["learning_rate"]) == (0.97, 0.3, 0.002)
    assert (values["n_envs"], values["n_timesteps"], values["paired_worlds"]) == (1, 24, 1)


def test_flags_may_not_contradict_how_it_was_trained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = trained("ppo", tmp_path, gamma=0.97)
    assert take(model, "ppo", "gamma=0.9") == 2
    assert "gamma 0.97, and the flags say 0.9" in " ".join(capsys.readouterr().err.split())
    assert take(model, "ppo", "gamma=0.97") == 0


def test_what_is_taken_plays_as_it_did(tmp_path: Path) -> None:
    model = trained("ppo", tmp_path, policy_kwargs={"activation_fn": torch.nn.ReLU})
    assert take(model, "ppo", "policy_kwargs.activation_fn=relu") == 0
    keys = KEYS["validation"][:3]
    expected = play_worlds(PPO.load(model), keys, horizon=12).value
    assert play_worlds(load_policy(tmp_path / "run"), keys, horizon=12).value == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[1]",
        b"\xff",
        b"[" * 100_000,
        json.dumps(
            {"policy_class": {"__module__": 3}, "observation_space": 7, "policy_kwargs": [1], "_last_obs": 2}
        ).encode(),
        json.dumps({"observation_space": {"_shape": "x", "low": "[a b]"}, "action_space": {"_shape": None}}).encode(),
        json.dumps(
            {"_last_obs": {":serialized:": "!!"}, "n_envs": True, "gamma": "much", "num_timesteps": -1}
        ).encode(),
        json.dumps({"policy_kwargs": {"activation_fn": "\x1b[2J" + 5000 * "x"}}).encode(),
    ],
    ids=["empty", "cut", "list", "bytes", "deep", "foreign", "spaces", "values", "endless"],
)
def test_settings_that_are_damaged_or_foreign_end_with_a_sentence(
    data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = trained("ppo", tmp_path)
    with zipfile.ZipFile(model) as old, zipfile.ZipFile(tmp_path / "other.zip", "w") as new:
        for name in old.namelist():
            new.writestr(name, data if name == "data" else old.read(name))
    status = take(tmp_path / "other.zip", "ppo")
    told = capsys.readouterr().err
    assert status in (0, 2)
    assert "Traceback" not in told
    assert "\x1b" not in told
    assert len(told) < 1000


def test_numbers_are_found_without_unpickling() -> None:
    assert numbers_in("gASVBgAAAAAAAACMAmhplC4=", np.dtype(np.float32), 4) is None
    for other in (None, 3, "", "not base64", "AAAA"):
        assert numbers_in(other, np.dtype(np.float32), 4) is None
