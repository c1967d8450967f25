"""From a run's configuration to its environment, policy and everything that must be saved to go on."""

from __future__ import annotations

import dataclasses
import numbers
import warnings
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.distributions import StateDependentNoiseDistribution
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.save_util import recursive_getattr

from thinmargin import ENVIRONMENTS
from thinmargin.baselines import Policy
from thinmargin.settings import Settings, observation_space
from thinmargin.wrappers import Adapter, adapters_of
from thinmargin_agents.config.algorithms import ALGORITHMS
from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.hyperparameters import linear_start
from thinmargin_agents.config.run import Run
from thinmargin_agents.play.adapted_policy import AdaptedPolicy
from thinmargin_agents.sb3.algorithms import CLASSES, build, policy_arguments, policy_class
from thinmargin_agents.sb3.vec_env import EcosystemVecEnv

REPLAYED = ("observations", "next_observations", "actions", "rewards", "dones", "timeouts")
"""Arrays of a replay buffer."""
NOISE = ("exploration_mat", "exploration_matrices")
"""Arrays of state-dependent exploration noise (Raffin et al. 2022)."""


def environment_arguments(run: Run) -> dict[str, Any]:
    """Keyword arguments of the training environment: the id's, the run's, and the training reward.

    Raises:
        ConfigError: the environment refuses them, or they ask for worlds kept for reporting.
    """
    known = [entry.id for entry in ENVIRONMENTS]
    if run.env_id not in known:
        raise ConfigError(f"--env is {run.env_id!r}: allowed are {', '.join(known)}")
    spec = gymnasium.spec(run.env_id)
    arguments = {**spec.kwargs, **run.env_kwargs}
    if arguments.get("split", "train") != "train":
        raise ConfigError(f"--env-kwargs split is {arguments['split']!r}: training draws from 'train' only")
    allowed = [item.name for item in dataclasses.fields(Settings)]
    for name in run.env_kwargs:
        if name not in allowed:
            raise ConfigError(f"--env-kwargs has {name!r}: allowed are {', '.join(allowed)}")
    try:
        settings = Settings(**arguments)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"--env-kwargs: {error}") from error
    if settings.parameters:
        raise ConfigError("--env-kwargs parameters: an agent is judged on worlds of the shipped constants only")
    if settings.family().held_out:
        raise ConfigError(f"--env is {run.env_id!r}: these worlds are held out, never trained on")
    return arguments


def adapters_for(run: Run) -> list[Adapter]:
    """What stands between the run's agent and its firms; a ConfigError says what cannot be."""
    try:
        return adapters_of(run.hyperparameters.get("env_wrapper"))
    except ValueError as error:
        raise ConfigError(str(error)) from error


def check(run: Run) -> None:
    """Nothing if the run can be trained, else a ConfigError: before a folder is made for it."""
    if run.tensorboard_log is not None:
        wanted = Path(run.tensorboard_log)
        nearest = next(path for path in (wanted, *wanted.parents) if path.exists())
        if not nearest.is_dir():
            raise ConfigError(f"--tensorboard-log is {run.tensorboard_log!r}: {nearest} is not a folder")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the run itself will give them
        build_model(run, build_environment(run))


def check_pairing(run: Run) -> None:
    """Nothing if updates hold whole episodes where worlds are paired, else a ConfigError."""
    copies, horizon = int(run.hyperparameters.get("paired_worlds", 1)), Settings(**environment_arguments(run)).horizon
    n_steps = run.hyperparameters.get("n_steps")
    if copies > 1 and (n_steps is None or int(n_steps) % horizon):
        raise ConfigError(
            f"hyper-parameter n_steps is {'missing' if n_steps is None else n_steps}: with paired_worlds {copies} a"
            f" multiple of the episode's {horizon} months is wanted (paired_worlds=1 takes any)"
        )


def idle(model: BaseAlgorithm, run: Run) -> list[str]:
    """In words, what of a run teaches its agent nothing: months that are rounded up, and runs too short to learn in."""
    months, notes = run.total_timesteps, []
    if isinstance(model, OnPolicyAlgorithm):
        update = model.n_steps * model.n_envs
        updates = -(-months // update)
        if updates * update != months:
            notes.append(f"{updates:,} updates of {update:,} months are {updates * update:,} months")
        if updates == 1 and linear_start(run.hyperparameters.get("learning_rate")) is not None:
            notes.append(
                "the learning rate falls to zero at the end, and the first update is the end: nothing is learnt;"
                " a smaller --n-envs makes more updates of a run"
            )
    elif isinstance(model, OffPolicyAlgorithm) and model.learning_starts >= months:
        notes.append(f"learning_starts is {model.learning_starts:,}: a run of {months:,} months ends before it learns")
    return notes


def build_environment(run: Run) -> EcosystemVecEnv:
    """The batch of firms a run trains on.

    Raises:
        ConfigError: hyper-parameters and environment do not fit each other.
    """
    values, arguments = run.hyperparameters, environment_arguments(run)
    check_pairing(run)
    copies = int(values.get("paired_worlds", 1))
    try:
        return EcosystemVecEnv(run.env_id, int(values["n_envs"]), adapters_for(run), copies, **arguments)
    except ValueError as error:
        raise ConfigError(f"{run.algo} on {run.env_id}: {error}") from error


def build_model(run: Run, environment: EcosystemVecEnv) -> BaseAlgorithm:
    """The algorithm with the run's hyper-parameters, seeded.

    Raises:
        ConfigError: the algorithm refuses its hyper-parameters or the environment, or its device is not there.
    """
    if run.device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("--device is 'cuda': PyTorch finds no GPU here; 'cpu' is allowed")
    check_spaces(run)
    try:
        return build(run, environment)
    except (ValueError, TypeError, AssertionError) as error:
        raise ConfigError(f"{run.algo} on {run.env_id}: {error}") from error


def check_spaces(run: Run) -> tuple[spaces.Box, spaces.Space[Any]]:
    """What the run's agent sees and answers with; a ConfigError if its algorithm cannot."""
    seen: spaces.Box = observation_space()
    done: spaces.Space[Any] = Settings(**environment_arguments(run)).action_space()
    for adapter in adapters_for(run):
        seen, done = adapter.observation_space(seen), adapter.action_space(done)
    algorithm = ALGORITHMS[run.algo]
    wants = spaces.Discrete if algorithm.discrete else spaces.Space if algorithm.on_policy else spaces.Box
    if not isinstance(done, wants):
        raise ConfigError(
            f"--algo is {run.algo!r} and the actions are {done}: {wants.__name__} is wanted (an id with discrete"
            " actions, or wrapper Residual with levels, for dqn)"
        )
    return seen, done


def build_network(run: Run) -> BasePolicy:
    """The policy's network alone, with fresh weights: no environment, no optimiser state.

    Raises:
        ConfigError: the environment or a hyper-parameter is not among what is allowed.
        ValueError, TypeError, AssertionError: hyper-parameters of the network do not fit each other.
    """
    seen, done = check_spaces(run)
    arguments = policy_arguments(run)
    if run.hyperparameters.get("use_sde"):
        arguments["use_sde"] = True
    kind = CLASSES[run.algo].policy_aliases[policy_class(run)]
    network = kind(seen, done, lambda _: 0.0, **arguments)
    network.set_training_mode(False)
    return network


def playing(network: BasePolicy, run: Run) -> Policy:
    """The network with its adapters: it plays the bare environment."""
    return AdaptedPolicy(cast("Policy", network), adapters_for(run))


def weights(network: BasePolicy) -> dict[str, Any]:
    """The network's weights as arrays."""
    return {name: tensor.detach().cpu().numpy().copy() for name, tensor in network.state_dict().items()}


def load_weights(network: BasePolicy, arrays: Mapping[str, Any]) -> None:
    """Put weights into a network.

    Raises:
        ValueError, TypeError: weights are missing, too many, misshapen, of another type, or not finite.
    """
    wanted, given = network.state_dict(), {name: torch.as_tensor(array) for name, array in arrays.items()}
    missing, unknown = [name for name in wanted if name not in given], [name for name in given if name not in wanted]
    if missing or unknown:
        raise ValueError("; ".join(f"{words} {_some(names)}" for words, names in
                                   (("it lacks", missing), ("it has beside", unknown)) if names))  # fmt: skip
    for name, tensor in given.items():
        if tensor.shape != wanted[name].shape:
            raise ValueError(f"{name} has shape {tuple(tensor.shape)}: {tuple(wanted[name].shape)} is wanted")
        if tensor.dtype != wanted[name].dtype:
            raise ValueError(f"{name} has type {tensor.dtype}: {wanted[name].dtype} is wanted")
    spoilt = not_finite(given)
    if spoilt:
        raise ValueError(f"{spoilt} has numbers that are not finite")
    network.load_state_dict(given)


def not_finite(tensors: Mapping[str, torch.Tensor]) -> str | None:
    """The first of these weights with NaN or infinity in it, or None."""
    return next((name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()), None)


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def capture(model: BaseAlgorithm, environment: EcosystemVecEnv) -> dict[str, Any]:
    """Everything that decides how training goes on, where an update begins to act."""
    _, variables = model._get_torch_save_params()  # noqa: SLF001  # no public name exists
    return {
        "parameters": _to_arrays(model.get_parameters()),
        "variables": {name: _to_arrays(recursive_getattr(model, name)) for name in variables},
        "dice": _dice(model),
        "logged": [
            [tag, float(value), list(model.logger.name_to_excluded.get(tag) or ())]
            for tag, value in model.logger.name_to_value.items()
            if isinstance(value, numbers.Real)
        ],
        "environment": environment.get_state(),
        "last_observations": np.asarray(model._last_obs),  # noqa: SLF001  # as above
        "last_starts": np.asarray(model._last_episode_starts),  # noqa: SLF001  # as above
        "timesteps": model.num_timesteps,
        "counters": {name: getattr(model, name) for name in _counters(model)},
        "episodes": list(model.ep_info_buffer or ()),
        "replay": _replay(model) if isinstance(model, OffPolicyAlgorithm) else None,
        "recurrent": _recurrent(model),
    }


def restore(model: BaseAlgorithm, environment: EcosystemVecEnv, tree: Mapping[str, Any]) -> None:
    """Go back to what `capture` saw, but for the dice, which `restore_dice` sets where the update begins to act.

    Raises:
        KeyError, ValueError, TypeError, RuntimeError, AttributeError: the tree does not fit.
    """
    load_weights(model.policy, tree["parameters"]["policy"])  # it says in words what does not fit
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
        kept: Any = getattr(model, "_last_lstm_states")  # noqa: B009  # only recurrent algorithms have it
        pairs = [tuple(torch.as_tensor(part, device=model.device) for part in pair) for pair in tree["recurrent"]]
        model._last_lstm_states = type(kept)(*pairs)  # type: ignore[attr-defined]  # noqa: SLF001  # as above
    for tag, value, excluded in tree["logged"]:
        model.logger.record(tag, value, exclude=tuple(excluded))


def _of_shape(name: str, tree: Mapping[str, Any], wanted: tuple[int, ...]) -> Any:
    """A copy of an array of the tree; another shape is a ValueError."""
    array = np.array(tree[name])
    if array.shape != wanted:
        raise ValueError(f"{name} has shape {array.shape}: {wanted} is wanted")
    return array


def _dice(model: BaseAlgorithm) -> dict[str, Any]:
    """The states of all generators, and the exploration noise drawn for this update where it depends on the state."""
    generator = np.random.get_state(legacy=False)  # noqa: NPY002  # Stable-Baselines3 shuffles with it
    noise = _noise(model)
    return {
        "torch": torch.get_rng_state().numpy().copy(),
        "cuda": [state.numpy() for state in torch.cuda.get_rng_state_all()] if model.device.type == "cuda" else [],
        "numpy": dict(generator),
        "noise": None if noise is None else {name: _to_arrays(getattr(noise, name)) for name in NOISE},
    }


def restore_dice(model: BaseAlgorithm, dice: Mapping[str, Any]) -> None:
    """Set generators and exploration noise to what `capture` saw; the same errors as `restore`.

    Stable-Baselines3 draws state-dependent noise before an update begins to act, and so before a checkpoint is
    written: what it draws when a run goes on is replaced by what it drew then.
    """
    noise = _noise(model)
    if noise is not None:
        for name in NOISE:
            setattr(noise, name, torch.as_tensor(dice["noise"][name], device=model.device))
    torch.set_rng_state(torch.as_tensor(dice["torch"]))
    torch.cuda.set_rng_state_all([torch.as_tensor(state) for state in dice["cuda"]])
    np.random.set_state(dice["numpy"])  # noqa: NPY002  # Stable-Baselines3 shuffles with it


def _noise(model: BaseAlgorithm) -> StateDependentNoiseDistribution | None:
    """What holds a model's state-dependent exploration noise, or None."""
    actor = getattr(model.policy, "actor", model.policy)
    distribution = getattr(actor, "action_dist", None)
    return distribution if isinstance(distribution, StateDependentNoiseDistribution) else None


def _counters(model: BaseAlgorithm) -> list[str]:
    """What an algorithm counts: updates, episodes, calls, and how much it explores by now."""
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
            raise ValueError(f"replay {name} has shape {saved[name].shape}: {(filled, *array.shape[1:])} is wanted")
        array[:filled] = saved[name]
    buffer.pos, buffer.full = int(saved["pos"]), bool(saved["full"])


def _recurrent(model: BaseAlgorithm) -> list[Any] | None:
    """What a recurrent policy remembers of its firms, or None."""
    kept = getattr(model, "_last_lstm_states", None)
    return None if kept is None else [[part.detach().cpu().numpy() for part in pair] for pair in kept]


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
