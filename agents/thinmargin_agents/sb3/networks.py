"""The network of a run: built alone, with its weights, and as a policy that plays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from stable_baselines3.common.policies import BasePolicy

from thinmargin.baselines import Policy
from thinmargin_agents.config.run import Run
from thinmargin_agents.play.adapted_policy import AdaptedPolicy
from thinmargin_agents.sb3.algorithms import CLASSES, policy_arguments, policy_class
from thinmargin_agents.sb3.building import adapters_for, check_spaces
from thinmargin_agents.sb3.player import player_of


def build_network(run: Run) -> BasePolicy:
    """The policy's network alone, with fresh weights: no environment, no optimiser state.

    Raises:
        ConfigError: the environment or a hyper-parameter is not among what is allowed.
        ValueError, TypeError, AssertionError: hyper-parameters of the network do not fit each other.
    """
    observations, actions = check_spaces(run)
    arguments = policy_arguments(run)
    if run.hyperparameters.get("use_sde"):
        arguments["use_sde"] = True
    arguments["optimizer_class"] = _NoOptimizer
    kind = CLASSES[run.algo].policy_aliases[policy_class(run)]
    network = kind(observations, actions, lambda _: 0.0, **arguments)
    network.set_training_mode(False)
    return network


class _NoOptimizer:
    """Stands where an optimiser would, which nobody asks for: PyTorch's take a second to import."""

    def __init__(self, parameters: Any, **settings: Any) -> None:
        del parameters, settings


def policy_of(network: BasePolicy, run: Run) -> Policy:
    """The network with its adapters: it plays the bare environment."""
    return AdaptedPolicy(player_of(network, run.algo), adapters_for(run))


def weights(network: BasePolicy) -> dict[str, Any]:
    """The network's weights as arrays."""
    return {name: tensor.detach().cpu().numpy().copy() for name, tensor in network.state_dict().items()}


def load_weights(network: BasePolicy, arrays: Mapping[str, Any]) -> None:
    """Put weights into a network.

    Raises:
        ValueError, TypeError: weights are missing, too many, misshapen, of another type, or not finite.
    """
    expected, given = network.state_dict(), {name: torch.as_tensor(array) for name, array in arrays.items()}
    missing = [name for name in expected if name not in given]
    unknown = [name for name in given if name not in expected]
    if missing or unknown:
        raise ValueError("; ".join(f"{words} {_listed(names)}" for words, names in
                                   (("it lacks", missing), ("it also has", unknown)) if names))  # fmt: skip
    for name, tensor in given.items():
        if tensor.shape != expected[name].shape:
            raise ValueError(f"{name} has shape {tuple(tensor.shape)}: it must be {tuple(expected[name].shape)}")
        if tensor.dtype != expected[name].dtype:
            raise ValueError(f"{name} has type {tensor.dtype}: it must be {expected[name].dtype}")
    non_finite = first_non_finite(given)
    if non_finite:
        raise ValueError(f"{non_finite} has numbers that are not finite")
    network.load_state_dict(given)


def first_non_finite(tensors: Mapping[str, torch.Tensor]) -> str | None:
    """The first of these weights with NaN or infinity in it, or None."""
    return next((name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()), None)


def _listed(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
