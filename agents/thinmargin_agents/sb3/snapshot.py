"""The state of a training: everything that must be saved so that it resumes bit for bit."""

from __future__ import annotations

import numbers
from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.distributions import StateDependentNoiseDistribution
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.save_util import recursive_getattr

from thinmargin_agents.sb3.networks import load_weights
from thinmargin_agents.sb3.vec_env import EcosystemVecEnv

REPLAYED = ("observations", "next_observations", "actions", "rewards", "dones", "timeouts")
"""Arrays of a replay buffer."""
NOISE = ("exploration_mat", "exploration_matrices")
"""Arrays of state-dependent exploration noise (Raffin et al. 2022)."""


def capture(model: BaseAlgorithm, environment: EcosystemVecEnv) -> dict[str, Any]:
    """Everything that decides how training continues, captured where an update begins its roll-out."""
    _, variables = model._get_torch_save_params()  # noqa: SLF001  # no public name exists
    return {
        "parameters": _to_arrays(model.get_parameters()),
        "variables": {name: _to_arrays(recursive_getattr(model, name)) for name in variables},
        "dice": _rng_state(model),
        "logged": [
            [tag, float(value), list(model.logger.name_to_excluded.get(tag) or ())]
            for tag, value in model.logger.name_to_value.items()
            if isinstance(value, numbers.Real)
        ],
        "environment": environment.get_state(),
        "last_observations": np.asarray(model._last_obs),  # noqa: SLF001  # no public name exists
        "last_starts": np.asarray(model._last_episode_starts),  # noqa: SLF001  # as above
        "timesteps": model.num_timesteps,
        "counters": {name: getattr(model, name) for name in _counters(model)},
        "episodes": list(model.ep_info_buffer or ()),
        "replay": _replay(model) if isinstance(model, OffPolicyAlgorithm) else None,
        "recurrent": _recurrent(model),
    }


def restore(model: BaseAlgorithm, environment: EcosystemVecEnv, tree: Mapping[str, Any]) -> None:
    """Restore what `capture` returned.

    Random generators are left alone: `restore_rng` sets them where the update begins its roll-out.

    Raises:
        KeyError, ValueError, TypeError, RuntimeError, AttributeError: the tree does not fit.
    """
    load_weights(model.policy, tree["parameters"]["policy"])  # its errors name what does not fit
    model.set_parameters(_to_tensors(tree["parameters"]), exact_match=True, device=model.device)
    for name, array in tree["variables"].items():
        recursive_getattr(model, name).data.copy_(torch.as_tensor(array))
    environment.set_state(tree["environment"])
    seen = environment.vector.observation_space.shape
    model._last_obs = _of_shape("last_observations", tree, seen)  # noqa: SLF001  # no public name exists
    model._last_episode_starts = _of_shape("last_starts", tree, seen[:1])  # noqa: SLF001  # as above
    model.num_timesteps = int(tree["timesteps"])
    for name in _counters(model):
        setattr(model, name, tree["counters"][name])
    model.ep_info_buffer = deque(tree["episodes"], maxlen=model._stats_window_size)  # noqa: SLF001  # as above
    model.ep_success_buffer = deque(maxlen=model._stats_window_size)  # noqa: SLF001  # as above
    if isinstance(model, OffPolicyAlgorithm):
        _refill(model, tree["replay"])
    if tree["recurrent"] is not None:
        states: Any = getattr(model, "_last_lstm_states")  # noqa: B009  # only recurrent algorithms have it
        pairs = [tuple(torch.as_tensor(part, device=model.device) for part in pair) for pair in tree["recurrent"]]
        model._last_lstm_states = type(states)(*pairs)  # type: ignore[attr-defined]  # noqa: SLF001  # as above
    for tag, value, excluded in tree["logged"]:
        model.logger.record(tag, value, exclude=tuple(excluded))


def _of_shape(name: str, tree: Mapping[str, Any], shape: tuple[int, ...]) -> Any:
    """A copy of an array of the tree; another shape is a ValueError."""
    array = np.array(tree[name])
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}: it must be {shape}")
    return array


def _rng_state(model: BaseAlgorithm) -> dict[str, Any]:
    """The states of all generators, and the exploration noise drawn for this update where it depends on the state."""
    generator = np.random.get_state(legacy=False)  # noqa: NPY002  # Stable-Baselines3 shuffles with it
    noise = _noise(model)
    return {
        "torch": torch.get_rng_state().numpy().copy(),
        "cuda": [one.numpy() for one in torch.cuda.get_rng_state_all()] if model.device.type == "cuda" else [],
        "numpy": dict(generator),
        "noise": None if noise is None else {name: _to_arrays(getattr(noise, name)) for name in NOISE},
    }


def restore_rng(model: BaseAlgorithm, state: Mapping[str, Any]) -> None:
    """Set generators and exploration noise to what `capture` returned; the same errors as `restore`.

    Stable-Baselines3 draws state-dependent noise before the roll-out of an update, and so before a checkpoint is
    written: what it draws when a run resumes is replaced by what it drew then.
    """
    noise = _noise(model)
    if noise is not None:
        for name in NOISE:
            setattr(noise, name, torch.as_tensor(state["noise"][name], device=model.device))
    torch.set_rng_state(torch.as_tensor(state["torch"]))
    torch.cuda.set_rng_state_all([torch.as_tensor(generator) for generator in state["cuda"]])
    np.random.set_state(state["numpy"])  # noqa: NPY002  # Stable-Baselines3 shuffles with it


def _noise(model: BaseAlgorithm) -> StateDependentNoiseDistribution | None:
    """The distribution with a model's state-dependent exploration noise, or None."""
    actor = getattr(model.policy, "actor", model.policy)
    distribution = getattr(actor, "action_dist", None)
    return distribution if isinstance(distribution, StateDependentNoiseDistribution) else None


def _counters(model: BaseAlgorithm) -> list[str]:
    """Names of an algorithm's counters: updates, episodes, calls, and the present share of exploration."""
    return [name for name in ("_n_updates", "_episode_num", "_n_calls", "exploration_rate") if hasattr(model, name)]


def _replay(model: OffPolicyAlgorithm) -> dict[str, Any]:
    """The filled part of the replay buffer."""
    buffer: Any = model.replay_buffer
    filled = buffer.buffer_size if buffer.full else buffer.pos
    return {name: getattr(buffer, name)[:filled] for name in REPLAYED} | {"pos": buffer.pos, "full": buffer.full}


def _refill(model: OffPolicyAlgorithm, saved: Mapping[str, Any]) -> None:
    buffer: Any = model.replay_buffer
    filled = buffer.buffer_size if saved["full"] else int(saved["pos"])
    for name in REPLAYED:
        array = getattr(buffer, name)
        if saved[name].shape != (filled, *array.shape[1:]):
            raise ValueError(f"replay {name} has shape {saved[name].shape}: it must be {(filled, *array.shape[1:])}")
        array[:filled] = saved[name]
    buffer.pos, buffer.full = int(saved["pos"]), bool(saved["full"])


def _recurrent(model: BaseAlgorithm) -> list[Any] | None:
    """The memory of a recurrent policy, or None."""
    states = getattr(model, "_last_lstm_states", None)
    return None if states is None else [[part.detach().cpu().numpy() for part in pair] for pair in states]


def _to_arrays(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach().cpu().numpy().copy()
    if isinstance(value, Mapping):
        return {name: _to_arrays(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_to_arrays(item) for item in value]
    return value


def _to_tensors(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return torch.as_tensor(value)
    if isinstance(value, Mapping):
        return {name: _to_tensors(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_to_tensors(item) for item in value]
    return value
