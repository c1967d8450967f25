"""A zip of another algorithm, or with classes of others, is refused by what its plain settings say."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
import sb3_contrib
import stable_baselines3
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize
from tests.agents.import_sb3.test_agreement import KINDS, SMALL, make, take, trained
from tests.messages import lacks, said

from thinmargin_agents.config.algorithms import ALGORITHMS
from thinmargin_agents.import_sb3.origin import LIBRARIES

OFFERED = {algorithm.library_class.partition(":")[2] for algorithm in ALGORITHMS.values()}
ALIKE = {("DDPG", "td3")}
"""Saved with the same network and the same settings."""


def fresh(name: str, folder: Path) -> Path:
    """A zip of a stock algorithm as it stands before it learns."""
    kind = LIBRARIES[name]
    discrete = name in ("DQN", "QRDQN", "MaskablePPO")
    off_policy = issubclass(kind, stable_baselines3.common.off_policy_algorithm.OffPolicyAlgorithm)
    network = "MlpLstmPolicy" if name == "RecurrentPPO" else "MlpPolicy"
    more: dict[str, Any] = {"buffer_size": 100} if off_policy else {"n_steps": 12} if name != "ARS" else {}
    more |= {"batch_size": 12} if "PPO" in name or name == "TRPO" else {}
    kind(network, make(discrete), policy_kwargs={**SMALL}, **more).save(folder / "model.zip")
    return folder / "model.zip"


def edited(model: Path, **settings: Any) -> Path:
    """A copy of a zip whose settings are others; a mapping is put into the one that is there."""
    other = model.with_name("edited.zip")
    with zipfile.ZipFile(model) as old, zipfile.ZipFile(other, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "data":
                told = json.loads(content)
                for key, value in settings.items():
                    told[key] = {**told[key], **value} if isinstance(value, dict) else value
                content = json.dumps(told).encode()
            new.writestr(name, content)
    return other


@pytest.mark.parametrize("name", sorted(LIBRARIES))
def test_no_algorithm_of_the_libraries_is_taken_for_another(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = fresh(name, tmp_path)
    for algo, ours in ALGORITHMS.items():
        if ours.library_class.endswith(f":{name}") or (name, algo) in ALIKE or ours.recurrent:
            continue
        assert take(model, algo) == 2
        printed = said(capsys)
        assert not lacks(printed, f"--algo is {algo}"), printed
    assert not (tmp_path / "run").exists()


def test_settings_of_another_algorithm_are_named_with_whose_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert take(fresh("TRPO", tmp_path), "a2c") == 2
    assert not lacks(said(capsys), "--algo is a2c", "of TRPO", "a setting of TRPO")
    ours = trained("sac", tmp_path)
    assert take(edited(ours, top_quantiles_to_drop_per_net=2), "sac") == 2
    assert not lacks(said(capsys), "--algo is sac", "top_quantiles_to_drop_per_net", "a setting of tqc")
    assert take(edited(ours, top_quantiles_to_drop_per_net=None), "sac") == 0, "null says nothing"


@pytest.mark.parametrize("algo", ["ppo", "sac", "dqn"])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("activation_fn", "<class '__main__.Tanh'>"),
        ("activation_fn", "<class '__main__.ReLU'>"),
        ("activation_fn", "<class 'torch.nn.modules.activation.Tanh.Tanh'>"),
        ("activation_fn", "<class 'mine.<locals>.Tanh'>"),
        ("features_extractor_class", "<class '__main__.FlattenExtractor'>"),
        ("features_extractor_class", "FlattenExtractor"),
    ],
)
def test_a_class_of_the_same_last_name_is_another_class(
    algo: str, name: str, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = edited(trained(algo, tmp_path), policy_kwargs={name: text})
    assert take(model, algo) == 2
    assert not lacks(said(capsys), text.removeprefix("<class '").removesuffix("'>"), "support")


@pytest.mark.parametrize("part", ["observation_space", "action_space"])
def test_a_space_of_the_same_last_name_is_another_space(
    part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = edited(trained("ppo", tmp_path), **{part: {":type:": "<class '__main__.Box'>"}})
    assert take(model, "ppo") == 2
    assert not lacks(said(capsys), part, "__main__.Box")


def test_another_network_of_the_same_module_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = {"__init__": "<function ActorCriticCnnPolicy.__init__ at 0x7f0000000000>"}
    assert take(edited(trained("ppo", tmp_path), policy_class=made), "ppo") == 2
    assert not lacks(said(capsys), "ActorCriticCnnPolicy", "ActorCriticPolicy")


@pytest.mark.parametrize("algo", KINDS)
def test_a_model_of_normalised_observations_that_has_hardly_begun_is_refused(
    algo: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kind, arguments = KINDS[algo]
    envs = VecNormalize(DummyVecEnv([lambda: make(algo == "dqn")]))
    model: BaseAlgorithm = kind("MlpPolicy", envs, policy_kwargs={**SMALL}, **arguments)
    model.learn(0)
    model.save(tmp_path / "model.zip")
    assert take(tmp_path / "model.zip", algo) == 2
    assert not lacks(said(capsys), "VecNormalize", "what it saw last")


@pytest.mark.parametrize("algo", KINDS)
def test_rewards_that_are_normalised_alone_change_no_play(algo: str, tmp_path: Path) -> None:
    assert take(trained(algo, tmp_path, lambda envs: VecNormalize(envs, norm_obs=False)), algo) == 0


def test_a_model_that_saw_nothing_yet_is_taken_with_a_note(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert take(fresh("PPO", tmp_path), "ppo") == 0
    assert not lacks(said(capsys), "note:", "does not tell", "VecNormalize")
    (tmp_path / "seen").mkdir()
    assert take(trained("ppo", tmp_path / "seen"), "ppo") == 0
    assert "VecNormalize" not in said(capsys)


def test_every_algorithm_here_is_one_of_the_libraries() -> None:
    assert set(LIBRARIES) >= OFFERED
    assert sb3_contrib.TRPO in LIBRARIES.values()
    assert torch.nn.Tanh.__module__ == "torch.nn.modules.activation"
