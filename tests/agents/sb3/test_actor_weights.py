from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tests.agents.sb3.kinds import NETWORKS, network_run
from tests.finished import random_weights

from thinmargin.observation import FEATURE_COUNT
from thinmargin_agents.config.algorithms import ALGORITHMS
from thinmargin_agents.sb3.actor_weights import actor_of, network_of, read_actor, write_actor
from thinmargin_agents.sb3.networks import build_network, policy_of


def observations(generator: np.random.Generator, count: int) -> Any:
    """Of firms a quarter through their episodes."""
    seen = generator.normal(size=(count, FEATURE_COUNT)).astype(np.float32)
    seen[:, 0] = 0.25
    return seen


def test_every_algorithm_is_known() -> None:
    assert set(ALGORITHMS) == {kind.partition(",")[0] for kind in NETWORKS}


@pytest.mark.parametrize("kind", NETWORKS)
def test_the_part_that_plays_answers_bit_for_bit_as_the_whole_network(kind: str) -> None:
    run = network_run(kind)
    whole, weights = build_network(run), random_weights(run, seed=1)
    whole.load_state_dict({name: torch.as_tensor(array) for name, array in weights.items()})
    actor = read_actor(write_actor(actor_of(run.algo, weights)))
    assert len(actor) < len(weights)
    assert not any(word in name for name in actor for word in ("value", "critic", "target", "vf"))
    assert all(array.dtype == np.float32 or array.dtype.kind == "i" for array in actor.values())
    players = [policy_of(network, run) for network in (whole, network_of(run, actor))]
    generator = np.random.default_rng(0)
    states: list[Any] = [None, None]
    answers = set()
    for _ in range(4):
        seen = observations(generator, 16)
        played = [player.predict(seen, state) for player, state in zip(players, states, strict=True)]
        states = [state for _, state in played]
        assert np.isfinite(played[0][0]).all()
        assert np.array_equal(played[0][0], played[1][0])
        answers.add(played[0][0].tobytes())
    assert len(answers) == 4  # it answers to what it sees


def test_what_does_not_play_is_nobodys_guess() -> None:
    run = network_run("ppo")
    actor = actor_of("ppo", random_weights(run))
    before = torch.random.get_rng_state()
    network: Any = network_of(run, actor)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.isnan(network.predict_values(torch.zeros(1, network.observation_space.shape[0]))).all()
