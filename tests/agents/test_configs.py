"""The command line and the configuration of a run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from thinmargin_agents.configs import ConfigError, Hyperparameters, Run, TrainConfig, load_preset, parse_pairs, resolve
from thinmargin_agents.training import main


def test_without_arguments_the_default_preset_trains_ppo_on_the_benchmark() -> None:
    run = resolve(TrainConfig())
    assert (run.algo, run.env_id) == ("ppo", "ThinMargin/Ecosystem-v0")
    assert run.hyperparameters == load_preset("default", "ppo", "ThinMargin/Ecosystem-v0")


def test_flags_win_over_hyperparams_and_hyperparams_over_the_preset() -> None:
    config = TrainConfig(total_timesteps=777, n_envs=8, hyperparams=("n_envs=16", "gae_lambda=0.5", "activation=relu"))
    chosen = resolve(config).hyperparameters
    assert (chosen.n_timesteps, chosen.n_envs, chosen.gae_lambda, chosen.activation) == (777, 8, 0.5, "relu")


def test_a_run_survives_the_way_through_json() -> None:
    run = resolve(TrainConfig(env_kwargs=("horizon=24",), hyperparams=("policy_layers=[8, 8]",)))
    assert run.env_kwargs == {"horizon": 24}
    assert Run.from_json(json.loads(json.dumps(run.to_json())), "here") == run


@pytest.mark.parametrize(
    "change",
    [
        {"seed": "x"}, {"num_threads": "a"}, {"device": 3}, {"algo": "dqn"}, {"n_eval_episodes": -4},
        {"env_id": 7}, {"hyperparameters": []}, {"extra": 1},
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
        (("learning_rate=NaN",), ("learning_rate", "nan")),
        (("activation=gelu",), ("activation", "gelu", "tanh, relu")),
        (("policy_layers=64",), ("policy_layers", "64")),
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
    file.write_text("ThinMargin/Ecosystem-v0: {n_envs: 4}\ndefault: {n_envs: 5}\n", encoding="utf-8")
    assert load_preset(str(file), "ppo", "ThinMargin/Ecosystem-v0").n_envs == 4
    assert load_preset(str(file), "ppo", "ThinMargin/EcosystemCalibrated-v0").n_envs == 5


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("a: [", "not a YAML file"),
        ("- 1", "mapping"),
        ("other: {n_envs: 4}", "no section"),
        ("default: {bad_name: 4}", "bad_name"),
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
        (["--env-kwargs", "horizn=3"], ("horizn",)),
        (["--env-kwargs", "horizon=0"], ("horizon", "0")),
        (["--preset", "no/such/file.yaml"], ("--preset", "no/such/file.yaml")),
        (["--seed", "-1"], ("--seed", "-1")),
        (["--eval-freq", "0"], ("--eval-freq", "0")),
        (["--resume", "no/such/run"], ("no/such/run",)),
        (["--resume", "run", "--seed", "3"], ("--resume", "own settings")),
        (["--env", "CartPole-v1"], ("--env", "CartPole-v1", "ThinMargin/Ecosystem-v0")),
        (["--env-kwargs", 'parameters={"ticket": 50}'], ("parameters",)),
        (["--hyperparams", "batch_size=1"], ("batch_size", "at least 2")),
        (["--n-eval-episodes", "2000000"], ("--n-eval-episodes", "2000000")),
    ],
)
def test_a_bad_argument_ends_with_status_2_and_makes_no_folder(
    arguments: list[str], words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
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
        "import sys\nfrom thinmargin_agents.training import main\n"
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


def test_every_hyperparameter_says_what_it_is() -> None:
    source = Path(sys.modules[Hyperparameters.__module__].__file__ or "").read_text(encoding="utf-8")
    for name in Hyperparameters.__dataclass_fields__:
        line = next(k for k, text in enumerate(source.splitlines()) if text.startswith(f"    {name}:"))
        assert source.splitlines()[line + 1].strip().startswith('"""')
