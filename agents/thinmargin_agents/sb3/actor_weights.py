"""The weights of a network that play: all that a shipped agent stores of what was learnt.

Value functions, critics and target networks are for learning; `predict` never uses them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.numpy import load as from_bytes
from stable_baselines3.common.policies import BasePolicy

from thinmargin_agents.config.algorithms import ALGORITHMS
from thinmargin_agents.config.run import Run
from thinmargin_agents.sb3.networks import build_network
from thinmargin_agents.sb3.tensor_bytes import tensor_bytes

Arrays = dict[str, npt.NDArray[Any]]

FORMAT = "thinmargin-actor-1"


def actor_of(algo: str, weights: Mapping[str, npt.NDArray[Any]]) -> Arrays:
    """The weights that play, of a whole network's: floating numbers as float32, counters as they are."""
    return {
        name: np.asarray(array, np.float32 if array.dtype.kind == "f" else array.dtype)
        for name, array in weights.items()
        if name.startswith(ALGORITHMS[algo].acting_weights)
    }


def write_actor(actor: Arrays) -> bytes:
    """The content of a safetensors file; the same weights give the same bytes."""
    return tensor_bytes(actor, {"format": FORMAT})


def read_actor(content: bytes) -> Arrays:
    """Read what `write_actor` wrote; nothing is executed, and anything else is a ValueError."""
    try:
        return dict(from_bytes(content))
    except SafetensorError as error:
        raise ValueError(f"no safetensors file: {error}") from error


def network_of(run: Run, actor: Arrays) -> BasePolicy:
    """The run's network with these weights; those that do not play are NaN, so that nobody takes them for learnt.

    Raises:
        ValueError: the weights are not those of the run's network.
    """
    with torch.random.fork_rng(devices=[]):  # fresh weights leave the caller's generator alone
        network = build_network(run)
    state = network.state_dict()
    required = {name for name in state if name.startswith(ALGORITHMS[run.algo].acting_weights)}
    if required != set(actor):
        raise ValueError(f"weights are of {', '.join(sorted(actor))}: they must be of {', '.join(sorted(required))}")
    for name, old in state.items():
        if name in actor and tuple(old.shape) != actor[name].shape:
            raise ValueError(f"weights {name} have shape {actor[name].shape}: it must be {tuple(old.shape)}")
    network.load_state_dict(
        {name: torch.as_tensor(actor[name]) if name in actor else _unknown(old) for name, old in state.items()}
    )
    return network


def _unknown(tensor: torch.Tensor) -> torch.Tensor:
    return torch.full_like(tensor, torch.nan) if tensor.is_floating_point() else tensor
