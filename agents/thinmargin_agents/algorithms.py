"""The learning algorithms: which class each name means, and how a run's hyper-parameters become its arguments."""

from __future__ import annotations

from typing import Any

import numpy as np
import sb3_contrib
import stable_baselines3
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.noise import NormalActionNoise

from thinmargin import MONTHLY_DISCOUNT
from thinmargin_agents.configs import Run
from thinmargin_agents.hyperparameters import HOUSE, OFF_POLICY, linear_start
from thinmargin_agents.paired import PairedRecurrentRolloutBuffer, PairedRolloutBuffer
from thinmargin_agents.sb3 import EcosystemVecEnv

ALGORITHMS: dict[str, type[BaseAlgorithm]] = {
    "ppo": stable_baselines3.PPO,
    "a2c": stable_baselines3.A2C,
    "ppo_lstm": sb3_contrib.RecurrentPPO,
    "sac": stable_baselines3.SAC,
    "td3": stable_baselines3.TD3,
    "tqc": sb3_contrib.TQC,
    "crossq": sb3_contrib.CrossQ,
    "dqn": stable_baselines3.DQN,
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
    """The name of the run's network."""
    return str(run.hyperparameters.get("policy", "MlpLstmPolicy" if run.algo == "ppo_lstm" else "MlpPolicy"))


def policy_arguments(run: Run) -> dict[str, Any]:
    """`policy_kwargs` as Stable-Baselines3 takes them."""
    arguments = dict(run.hyperparameters.get("policy_kwargs", {}))
    if "activation_fn" in arguments:
        arguments["activation_fn"] = ACTIVATIONS[arguments["activation_fn"]]
    return arguments


def build(run: Run, environment: EcosystemVecEnv) -> BaseAlgorithm:
    """The algorithm with the run's hyper-parameters, seeded, on this environment.

    Raises:
        ValueError, AssertionError: hyper-parameters do not fit each other or the environment's spaces.
    """
    values = {name: value for name, value in run.hyperparameters.items() if name not in HOUSE}
    values["policy_kwargs"] = policy_arguments(run)
    values.setdefault("gamma", MONTHLY_DISCOUNT)
    for name in ("learning_rate", "clip_range"):
        if name in values:
            values[name] = schedule_of(values[name])
    if run.algo in OFF_POLICY:
        noise = run.hyperparameters.get("noise_std", 0.0)
        if noise:
            size = environment.action_space.shape or (1,)
            values["action_noise"] = NormalActionNoise(np.zeros(size), np.full(size, noise))
    else:
        n_steps = int(values.get("n_steps", 0))
        if n_steps and "batch_size" in values:
            values["batch_size"] = min(values["batch_size"], n_steps * environment.num_envs)
        if environment.copies > 1:
            values["rollout_buffer_class"] = (
                PairedRecurrentRolloutBuffer if run.algo == "ppo_lstm" else PairedRolloutBuffer
            )
            values["rollout_buffer_kwargs"] = {"copies": environment.copies, "horizon": environment.horizon}
    return ALGORITHMS[run.algo](policy_class(run), environment, seed=run.seed, device=run.device, **values)
