"""The command line and the configuration of a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.messages import lacks, naming, said

from thinmargin.families import BENCHMARK
from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.preset import resolve
from thinmargin_agents.config.run import Run
from thinmargin_agents.config.train_config import TrainConfig, parse_pairs
from thinmargin_agents.evaluate.command import main as evaluate
from thinmargin_agents.import_sb3.command import ImportConfig
from thinmargin_agents.import_sb3.command import main as import_sb3
from thinmargin_agents.policies.manifest import read_manifest
from thinmargin_agents.remake.state import State
from thinmargin_agents.runs.safetensors_tree import read_json
from thinmargin_agents.train import main as train


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
        (("n_steps=60", "n_steps=30"), ("--hyperparams", "'n_steps' twice", "60 and 30", "give it once")),
        (("n_steps=60", "gamma=0.9", "n_steps=60"), ("--hyperparams", "'n_steps' twice", "60 and 60")),
        (
            ('policy_kwargs={"net_arch": [8], "net_arch": [9]}',),
            ("--hyperparams has 'policy_kwargs=", "'net_arch' stands twice", "[8] and [9]"),
        ),
        (
            ('env_wrapper=[{"thinmargin.wrappers.History": {"lags": [6], "lags": [12]}}]',),
            ("--hyperparams has 'env_wrapper=", "'lags' stands twice", "[6] and [12]"),
        ),
        (
            ("policy_kwargs.net_arch=[9]", 'policy_kwargs={"net_arch": [8]}'),
            ("--hyperparams", "'policy_kwargs.net_arch' stands twice", "[9] and [8]"),
        ),
    ],
)
def test_a_bad_hyperparameter_is_named_with_its_value_and_what_is_allowed(
    pairs: tuple[str, ...], words: tuple[str, ...]
) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve(TrainConfig(hyperparams=pairs))
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        (("horizon=12", "horizon=24"), ("--env-kwargs", "'horizon' twice", "12 and 24")),
        (("horizon=12", "horizon=12"), ("--env-kwargs", "'horizon' twice", "12 and 12")),
        (('parameters={"a": 1, "a": 2}',), ("--env-kwargs", "'a' stands twice", "1 and 2")),
    ],
)
def test_arguments_of_the_environment_that_stand_twice_are_named_by_every_command(
    pairs: tuple[str, ...], words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "model.zip"
    model.touch()
    for main, before in (
        (train, ["--log-folder", str(tmp_path / "logs")]),
        (train, ["--optimize", "--log-folder", str(tmp_path / "logs")]),
        (evaluate, ["premium"]),
        (import_sb3, [str(model), "--output", str(tmp_path / "run")]),
    ):
        assert main([*before, "--env-kwargs", *pairs]) == 2
        assert not lacks(said(capsys), *words)
    assert list(tmp_path.iterdir()) == [model]


READERS: dict[str, Callable[[Path], object]] = {
    "JSON": read_json,
    "manifest": lambda path: read_manifest(path.parent),
    "state": State.read,
}


@pytest.mark.parametrize("reader", READERS)
def test_a_key_that_stands_twice_in_a_file_is_named_with_both_values(reader: str, tmp_path: Path) -> None:
    file = tmp_path / "manifest.json"
    file.write_text('{"format": "a", "stages": {"seed": 1, "seed": 2}}', encoding="utf-8")
    with pytest.raises(ValueError, match=naming(str(file), "seed", "twice", "1 and 2")):
        READERS[reader](file)
