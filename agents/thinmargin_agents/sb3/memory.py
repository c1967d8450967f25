"""The memory that a run takes for experience and weights, told before any of it is taken."""

from __future__ import annotations

import math
import os
from typing import Any

from gymnasium import spaces

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
GIB = 1 << 30


def machine_bytes() -> int | None:
    """Memory of this machine, or None where the system does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


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


def check_memory(run: Run, observations: spaces.Box, actions: spaces.Space[Any]) -> None:
    """Raise ConfigError if experience and weights would take more memory than this machine has."""
    needed, there = needed_bytes(run, observations, actions), machine_bytes()
    if there is not None and needed > there:
        names = "n_steps, n_envs" if ALGORITHMS[run.algo].on_policy else "buffer_size"
        raise ConfigError(
            f"experience and weights would take {needed / GIB:,.1f} GiB of memory, and this machine has"
            f" {there / GIB:,.1f}: {names} and the layers of policy_kwargs.net_arch decide how much"
        )
