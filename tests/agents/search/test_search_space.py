from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.agents.search.small import base_run, small, study_of

from thinmargin_agents.config.algorithms import ALL
from thinmargin_agents.config.hyperparameters import TABLE as KNOWN
from thinmargin_agents.config.preset import resolve
from thinmargin_agents.config.train_config import TrainConfig
from thinmargin_agents.search.search_space import BOUND, TABLE, NumberRange, OneOf, bound_of, space_of
from thinmargin_agents.search.session import space_of_flags


def test_whatever_is_searched_is_a_hyperparameter_of_its_algorithm_and_every_value_is_allowed() -> None:
    for algo in ALL:
        known = {item.name: item.kind for item in KNOWN if algo in item.algorithms}
        searched = [item for item in TABLE if algo in item.algorithms]
        assert len({item.name for item in searched}) == len(searched), f"{algo} has one twice"
        assert {"learning_rate", "policy_kwargs.net_arch", BOUND} <= {item.name for item in searched}
        for item in searched:
            if item.name == BOUND:
                continue
            assert item.name in known, f"{item.name} of {algo}"
            kind = item.kind
            values = (
                list(kind.values.values()) if isinstance(kind, OneOf)
                else [kind.low, kind.high] if isinstance(kind, NumberRange)
                else list(kind.parts)
            )  # fmt: skip
            for value in values:
                assert known[item.name].allows(value), f"{item.name} of {algo}: {value}"


def test_the_first_trial_is_the_preset_itself(tmp_path: Path) -> None:
    space = space_of_flags(small(tmp_path))
    start = space.start()
    assert set(space.dimensions) - set(start) == {"policy_kwargs.activation_fn"}  # only the network knows its own
    tried = space.hyperparameters(start)
    assert {name: tried[name] for name in space.base.hyperparameters} == space.base.hyperparameters


@pytest.mark.parametrize("algo", ALL)
def test_every_algorithm_can_be_searched_from_its_own_preset(algo: str) -> None:
    space = space_of(resolve(TrainConfig(algo=algo)))
    start = space.start()
    assert {"learning_rate", BOUND} <= set(start)
    tried = space.hyperparameters(start)
    assert {name: tried[name] for name in space.base.hyperparameters} == space.base.hyperparameters
    assert start.items() <= study_of(space, 1).trials[0].params.items()


def test_what_is_tried_fits_firms_episodes_and_updates() -> None:
    def tried(name: str, **hyperparameters: Any) -> list[Any]:
        dimension = space_of(base_run("ppo", **hyperparameters)).dimensions.get(name)
        return list(dimension.values.values()) if isinstance(dimension, OneOf) else []

    assert tried("paired_worlds", n_envs=24, n_steps=180) == [1, 2, 4, 8]
    assert tried("paired_worlds", n_envs=24, n_steps=100) == [], "updates that cut episodes cannot be paired"
    assert tried("batch_size", n_envs=8, n_steps=180, batch_size=480) == [480, 240, 120, 60, 30]
    assert BOUND not in space_of(base_run("ppo", n_steps=180)).dimensions, "there is no plan to correct"


def test_what_the_command_line_gives_is_not_searched(tmp_path: Path) -> None:
    config = small(tmp_path, hyperparams=("clip_range=0.3", "policy_kwargs.net_arch=[16]"), residual_bound=0.2)
    space = space_of_flags(config)
    assert not {"clip_range", "policy_kwargs.net_arch", BOUND} & set(space.dimensions)
    values = space.hyperparameters({"gae_lambda": 0.951234})
    assert (values["clip_range"], values["policy_kwargs"]["net_arch"]) == (0.3, [16])
    assert (bound_of(values), values["gae_lambda"]) == (0.2, 0.9512)


def test_numbers_keep_the_presets_schedule_and_names_become_what_they_stand_for(tmp_path: Path) -> None:
    space = space_of_flags(small(tmp_path))
    values = space.hyperparameters({"learning_rate": 0.00123456, "policy_kwargs.net_arch": "wide critic", BOUND: 0.75})
    assert values["learning_rate"] == "lin_0.001235"
    assert values["policy_kwargs"] == {"log_std_init": -1.0, "net_arch": {"pi": [64, 64], "vf": [128, 128]}}
    assert values["env_wrapper"] == [{"thinmargin.wrappers.Residual": {"base": "plan", "bound": 0.75}}]
