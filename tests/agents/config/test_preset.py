from __future__ import annotations

from pathlib import Path

import pytest
from tests.messages import lacks

from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.preset import load_preset, preset_names, resolve
from thinmargin_agents.config.train_config import TrainConfig

ID = "ThinMargin/Ecosystem-v1"


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


def test_a_preset_file_is_read_for_the_environment_or_its_default(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "ThinMargin/Ecosystem-v1: {n_envs: 4}\ndefault: {n_envs: 5, env_kwargs: {horizon: 60}}\n"
        "paired_worlds: {default: 5, ThinMargin/Ecosystem-v1: 2}\n",
        encoding="utf-8",
    )
    assert load_preset(str(file), "ppo", ID) == ({"n_envs": 4, "paired_worlds": 2}, {})
    other = load_preset(str(file), "ppo", "ThinMargin/EcosystemCalibrated-v1")
    assert other == ({"n_envs": 5, "paired_worlds": 5}, {"horizon": 60})


def test_a_preset_without_how_long_or_how_many_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("default: {n_envs: 4}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="n_timesteps is missing"):
        resolve(TrainConfig(preset=str(file)))


@pytest.mark.parametrize(
    "content",
    [
        "ThinMargin/EcosystemOneState-v0: {n_envs: 4}\nThinMargin/EcosystemOneState-v1: {n_envs: 5}\n",
        "ThinMargin/EcosystemOneState-v0: {n_envs: 4}\ndefault: {n_envs: 5}\n",
        "ThinMargin/EcosystemOneState-v0: {n_envs: 4}\n",
        "default: {n_envs: 4}\npaired_worlds: {ThinMargin/EcosystemOneState-v0: 2}\n",
    ],
    ids=["beside the new one", "beside default", "alone", "paired worlds"],
)
def test_a_section_of_an_old_version_is_refused_by_name_with_what_helps(content: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(content, encoding="utf-8")
    for environment in ("ThinMargin/EcosystemOneState-v1", ID):
        with pytest.raises(ConfigError) as caught:
            load_preset(str(file), "ppo", environment)
        old, new = "'ThinMargin/EcosystemOneState-v0'", "'ThinMargin/EcosystemOneState-v1'"
        assert not lacks(caught.value, f"--preset {file}", old, f"call it {new}", "or delete it")


def test_an_unknown_preset_is_refused_with_the_names_of_the_shipped_ones() -> None:
    with pytest.raises(ConfigError) as caught:
        load_preset("ppoo", "ppo", ID)
    for word in ("--preset", "ppoo", "default", *preset_names()):
        assert word in str(caught.value)


@pytest.mark.slow
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
        ("default: {n_envs: 4}\non_gpu: 0", "on_gpu is 0: it must be a mapping"),
        ("default: {n_envs: 4}\non_gpu: {default: 8}", "on_gpu: 'default' is 8: it must be a mapping"),
        ("default: {n_envs: 4}\non_gpu: {default: null}", "on_gpu: 'default' is None: it must be a mapping"),
        ("default: {n_envs: 4, on_gpu: {n_envs: 8}}", "on_gpu stands inside a section: write it beside"),
        ("default: {n_envs: 4}\non_gpu: {default: {firms: 8}}", "on_gpu: unknown hyper-parameter 'firms'"),
        ("default: {n_envs: 4}\non_gpu: {default: {n_envs: 0}}", "on_gpu: .*n_envs is 0"),
        ("default: {n_envs: 4}\non_gpu: {ThinMargin/Ecosystem-v0: {n_envs: 8}}", "worlds, observations and rewards"),
        ("on_gpu: {default: {n_envs: 8}}", "no section"),
        ("default: !!python/object/apply:os.system ['true']", "not a YAML file"),
    ],
)
def test_a_bad_preset_file_is_refused_and_nothing_in_it_runs(tmp_path: Path, content: str, word: str) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=word):
        load_preset(str(file), "ppo", "ThinMargin/Ecosystem-v1")
