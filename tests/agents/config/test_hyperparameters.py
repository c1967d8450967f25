"""Hyper-parameters: names of Stable-Baselines3, values that are checked, presets that build."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import yaml

from thinmargin import MONTHLY_DISCOUNT
from thinmargin_agents.config.algorithms import ALL, OFF_POLICY, ON_POLICY
from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.hyperparameters import NOT_SB3_ARGUMENTS, TABLE, checked, flat, merged, names_of
from thinmargin_agents.config.preset import BESIDE, PRESETS, load_preset, preset_names, resolve
from thinmargin_agents.config.run import Run
from thinmargin_agents.config.train_config import TrainConfig
from thinmargin_agents.sb3.algorithms import CLASSES, build, policy_class, schedule_of
from thinmargin_agents.sb3.building import build_environment, build_model, check
from thinmargin_agents.sb3.networks import build_network

ID = "ThinMargin/Ecosystem-v1"
PLAIN = {"n_timesteps": 64, "n_envs": 2, "policy_kwargs": {"net_arch": [4]}}


def run_of(algo: str, **values: Any) -> Run:
    return Run(
        algo=algo, env_id=ID, env_kwargs={"horizon": 6}, seed=0, num_threads=1, device="cpu", eval_freq=64,
        n_eval_episodes=2, save_freq=64, hyperparameters=checked("test", algo, merged(PLAIN, values)),
    )  # fmt: skip


def algorithm_of(preset: str) -> str:
    """Presets are named for their algorithm: ppo_lstm, ppo_scratch."""
    return max((algo for algo in ALL if preset == algo or preset.startswith(f"{algo}_")), key=len)


@pytest.mark.parametrize("algo", ALL)
def test_every_name_is_an_argument_of_the_class_or_of_its_policy_or_of_the_house(algo: str) -> None:
    kind = CLASSES[algo]
    arguments = set(inspect.signature(kind).parameters)
    policy = set(inspect.signature(kind.policy_aliases[policy_class(run_of(algo))]).parameters)
    for name in names_of(algo):
        outer, dot, inner = name.partition(".")
        if dot:
            assert (outer, inner in policy) == ("policy_kwargs", True), name
        else:
            assert name in arguments or name in NOT_SB3_ARGUMENTS, name


def test_no_name_of_the_house_is_one_of_stable_baselines_3s() -> None:
    for algo in ALL:
        assert not set(NOT_SB3_ARGUMENTS) & set(inspect.signature(CLASSES[algo]).parameters) - {"policy"}


def test_every_hyperparameter_says_what_it_is_and_is_named_once_an_algorithm() -> None:
    assert all(len(item.meaning) > 5 and item.kind.words for item in TABLE)
    assert set(ON_POLICY) | set(OFF_POLICY) == set(ALL) == set(CLASSES)
    for algo in ALL:
        assert len(set(names_of(algo))) == len(names_of(algo))


@pytest.mark.parametrize(
    ("algo", "given", "words"),
    [
        ("ppo", {"gae_lamda": 0.9}, ("unknown", "gae_lamda", "gae_lambda")),
        ("ppo", {"net_arch": [8]}, ("unknown", "net_arch", "policy_kwargs.net_arch")),
        ("ppo", {"tau": 0.1}, ("unknown", "tau", "ppo has none", "sac")),
        ("sac", {"clip_range": 0.1}, ("unknown", "clip_range", "sac has none", "ppo")),
        ("a2c", {"zzz": 1}, ("unknown", "zzz", "allowed are n_timesteps")),
        (
            "ppo",
            {"policy_kwargs": {"features_extractor_class": "os.system"}},
            ("policy_kwargs.features_extractor_class", "net_arch and activation_fn alone"),
        ),
        ("ppo", {"policy_kwargs": [1]}, ("policy_kwargs is [1]", "write a mapping")),
        ("ppo", {"normalize": True}, ("normalize is True", "VecNormalize", "leave it out")),
        ("ppo", {"gae_lambda": 2}, ("gae_lambda", "2", "0 to 1")),
        ("ppo", {"gae_lambda": True}, ("gae_lambda", "True")),
        ("ppo", {"gae_lambda": float("nan")}, ("gae_lambda", "nan")),
        ("ppo", {"gae_lambda": "0.9 "}, ("gae_lambda", "'0.9 '")),
        ("ppo", {"n_steps": 1.5}, ("n_steps", "1.5", "whole number")),
        ("ppo", {"n_epochs": 0}, ("n_epochs", "0", "from 1")),
        ("ppo", {"learning_rate": "lin_x"}, ("learning_rate", "lin_x", "lin_NUMBER")),
        ("ppo", {"learning_rate": "lin_2"}, ("learning_rate", "lin_2", "0 to 1")),
        ("ppo", {"learning_rate": "lin_nan"}, ("learning_rate", "lin_nan")),
        ("ppo", {"learning_rate": "exp_0.1"}, ("learning_rate", "exp_0.1")),
        ("ppo", {"ent_coef": "auto"}, ("ent_coef", "auto")),
        ("sac", {"ent_coef": "auto_x"}, ("ent_coef", "auto_x")),
        ("sac", {"ent_coef": "__import__('os')"}, ("ent_coef", "__import__")),
        ("a2c", {"normalize_advantage": 1}, ("normalize_advantage", "1", "true and false")),
        ("ppo", {"policy_kwargs": {"net_arch": {"pi": [8]}}}, ("net_arch", "pi and vf")),
        ("ppo", {"policy_kwargs": {"net_arch": [0]}}, ("net_arch", "[0]")),
        ("ppo", {"policy_kwargs": {"activation_fn": "torch.nn.Tanh"}}, ("activation_fn", "tanh, relu")),
        ("sac", {"noise_type": "ornstein-uhlenbeck"}, ("noise_type", "normal")),
        ("sac", {"gradient_steps": 0}, ("gradient_steps", "0", "-1")),
        ("ppo", {"env_wrapper": 3}, ("env_wrapper", "3", "lists of wrappers")),
    ],
)
def test_a_wrong_name_or_value_is_named_with_what_is_allowed(
    algo: str, given: dict[str, Any], words: tuple[str, ...]
) -> None:
    with pytest.raises(ConfigError) as caught:
        checked("here", algo, given)
    for word in ("here", *words):
        assert word in str(caught.value)


def test_dotted_names_are_put_where_nested_ones_are() -> None:
    dotted = {"policy_kwargs.net_arch": (8, 8), "policy_kwargs.log_std_init": -1.0, "gamma": 1}
    nested = {"policy_kwargs": {"net_arch": [8, 8], "log_std_init": -1.0}, "gamma": 1}
    assert checked("here", "ppo", dotted) == nested == checked("here", "ppo", nested)
    assert flat(nested) == {**dotted, "policy_kwargs.net_arch": [8, 8]}


def test_whole_numbers_written_as_floats_become_whole() -> None:
    values = checked("here", "ppo", {"n_steps": 64.0, "n_timesteps": 1e6, "gamma": 1.0})
    assert values == {"n_steps": 64, "n_timesteps": 1_000_000, "gamma": 1.0}
    assert [type(value) for value in values.values()] == [int, int, float]


def test_later_layers_win_and_keep_what_they_do_not_name() -> None:
    preset = {"gamma": 0.9, "policy_kwargs": {"net_arch": [64], "activation_fn": "tanh"}}
    found = merged(preset, {"policy_kwargs": {"net_arch": [8]}}, {"gamma": 0.5})
    assert found == {"gamma": 0.5, "policy_kwargs": {"net_arch": [8], "activation_fn": "tanh"}}
    assert preset["policy_kwargs"] == {"net_arch": [64], "activation_fn": "tanh"}


def test_a_linear_schedule_falls_to_zero_and_stays_there() -> None:
    schedule = schedule_of("lin_0.002")
    assert [schedule(left) for left in (1.0, 0.5, 0.0, -0.3)] == [0.002, 0.001, 0.0, 0.0]
    assert schedule_of(0.002) == 0.002


@pytest.mark.parametrize(
    ("algo", "values", "words"),
    [
        ("ppo", {"policy": "MlpLstmPolicy"}, ("MlpLstmPolicy", "ppo has MlpPolicy")),
        ("ppo_lstm", {"policy": "MlpPolicy"}, ("MlpPolicy", "ppo_lstm has MlpLstmPolicy")),
        ("ppo", {"policy_kwargs.net_arch": {"pi": [8], "qf": [8]}}, ("net_arch", "a list, or one each for pi and vf")),
        ("sac", {"policy_kwargs.net_arch": {"pi": [8], "vf": [8]}}, ("net_arch", "a list, or one each for pi and qf")),
        ("dqn", {"policy_kwargs.net_arch": {"pi": [8], "qf": [8]},
                 "env_wrapper": {"thinmargin.wrappers.Residual": {"levels": 2}}}, ("net_arch", "dqn has a list")),
        ("dqn", {}, ("dqn", "Discrete", "levels")),
        ("ppo", {"paired_worlds": 2}, ("n_steps is missing", "6 months")),
        ("ppo", {"paired_worlds": 2, "n_steps": 8}, ("n_steps is 8", "6 months")),
        ("ppo", {"paired_worlds": 3, "n_steps": 6}, ("n_envs is 2", "3")),
        ("ppo", {"env_wrapper": "os.system"}, ("env_wrapper", "os.system", "thinmargin.wrappers.Residual")),
        ("ppo", {"env_wrapper": [{"thinmargin.wrappers.History": {"lags": "x"}}]}, ("History", "lags")),
        ("ppo", {"use_sde": True, "env_wrapper": {"thinmargin.wrappers.Residual": {"levels": 2}}}, ("gSDE",)),
    ],
)  # fmt: skip
def test_hyperparameters_that_do_not_fit_each_other_are_refused_before_anything_is_made(
    algo: str, values: dict[str, Any], words: tuple[str, ...]
) -> None:
    with pytest.raises(ConfigError) as caught:
        check(run_of(algo, **values))
    for word in words:
        assert word in str(caught.value)


@pytest.mark.slow
def test_exploration_noise_is_added_where_it_is_asked_for() -> None:
    run = run_of("td3", noise_type="normal", noise_std=0.3, buffer_size=8)
    model = build(run, build_environment(run))
    assert "sigma=[0.3 0.3 0.3 0.3]" in str(model.action_noise)
    assert build(run_of("td3", buffer_size=8), build_environment(run)).action_noise is None


def test_the_discount_is_the_benchmarks_if_none_is_given() -> None:
    models = [build_model(run, build_environment(run)) for run in (run_of("ppo"), run_of("ppo", gamma=0.5))]
    assert [vars(model)["gamma"] for model in models] == [MONTHLY_DISCOUNT, 0.5]


RESIDUAL, HISTORY = "thinmargin.wrappers.Residual", "thinmargin.wrappers.History"


def wrappers_of(tmp_path: Any, preset: str, **flags: Any) -> Any:
    file = tmp_path / "preset.yml"
    file.write_text(f"default: {{n_timesteps: 64, n_envs: 2, env_wrapper: {preset}}}\n", encoding="utf-8")
    return resolve(TrainConfig(preset=str(file), **flags)).hyperparameters["env_wrapper"]


def test_the_flag_residual_adds_changes_or_takes_away_what_the_agent_corrects(tmp_path: Any) -> None:
    own = f"[{HISTORY}, {{{RESIDUAL}: {{base: constant_best, bound: 0.2}}}}]"
    assert wrappers_of(tmp_path, "null") == []
    assert wrappers_of(tmp_path, "null", residual="plan") == [{RESIDUAL: {"base": "plan", "bound": 0.5}}]
    assert wrappers_of(tmp_path, "null", residual_bound=0.1) == [{RESIDUAL: {"base": "plan", "bound": 0.1}}]
    assert wrappers_of(tmp_path, own) == [HISTORY, {RESIDUAL: {"base": "constant_best", "bound": 0.2}}]
    assert wrappers_of(tmp_path, own, residual="none") == [HISTORY]
    assert wrappers_of(tmp_path, own, residual="plan") == [HISTORY, {RESIDUAL: {"base": "plan", "bound": 0.2}}]
    changed = wrappers_of(tmp_path, own, residual_bound=1.5)
    assert changed == [HISTORY, {RESIDUAL: {"base": "constant_best", "bound": 1.5}}]
    with pytest.raises(ConfigError, match="no effect with --residual none"):
        wrappers_of(tmp_path, own, residual="none", residual_bound=0.1)
    with pytest.raises(ConfigError, match=r"Residual has 5: it must be a mapping"):
        wrappers_of(tmp_path, f"{{{RESIDUAL}: 5}}", residual="plan")


def test_the_flag_residual_keeps_the_levels_of_a_preset(tmp_path: Any) -> None:
    own = f"[{{{RESIDUAL}: {{base: plan, levels: 3}}}}]"
    assert wrappers_of(tmp_path, own, residual_bound=0.2) == [{RESIDUAL: {"base": "plan", "levels": 3, "bound": 0.2}}]


def test_the_flag_history_adds_changes_or_takes_away_what_the_agent_remembers(tmp_path: Any) -> None:
    own = f"{{{HISTORY}: {{lags: [12]}}}}"
    assert wrappers_of(tmp_path, "null", history=(6, 24)) == [{HISTORY: {"lags": [6, 24]}}]
    assert wrappers_of(tmp_path, own) == [{HISTORY: {"lags": [12]}}]
    assert wrappers_of(tmp_path, own, history=(3,)) == [{HISTORY: {"lags": [3]}}]
    assert wrappers_of(tmp_path, own, history=(0,)) == []
    assert wrappers_of(tmp_path, own, history=()) == []


def test_what_the_agent_sees_and_does_follows_from_the_wrappers() -> None:
    plain, wrapped = build_network(run_of("ppo")), build_network(run_of("ppo", env_wrapper={HISTORY: {"lags": [1, 2]}}))
    assert plain.observation_space.shape is not None
    assert wrapped.observation_space.shape == (3 * plain.observation_space.shape[0],)
    grid = build_network(run_of("dqn", env_wrapper={RESIDUAL: {"levels": 2}}))
    assert getattr(grid.action_space, "n", None) == 16


@pytest.mark.parametrize("name", preset_names())
def test_a_shipped_preset_builds_for_each_of_its_environments(name: str) -> None:
    algo = algorithm_of(name)
    content = yaml.safe_load((PRESETS / f"{name}.yml").read_text(encoding="utf-8"))
    sections = [key for key in content if key not in BESIDE]
    assert "default" in sections
    for section in sections:
        env_id = ID if section == "default" else section
        values, _ = load_preset(name, algo, env_id)
        run = resolve(TrainConfig(algo=algo, env=env_id, preset=name))  # type: ignore[arg-type]  # one of the names
        assert run.hyperparameters == {"env_wrapper": [], **values}
        environment = build_environment(run)
        assert environment.num_envs == values["n_envs"]
        assert type(build_model(run, environment)) is CLASSES[algo]
