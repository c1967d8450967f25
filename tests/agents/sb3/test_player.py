"""A network that only plays answers as its own `predict` does, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tests.agents.sb3.kinds import NETWORKS, network_run
from tests.finished import random_weights

from thinmargin_agents.sb3.networks import build_network, load_weights
from thinmargin_agents.sb3.player import Player, RecurrentPlayer, player_of


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


@pytest.mark.parametrize("kind", [kind for kind in NETWORKS if kind.startswith("ppo_lstm")])
@pytest.mark.parametrize("count", [1, 7])
def test_a_memory_is_kept_as_by_predict(kind: str, count: int) -> None:
    theirs = network(kind)
    player = player_of(theirs, "ppo_lstm")
    assert isinstance(player, RecurrentPlayer)
    draw = np.random.default_rng(0)
    wanted_state = found_state = None
    for month in range(6):
        seen = draw.normal(size=(count, *theirs.observation_space.shape)).astype(np.float32) * 3
        starts = np.full(count, month == 0)
        starts[0] |= month == 4  # one begins anew
        kept = None if found_state is None else tuple(part.copy() for part in found_state)
        before = found_state
        wanted, wanted_state = theirs.predict(seen, wanted_state, starts, deterministic=True)
        theirs.set_training_mode(month == 2)
        found, found_state = player.predict(seen, before, starts)
        assert (found.dtype, found.shape, found.tobytes()) == (wanted.dtype, wanted.shape, wanted.tobytes())
        for one, other in zip(found_state, wanted_state, strict=True):
            assert (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
        for one, other in zip(before or (), kept or (), strict=True):
            assert one.tobytes() == other.tobytes(), "what was handed in has changed"
