"""The memory that a run takes for experience and weights, told before any of it is taken."""

from __future__ import annotations

import math
from typing import Any

from gymnasium import spaces

from thinmargin.memory import GIB, available_memory
from thinmargin_agents.config.algorithms import ALGORITHMS
from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.run import Run
from thinmargin_agents.config.sizes import least_weights

NUMBER = 4
"""Bytes of a number of experience or of a weight, float32."""
COPIES = 4
"""Numbers a weight that learns: itself, its gradient, and the two moments of Adam."""
BESIDE = 6
"""Numbers a month beside observations and actions: reward, value, advantage, probability, start, return."""
REMEMBERED = 1_000_000
"""Months that Stable-Baselines3 remembers off-policy where `buffer_size` is not set."""


def needed_bytes(run: Run, observations: spaces.Box, actions: spaces.Space[Any]) -> int:
    """Bytes of experience and weights, at least."""
    values = run.hyperparameters
    seen, acted = math.prod(observations.shape), math.prod(actions.shape or (1,))
    if ALGORITHMS[run.algo].on_policy:
        months = int(values.get("n_steps", 1)) * int(values["n_envs"])
        numbers = months * (seen + acted + BESIDE)
    else:
        numbers = int(values.get("buffer_size", REMEMBERED)) * (2 * seen + acted + BESIDE)
    return NUMBER * (numbers + COPIES * least_weights(run))


def check_run_fits(run: Run, observations: spaces.Box, actions: spaces.Space[Any]) -> None:
    """Raise ConfigError if experience and weights would take more memory than is available to this process."""
    needed, there = needed_bytes(run, observations, actions), available_memory()
    if there is not None and needed > there:
        names = "n_steps, n_envs" if ALGORITHMS[run.algo].on_policy else "buffer_size"
        raise ConfigError(
            f"experience and weights would take {needed / GIB:,.1f} GiB of memory, and {there / GIB:,.1f} GiB are"
            f" available: {names} and the layers of policy_kwargs.net_arch decide how much"
        )
