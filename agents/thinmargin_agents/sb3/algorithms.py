"""The learning algorithms: the class of each name, made with a run's hyper-parameters."""

from __future__ import annotations

import pkgutil
from typing import Any

import numpy as np
import sb3_contrib
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.noise import NormalActionNoise

from thinmargin import MONTHLY_DISCOUNT
from thinmargin.shown import shown
from thinmargin_agents.config.algorithms import ALGORITHMS
from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.hyperparameters import NOT_SB3_ARGUMENTS, linear_start
from thinmargin_agents.config.run import Run
from thinmargin_agents.config.seeds import Use, seeds_of
from thinmargin_agents.sb3.paired_worlds import PairedRecurrentRolloutBuffer, PairedRolloutBuffer
from thinmargin_agents.sb3.rollouts import TensorRolloutBuffer, move_lambda
from thinmargin_agents.sb3.vec_env import EcosystemVecEnv

CLASSES: dict[str, type[BaseAlgorithm]] = {
    name: pkgutil.resolve_name(algorithm.library_class) for name, algorithm in ALGORITHMS.items()
}
ACTIVATIONS = {"tanh": torch.nn.Tanh, "relu": torch.nn.ReLU}


def schedule_of(value: Any) -> Any:
    """A function from the share of the run that is left to a number, for `lin_NUMBER`; else the value itself."""
    first = linear_start(value)
    if first is None:
        return value

    def schedule(left: float) -> float:
        return first * max(left, 0.0)  # the last update may pass the end

    return schedule


def policy_class(run: Run) -> str:
    """The name of the run's network; one that its algorithm does not have is a ConfigError."""
    own = ALGORITHMS[run.algo].policy
    name = run.hyperparameters.get("policy", own)
    if name != own:
        raise ConfigError(f"hyper-parameter policy is {shown(name)}: {run.algo} has {own}")
    return own


def policy_arguments(run: Run) -> dict[str, Any]:
    """`policy_kwargs` as Stable-Baselines3 takes them; layers of a part the algorithm lacks are a ConfigError."""
    arguments = dict(run.hyperparameters.get("policy_kwargs", {}))
    layers = arguments.get("net_arch")
    parts = ALGORITHMS[run.algo].parts
    if isinstance(layers, dict) and set(layers) != set(parts):
        allowed = f", or one each for {' and '.join(parts)}" if parts else ""
        raise ConfigError(f"hyper-parameter policy_kwargs.net_arch is {shown(layers)}: {run.algo} has a list{allowed}")
    if "activation_fn" in arguments:
        arguments["activation_fn"] = ACTIVATIONS[arguments["activation_fn"]]
    return arguments


def build(run: Run, environment: EcosystemVecEnv) -> BaseAlgorithm:
    """The algorithm with the run's hyper-parameters, seeded, on this environment.

    Raises:
        ValueError, AssertionError: hyper-parameters do not fit each other or the environment's spaces.
    """
    values = {name: value for name, value in run.hyperparameters.items() if name not in NOT_SB3_ARGUMENTS}
    values["policy_kwargs"] = policy_arguments(run)
    values.setdefault("gamma", MONTHLY_DISCOUNT)
    for name in ("learning_rate", "clip_range"):
        if name in values:
            values[name] = schedule_of(values[name])
    if not ALGORITHMS[run.algo].on_policy:
        noise = run.hyperparameters.get("noise_std", 0.0)
        if noise:
            size = environment.action_space.shape or (1,)
            values["action_noise"] = NormalActionNoise(np.zeros(size), np.full(size, noise))
    else:
        n_steps = int(values.get("n_steps", 0))
        if n_steps and "batch_size" in values:
            values["batch_size"] = min(values["batch_size"], n_steps * environment.num_envs)
        if not ALGORITHMS[run.algo].recurrent:
            values["rollout_buffer_class"] = TensorRolloutBuffer
            if environment.copies > 1:
                values["rollout_buffer_class"] = PairedRolloutBuffer
                values["rollout_buffer_kwargs"] = {"copies": environment.copies, "horizon": environment.horizon}
    (learning,) = seeds_of(run.seed, Use.LEARNING, bits=32)
    model = CLASSES[run.algo](policy_class(run), environment, seed=learning, device=run.device, **values)
    _seed_environment(environment, run.seed)
    if "gae_lambda_start" in run.hyperparameters:
        move_lambda(model, run.hyperparameters["gae_lambda_start"])
    if environment.copies > 1 and isinstance(model, sb3_contrib.RecurrentPPO):
        model.rollout_buffer = _paired_buffer(model, environment)  # its class takes no other buffer
    return model


def _seed_environment(environment: EcosystemVecEnv, seed: int) -> None:
    """Seed worlds and random actions, which Stable-Baselines3 has seeded with the seed of learning."""
    environment.seed(seed)
    environment.action_space.seed(seeds_of(seed, Use.RANDOM_ACTIONS)[0])


def _paired_buffer(model: sb3_contrib.RecurrentPPO, environment: EcosystemVecEnv) -> PairedRecurrentRolloutBuffer:
    """The buffer of a recurrent model, for paired worlds."""
    plain: Any = model.rollout_buffer
    return PairedRecurrentRolloutBuffer(
        plain.buffer_size, plain.observation_space, plain.action_space, plain.hidden_state_shape, plain.device,
        plain.gae_lambda, plain.gamma, plain.n_envs, copies=environment.copies, horizon=environment.horizon,
    )  # fmt: skip
