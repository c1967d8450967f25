"""The command line and the configuration of a run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.preset import load_preset, preset_names, resolve
from thinmargin_agents.config.run import Run
from thinmargin_agents.config.train_config import TrainConfig, parse_pairs
from thinmargin_agents.train import main
from thinmargin_agents.training import trainer

ID = "ThinMargin/Ecosystem-v0"


def test_without_arguments_the_default_preset_trains_ppo_on_the_benchmark() -> None:
    run = resolve(TrainConfig())
    hyperparameters, env_kwargs = load_preset("default", "ppo", ID)
    assert (run.algo, run.env_id) == ("ppo", ID)
    assert (run.hyperparameters, run.env_kwargs) == (hyperparameters, env_kwargs)
    assert run.eval_freq == run.save_freq == run.total_timesteps // 12


def test_flags_win_over_hyperparams_and_hyperparams_over_the_preset() -> None:
    given = ("n_envs=16", "gae_lambda=0.5", "policy_kwargs.activation_fn=relu", "paired_worlds=1")
    chosen = resolve(TrainConfig(total_timesteps=777, n_envs=8, hyperparams=given)).hyperparameters
    assert (chosen["n_timesteps"], chosen["n_envs"], chosen["gae_lambda"]) == (777, 8, 0.5)
    assert chosen["policy_kwargs"]["activation_fn"] == "relu"


def test_environment_arguments_of_the_command_line_win_over_the_preset() -> None:
    _, preset = load_preset("default", "ppo", ID)
    assert preset["reward"] == "shaped"
    run = resolve(TrainConfig(env_kwargs=("reward=profit", "horizon=24")))
    assert run.env_kwargs == {**preset, "reward": "profit", "horizon": 24}


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
        (("policy_kwargs.net_arch=64",), ("net_arch", "64", "list of sizes")),
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


def test_a_preset_file_is_read_for_the_environment_or_its_default(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "ThinMargin/Ecosystem-v0: {n_envs: 4}\ndefault: {n_envs: 5, env_kwargs: {horizon: 60}}\n"
        "paired_worlds: {default: 5, ThinMargin/Ecosystem-v0: 2}\n",
        encoding="utf-8",
    )
    assert load_preset(str(file), "ppo", ID) == ({"n_envs": 4, "paired_worlds": 2}, {})
    other = load_preset(str(file), "ppo", "ThinMargin/EcosystemCalibrated-v0")
    assert other == ({"n_envs": 5, "paired_worlds": 5}, {"horizon": 60})


def test_a_preset_without_how_long_or_how_many_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("default: {n_envs: 4}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="n_timesteps is missing"):
        resolve(TrainConfig(preset=str(file)))


def test_an_unknown_preset_is_refused_with_the_names_of_the_shipped_ones() -> None:
    with pytest.raises(ConfigError) as caught:
        load_preset("ppoo", "ppo", ID)
    for word in ("--preset", "ppoo", "default", *preset_names()):
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("a: [", "not a YAML file"),
        ("[" * 2_000, "not a YAML file"),
        ("default: {1: 2}", "unknown hyper-parameter 1 of ppo"),
        ("- 1", "mapping"),
        ("other: {n_envs: 4}", "no section"),
        ("default: {bad_name: 4}", "bad_name"),
        ("default: {env_kwargs: 3}", "env_kwargs"),
        ("default: {n_envs: 4}\npaired_worlds: 0", "paired_worlds"),
        ("default: !!python/object/apply:os.system ['true']", "not a YAML file"),
    ],
)
def test_a_bad_preset_file_is_refused_and_nothing_in_it_runs(tmp_path: Path, content: str, word: str) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=word):
        load_preset(str(file), "ppo", "ThinMargin/Ecosystem-v0")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--env", "ThinMargin/Nothing-v0"], ("--env", "ThinMargin/Nothing-v0", "ThinMargin/Ecosystem-v0")),
        (["--env", "ThinMargin/PriceWar-v0"], ("ThinMargin/PriceWar-v0", "held out")),
        (["--env-kwargs", "split=test"], ("split", "test", "train")),
        (["--env-kwargs", "worlds=price_war"], ("held out",)),
        (["--env-kwargs", "horizn=3"], ("--env-kwargs has 'horizn'", "horizon", "closing")),
        (["--n-trials", "3"], ("--n-trials is 3", "--optimize")),
        (["--study-name", "mine"], ("--study-name is 'mine'", "--optimize")),
        (["--env-kwargs", "horizon=0"], ("horizon", "0")),
        (["--preset", "no/such/file.yaml"], ("--preset", "no/such/file.yaml")),
        (["--seed", "-1"], ("--seed", "-1")),
        (["--eval-freq", "0"], ("--eval-freq", "0")),
        (["--resume", "no/such/run"], ("no/such/run",)),
        (["--resume", "run", "--seed", "3"], ("--resume", "own settings")),
        (["--env", "CartPole-v1"], ("--env", "CartPole-v1", "ThinMargin/Ecosystem-v0")),
        (["--env-kwargs", 'parameters={"ticket": 50}'], ("parameters",)),
        (["--hyperparams", "batch_size=1"], ("batch_size", "from 2")),
        (["--hyperparams", "n_steps=1", "paired_worlds=1", "--n-envs", "1"], ("n_steps x n_envs is 1", "at least 2")),
        (["--hyperparams", "n_steps=100"], ("n_steps is 100", "paired_worlds", "180 months")),
        (["--hyperparams", "policy=MlpLstmPolicy"], ("policy", "MlpLstmPolicy", "ppo has MlpPolicy")),
        (["--hyperparams", 'policy_kwargs.net_arch={"pi": [8], "qf": [8]}'], ("net_arch", "pi and vf")),
        (["--hyperparams", 'env_wrapper="os.system"'], ("env_wrapper", "os.system", "thinmargin.wrappers.Residual")),
        (["--n-envs", "12"], ("n_envs", "12", "multiple of paired_worlds")),
        (["--residual", "nothing"], ("base", "nothing", "plan")),
        (["--residual-bound", "5"], ("bound", "5")),
        (["--residual", "none", "--residual-bound", "1"], ("--residual-bound", "--residual none")),
        (["--history", "-3"], ("lags", "-3", "1 to 180")),
        (["--algo", "a3c"], ("a3c", "ppo_lstm")),
        (["--algo", "dqn", "--hyperparams", "env_wrapper=null"], ("dqn", "Discrete")),
        (["--algo", "sac", "--env", "ThinMargin/EcosystemDiscrete-v0", "--residual", "none"], ("sac", "Box")),
        (["--n-eval-episodes", "2000000"], ("--n-eval-episodes", "2000000")),
        (["--device", "cuda"], ("--device", "no GPU")),
    ],
)
def test_a_bad_argument_ends_with_status_2_and_makes_no_folder(
    arguments: list[str],
    words: tuple[str, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trainer, "train", lambda *_, **__: pytest.fail("it trains"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    try:
        status: object = main([*arguments, "--log-folder", str(tmp_path / "logs")])
    except SystemExit as end:  # refused while the command line was read
        status = end.code
    assert status == 2
    printed = capsys.readouterr()
    told = printed.err + printed.out
    for word in words:
        assert word in told
    assert not (tmp_path / "logs").exists()


def test_help_tells_every_flag_and_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom thinmargin_agents.train import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as end:\n    assert end.code == 0\n"
        "heavy = {'torch', 'numba', 'numpy', 'gymnasium', 'stable_baselines3', 'tensorboard'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(  # noqa: S603  # the program is written above
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for flag in ("--algo", "--env", "--total-timesteps", "--n-timesteps", "--seed", "--preset", "--n-envs"):
        assert flag in done.stdout
    for flag in ("--hyperparams", "--env-kwargs", "--resume", "--device", "--log-folder", "--progress"):
        assert flag in done.stdout
    for flag in ("--residual", "--residual-bound", "--history", "--num-threads", "--eval-freq", "--save-freq"):
        assert flag in done.stdout
