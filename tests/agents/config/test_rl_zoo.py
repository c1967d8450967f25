"""Presets as rl-zoo3 has them: a number is a number, and what is not here is named for what it is."""

from __future__ import annotations

import inspect
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from tests.messages import lacks, naming

from thinmargin_agents.config.algorithms import ALGORITHMS, ALL
from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.hyperparameters import checked, names_of
from thinmargin_agents.config.preset import load_preset, resolve
from thinmargin_agents.config.rl_zoo import NOT_HERE, asks_for_nothing
from thinmargin_agents.config.train_config import TrainConfig
from thinmargin_agents.sb3.algorithms import CLASSES
from thinmargin_agents.sb3.building import adapters_for

ID = "ThinMargin/Ecosystem-v1"
STOCK = """
CartPole-v1:
  n_envs: 8
  n_timesteps: !!float 1e5
  policy: 'MlpPolicy'
# as rl-zoo3 writes it
thinmargin:ThinMargin/Ecosystem-v1: &mine
  env_kwargs: null
  normalize: false
  n_envs: 16
  n_timesteps: !!float 1e6
  policy: 'MlpPolicy'
  n_steps: 180
  batch_size: 96
  gae_lambda: 0.99
  gamma: 0.99
  n_epochs: 10
  ent_coef: 0.0
  learning_rate: 3e-4
  clip_range: lin_2e-1
  target_kl: null
  callback: []
  frame_stack: 1
  use_sde: False
  sde_sample_freq: -1
default:
  <<: *mine
  n_timesteps: 2e6
  vf_coef: '5e-1'
"""


def written(folder: Path, text: str) -> str:
    file = folder / "zoo.yml"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_a_stock_preset_is_read_with_its_numbers(tmp_path: Path) -> None:
    file = written(tmp_path, STOCK.replace("  callback: []\n", ""))
    mine, env_kwargs = load_preset(file, "ppo", ID)
    assert env_kwargs == {}
    assert mine == {
        "n_envs": 16, "n_timesteps": 1_000_000, "policy": "MlpPolicy", "n_steps": 180, "batch_size": 96,
        "gae_lambda": 0.99, "gamma": 0.99, "n_epochs": 10, "ent_coef": 0.0, "learning_rate": 0.0003,
        "clip_range": "lin_2e-1", "target_kl": None, "use_sde": False, "sde_sample_freq": -1,
    }  # fmt: skip
    assert isinstance(mine["n_timesteps"], int)
    other, _ = load_preset(file, "ppo", "ThinMargin/EcosystemCalibrated-v1")
    assert other == {**mine, "n_timesteps": 2_000_000, "vf_coef": 0.5}
    assert (
        resolve(TrainConfig(preset=file, hyperparams=("learning_rate=1E-3",))).hyperparameters["learning_rate"] == 1e-3
    )


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("learning_rate", "3e-4", 0.0003), ("learning_rate", "lin_3e-4", "lin_3e-4"), ("learning_rate", ".5", 0.5),
        ("learning_rate", "1E-3", 0.001), ("gamma", "0.99", 0.99), ("n_steps", "1e3", 1000), ("n_envs", "+8", 8),
        ("n_steps", "2048", 2048), ("ent_coef", "1e-2", 0.01), ("target_kl", "3e-2", 0.03), ("vf_coef", "0", 0),
    ],
)  # fmt: skip
def test_a_text_that_is_a_number_is_a_number(name: str, text: str, value: Any) -> None:
    found = checked("here", "ppo", {name: text})[name]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("text", ["nan", "inf", "1e999", "3e-4 ", "0x1", "1_0", "3e", "e3", "lin_nan", "--3", "٣", ""])
def test_a_text_that_is_no_number_is_refused_as_it_is(text: str) -> None:
    with pytest.raises(ConfigError, match="learning_rate is ") as caught:
        checked("here", "ppo", {"learning_rate": text})
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    ("algo", "name", "value", "words"),
    [
        ("ppo", "normalize", "true", ["VecNormalize", "ScaledReward", "leave it out"]),
        ("ppo", "normalize", "\"{'norm_obs': True, 'norm_reward': False}\"", ["VecNormalize", "leave it out"]),
        ("ppo", "policy_kwargs", "\"dict(net_arch=[9, 9], activation_fn=nn.ReLU)\"", ["Python", "net_arch: [64, 64]"]),
        ("sac", "policy_kwargs", "[1]", ["write a mapping"]),
        ("ppo", "frame_stack", "4", ["VecFrameStack", "History"]),
        ("ppo", "callback", "rl_zoo3.callbacks.ParallelTrainCallback", ["leave it out"]),
        ("ppo", "vec_env_wrapper", "stable_baselines3.common.vec_env.VecMonitor", ["whole batch"]),
        ("ppo", "clip_range_vf", "0.2", ["value clipping", "clip_range is that of the policy"]),
        ("dqn", "replay_buffer_class", "HerReplayBuffer", ["buffer"]),
        ("dqn", "optimize_memory_usage", "True", ["buffer"]),
        ("a2c", "rms_prop_eps", "1e-3", ["1e-05"]),
        ("ppo", "seed", "3", ["--seed"]), ("ppo", "device", "cuda", ["--device"]), ("ppo", "verbose", "2", ["--no-p"]),
        ("ppo", "policy_kwargs", "{optimizer_class: th.optim.Adam}", ["policy_kwargs.optimizer_class", "net_arch"]),
        ("crossq", "policy_kwargs", "{batch_norm: true}", ["policy_kwargs.batch_norm", "net_arch"]),
        ("ppo", "noise_type", "normal", ["ppo has none, sac"]),
        ("sac", "noise_type", "ornstein-uhlenbeck", ["noise_type is 'ornstein-uhlenbeck'", "normal"]),
        ("ppo", "policy", "CnnPolicy", ["policy is 'CnnPolicy'", "MlpPolicy"]),
        ("ppo", "env_kwargs", "\"dict(horizon=12)\"", ["env_kwargs is 'dict(horizon=12)'", "mapping", "Python"]),
    ],
)  # fmt: skip
def test_what_is_not_here_is_named_for_what_it_is(
    algo: str, name: str, value: str, words: list[str], tmp_path: Path
) -> None:
    file = written(tmp_path, f"{ID}:\n  n_envs: 4\n  n_timesteps: 1e5\n  {name}: {value}\n")
    with pytest.raises(ConfigError, match=naming(f"--preset {file}", name)) as caught:
        load_preset(file, algo, ID)
    assert not lacks(caught.value, *words)
    assert "did you mean" not in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("wrapper", ["sb3_contrib.common.wrappers.TimeFeatureWrapper", "gymnasium.wrappers.ClipAction"])
def test_wrappers_of_others_are_named(wrapper: str, tmp_path: Path) -> None:
    file = written(tmp_path, f"default: {{n_envs: 4, n_timesteps: 1e5, env_wrapper: {wrapper}}}")
    with pytest.raises(ConfigError, match=naming("env_wrapper", wrapper, "thinmargin.wrappers.Residual")):
        adapters_for(resolve(TrainConfig(preset=file)))


@pytest.mark.parametrize(
    ("wrapper", "words"),
    [
        ("rl_zoo3.wrappers.FrameSkip", ["rl_zoo3.wrappers.FrameSkip", "no wrapper here does the same: leave it out"]),
        ("rl_zoo.wrappers.FrameSkip: {skip: 4}", ["rl_zoo.wrappers.FrameSkip", "'skip': 4", "leave it out"]),
        ("rl_zoo3.wrappers.HistoryWrapper", ["thinmargin.wrappers.History: {lags: [6, 24]}"]),
        ("gymnasium.wrappers.TimeLimit: {max_episode_steps: 60}", ["TimeLimit", "env_kwargs: {horizon: 60}"]),
        ("gymnasium.wrappers.NormalizeReward", ["thinmargin.wrappers.ScaledReward"]),
    ],
)
def test_a_wrapper_of_others_is_told_what_stands_for_it_here(wrapper: str, words: list[str], tmp_path: Path) -> None:
    file = written(tmp_path, f"default:\n  n_envs: 4\n  n_timesteps: 1e5\n  env_wrapper:\n    - {wrapper}\n")
    with pytest.raises(ConfigError, match=naming("env_wrapper", "not imported")) as caught:
        adapters_for(resolve(TrainConfig(preset=file)))
    assert not lacks(caught.value, *words)
    assert "did you mean" not in str(caught.value)


@pytest.mark.parametrize(
    ("algo", "name", "value", "written_instead"),
    [
        ("sac", "train_freq", [1, "episode"], "write their months, such as train_freq: 180"),
        ("dqn", "train_freq", (4, "step"), "write train_freq: 4"),
        ("td3", "train_freq", "episode", "train_freq: 180"),
        ("ppo", "policy_kwargs.net_arch", [{"pi": [64], "vf": [32]}], "write net_arch: {pi: [64], vf: [32]}"),
        ("a2c", "policy_kwargs.net_arch", [16, {"pi": [64], "vf": [32]}], "{pi: [16, 64], vf: [16, 32]}"),
        ("ppo", "policy_kwargs.net_arch", {"pi": [8]}, "write net_arch: {pi: [8], vf: []}"),
        ("sac", "policy_kwargs.net_arch", [{"pi": [8], "qf": [9]}], "write net_arch: {pi: [8], qf: [9]}"),
        ("ppo", "policy_kwargs.net_arch", [{"pi": [8], "qf": [9]}], "pi and vf are the parts"),
        ("ppo", "policy_kwargs.net_arch", "medium", "write the sizes themselves"),
        ("ppo", "policy_kwargs.activation_fn", "nn.ReLU", "write relu"),
        ("sac", "policy_kwargs.activation_fn", "torch.nn.Tanh", "write tanh"),
        ("ppo", "learning_rate", "linear_3e-4", "write lin_3e-4"),
        ("ppo", "clip_range", "lin 0.2", "write lin_0.2"),
        ("ppo", "normalize_advantage", "False", "write false without quotes"),
        ("sac", "noise_type", "ornstein-uhlenbeck", "write normal"),
    ],
)
def test_a_value_in_another_form_is_named_with_what_to_write(
    algo: str, name: str, value: Any, written_instead: str
) -> None:
    with pytest.raises(ConfigError, match=naming("here: ", f"{name} is ", "allowed are")) as caught:
        checked("here", algo, {name: value})
    assert not lacks(caught.value, written_instead)


@pytest.mark.parametrize("algo", ALL)
def test_every_argument_of_the_library_is_a_hyper_parameter_or_named_as_none(algo: str) -> None:
    kind = CLASSES[algo]
    network = kind.policy_aliases[ALGORITHMS[algo].policy]
    own = set(inspect.signature(kind).parameters) | {"env_wrapper", "n_timesteps", "n_envs"}
    own |= {f"policy_kwargs.{name}" for name in inspect.signature(network).parameters}
    given = {f"policy_kwargs.{name}" for name in ("observation_space", "action_space", "lr_schedule")}
    assert own - set(names_of(algo)) - set(NOT_HERE) - given <= {
        # of another algorithm's row: the message says which algorithms have it
        "use_sde", "sde_sample_freq", "policy_kwargs.log_std_init",
    }  # fmt: skip


@pytest.mark.parametrize("name", NOT_HERE)
def test_a_setting_that_is_not_here_asks_for_nothing_at_null_and_is_refused_otherwise(name: str) -> None:
    assert asks_for_nothing(name, None)
    assert checked("here", "ppo", {name: None}) == {}
    with pytest.raises(ConfigError, match=name):
        checked("here", "ppo", {name: "something"})


def test_noise_that_is_null_with_a_deviation_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path, "default: {n_envs: 4, n_timesteps: 1e5, noise_type: null, noise_std: 0.1}")
    with pytest.raises(ConfigError, match=naming("noise_type", "noise_std", "0.1")):
        resolve(TrainConfig(algo="sac", preset=file))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("n_envs: 4\nn_timesteps: 1e5\n", ["at the top", "default:"]),
        ("normalize: true\n", ["at the top", "default:"]),
        ("CartPole-v1: {n_envs: 1}\natari: {n_envs: 8}\n", ["no section", "'CartPole-v1', 'atari'"]),
        ("".join(f"env_{k}: {{n_envs: 1}}\n" for k in range(99)), ["'env_0'", "and others"]),
        ("default: 3\n", ["no section"]), ("", ["mapping"]), ("text", ["mapping"]), ("# nothing\n", ["mapping"]),
        ("- default: {n_envs: 1}\n", ["mapping"]),
        ("default: {n_envs: 1}\n---\ndefault: {n_envs: 2}\n", ["not a YAML file"]),
        ("default: {n_envs: 1, n_envs: 2}\n", ["line 1 has 'n_envs' a second time", "'2'", "'1' in line 1"]),
        ("default: {n_envs: 1}\ndefault: {n_envs: 2}\n", ["line 2 has 'default' a second time", "line 1"]),
        (
            f"{ID}: {{n_envs: 1}}\nthinmargin:{ID}: {{n_envs: 2}}\n",
            ["two sections", repr(ID), "{'n_envs': 1}", "{'n_envs': 2}"],
        ),
        (
            f"default: {{n_envs: 4}}\npaired_worlds: {{{ID}: 2, thinmargin:{ID}: 4}}\n",
            ["paired_worlds: two sections", "2 and 4"],
        ),
        (
            "default: {n_envs: 4, paired_worlds: 2}\npaired_worlds: {default: 4}\n",
            ["paired_worlds is 2 in the section", "4 beside it"],
        ),
        (
            "default: {policy_kwargs: {net_arch: [8]}, policy_kwargs.net_arch: [9]}\n",
            ["'policy_kwargs.net_arch' stands twice", "[8] and [9]"],
        ),
        ("default: {train_freq: !!python/tuple [1, episode]}\n", ["not a YAML file of plain values", "python/tuple"]),
        ("default: {? [1] : 2}\n", ["not a YAML file of plain values"]),
        ("default: {2: 3}\n", ["unknown hyper-parameter 2"]),
        ("default: {n_envs: *nothing}\n", ["not a YAML file"]),
        ("default: {n_envs: \"\\e[31m\"}\n", ["\\x1b[31m"]),
        ("default: {\"\\e[31m\": 3}\n", ["\\x1b[31m"]),
    ],
)  # fmt: skip
def test_every_other_shape_of_a_file_is_refused_in_a_sentence(text: str, words: list[str], tmp_path: Path) -> None:
    file = written(tmp_path, text)
    with pytest.raises(ConfigError, match="--preset") as caught:
        load_preset(file, "ppo", ID)
    assert not lacks(caught.value, *words)
    assert len(str(caught.value)) < 2500  # all hyper-parameters that there are, at most
    assert "\x1b" not in str(caught.value)


def nested(aliases: str) -> str:
    """Lists of nine aliases of the list before, nine times."""
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{k}: &a{k} {aliases.format(', '.join(9 * [f'*a{k - 1}']))}" for k in range(1, 9)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [
        nested("[{}]"),
        "a0: &a0 {n_envs: 4}\n"
        + "\n".join(f"a{k}: &a{k} {{<<: [{', '.join(9 * [f'*a{k - 1}'])}]}}" for k in range(1, 9)),
        "default: &loop {n_envs: 4, again: *loop}",
        "default: {n_envs: " + 50 * "[" + 50 * "]" + "}",
        "default: {n_envs: [" + 30_000 * "1," + "]}",
    ],
    ids=["aliases", "merged aliases", "a circle", "deep", "many"],
)
def test_aliases_and_nesting_are_bounded(text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=naming("more than 20,000 values", "deeper than 20")) as caught:
        load_preset(written(tmp_path, text), "ppo", ID)
    assert len(str(caught.value)) < 400


def test_a_preset_that_is_no_file_is_refused_and_nobody_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    Path("folder").mkdir()
    (tmp_path / "large").write_bytes(b" " * ((1 << 20) + 1))
    with socket.socket(socket.AF_UNIX) as here:
        here.bind("socket")
        for name, words in {
            "pipe": "it is a pipe", "folder": "it is a folder", "socket": "it is a socket", "large": "1,048,577 bytes",
            "/dev/zero": "it is a device",
        }.items():  # fmt: skip
            with pytest.raises(ConfigError, match=naming(f"--preset is '{name}'", words)):
                load_preset(name, "ppo", ID)


def test_a_section_without_n_envs_trains_in_one_as_there(tmp_path: Path) -> None:
    path = tmp_path / "sac.yml"
    path.write_text("default:\n  n_timesteps: !!float 4e3\n  policy: 'MlpPolicy'\n  gamma: 0.99\n", encoding="utf-8")
    assert resolve(TrainConfig(algo="sac", preset=str(path))).hyperparameters["n_envs"] == 1
    assert resolve(TrainConfig(algo="sac", preset=str(path), n_envs=4)).hyperparameters["n_envs"] == 4
