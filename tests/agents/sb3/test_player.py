"""A network that only plays answers as its own `predict` does, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tests.agents.sb3.kinds import NETWORKS, network_run
from tests.finished import random_weights

from thinmargin_agents.sb3.networks import build_network, load_weights
from thinmargin_agents.sb3.player import Player, player_of


def network(kind: str) -> Any:
    run = network_run(kind)
    made = build_network(run)
    load_weights(made, random_weights(run, seed=1))
    return made


WITHOUT_MEMORY = [kind for kind in NETWORKS if not kind.startswith("ppo_lstm")]


@pytest.mark.parametrize("kind", WITHOUT_MEMORY)
@pytest.mark.parametrize("count", [1, 7])
def test_actions_are_those_of_predict(kind: str, count: int) -> None:
    theirs = network(kind)
    seen = np.random.default_rng(0).normal(size=(count, *theirs.observation_space.shape)).astype(np.float32) * 3
    player = player_of(theirs, kind.partition(",")[0])
    assert isinstance(player, Player)
    for deterministic in (True, False):
        torch.manual_seed(0)
        wanted, _ = theirs.predict(seen, deterministic=deterministic)
        torch.manual_seed(0)
        found, state = player.predict(seen, "kept", None, deterministic)
        assert (found.dtype, found.shape, found.tobytes()) == (wanted.dtype, wanted.shape, wanted.tobytes())
        assert state == "kept"


@pytest.mark.parametrize("kind", WITHOUT_MEMORY)
def test_a_network_that_learns_plays_as_one_that_does_not(kind: str) -> None:
    theirs = network(kind)
    seen = np.random.default_rng(0).normal(size=(5, *theirs.observation_space.shape)).astype(np.float32)
    wanted = theirs.predict(seen, deterministic=True)[0]
    player = Player(theirs)
    theirs.set_training_mode(True)
    assert player.predict(seen)[0].tobytes() == wanted.tobytes()
    assert not theirs.training


def test_a_memory_is_left_to_its_own_code() -> None:
    recurrent = network("ppo_lstm")
    assert player_of(recurrent, "ppo_lstm") is recurrent
