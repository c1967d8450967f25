"""The command line and the configuration of a run."""

from __future__ import annotations

import json

import pytest

from thinmargin.families import BENCHMARK
from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.preset import resolve
from thinmargin_agents.config.run import Run
from thinmargin_agents.config.train_config import TrainConfig, parse_pairs
from thinmargin_agents.import_sb3.command import ImportConfig


def test_the_environment_is_the_benchmark_by_default() -> None:
    assert TrainConfig().env == BENCHMARK  # a literal there, as in the import: the package is too heavy for --help
    assert ImportConfig.env == BENCHMARK


def test_a_run_survives_the_way_through_json() -> None:
    run = resolve(TrainConfig(env_kwargs=("horizon=24",), hyperparams=("policy_kwargs.net_arch=[8, 8]",)))
    assert run.env_kwargs["horizon"] == 24
    assert run.hyperparameters["policy_kwargs"]["net_arch"] == [8, 8]
    assert Run.from_json(json.loads(json.dumps(run.to_json())), "here") == run


@pytest.mark.parametrize(
    "change",
    [
        {"seed": "x"}, {"num_threads": "a"}, {"device": 3}, {"algo": "a3c"}, {"n_eval_episodes": -4},
        {"env_id": 7}, {"hyperparameters": []}, {"extra": 1}, {"env_kwargs": None}, {"tensorboard_log": 3},
        {"hyperparameters": {}}, {"hyperparameters": {"n_timesteps": 10}}, {"algo": "dqn"}, {"seed": 1.5},
        {"hyperparameters": {"n_timesteps": 10, "n_envs": 2, "policy_kwargs": {"features_extractor_class": "os"}}},
        {"hyperparameters": {"n_timesteps": 10, "n_envs": 2, "policy_kwargs": "os.system"}},
        {"hyperparameters": {"n_timesteps": float("nan"), "n_envs": 2}},
    ],
)  # fmt: skip
def test_a_configuration_file_with_a_wrong_value_is_refused(change: dict[str, object]) -> None:
    values = resolve(TrainConfig()).to_json()
    with pytest.raises(ConfigError, match=r"config\.json"):
        Run.from_json({**values, **change}, "config.json")


def test_values_of_pairs_are_json_or_text_and_never_evaluated() -> None:
    parsed = parse_pairs("--env-kwargs", ["a=1", "b=true", "c=__import__('os')", "d=[1, 2]", "e=None"])
    assert parsed == {"a": 1, "b": True, "c": "__import__('os')", "d": [1, 2], "e": None}


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        (("gae_lamda=0.9",), ("gae_lamda", "gae_lambda")),
        (("gae_lambda=2",), ("gae_lambda", "2", "0 to 1")),
        (("n_epochs=0",), ("n_epochs", "0", "from 1")),
        (("n_epochs=true",), ("n_epochs", "True")),
        (("n_epochs=1" + "0" * 400,), ("n_epochs", "from 1 to 1000")),
        (("n_epochs=1" + "0" * 5000,), ("n_epochs", "from 1 to 1000")),
        (("n_epochs=" + "[" * 100_000,), ("n_epochs", "from 1 to 1000")),
        (("learning_rate=NaN",), ("learning_rate", "nan")),
        (("policy_kwargs.activation_fn=gelu",), ("activation_fn", "gelu", "tanh, relu")),
        (("policy_kwargs.net_arch=64",), ("net_arch", "64", "lists of sizes")),
        (("activation_fn=relu",), ("activation_fn", "policy_kwargs.activation_fn")),
        (("buffer_size=10",), ("buffer_size", "ppo", "sac")),
        (("gae_lambda",), ("--hyperparams", "gae_lambda", "NAME=VALUE")),
    ],
)
def test_a_bad_hyperparameter_is_named_with_its_value_and_what_is_allowed(
    pairs: tuple[str, ...], words: tuple[str, ...]
) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve(TrainConfig(hyperparams=pairs))
    for word in words:
        assert word in str(caught.value)
