"""Allowed numbers and choices of a command line and of a run's file."""

from __future__ import annotations

from typing import Literal, get_args

from thinmargin_agents.config.algorithms import ALL
from thinmargin_agents.config.errors import ConfigError, shown

Device = Literal["cpu", "cuda"]
Engine = Literal["local", "ray"]

LIMITS = {
    "num_threads": (1, 1024),
    "eval_freq": (1, 1 << 62),
    "n_eval_episodes": (2, 1_000_000),
    "save_freq": (1, 1 << 62),
    "seed": (0, (1 << 31) - 1),
    "total_timesteps": (1, 1 << 40),
    "n_envs": (1, 1 << 20),
}
"""Whole numbers of a command line and of a run's file: the least and the most allowed."""


def check_numbers(settings: object, *, may_be_none: bool) -> None:
    """Raise ConfigError unless the numbers of LIMITS, the algorithm and the device can be used.

    Args:
        settings: a dataclass with some of the fields of LIMITS, `algo` and `device`.
        may_be_none: whether a number may be left open.
    """
    values = vars(settings)
    for name, (low, high) in LIMITS.items():
        if name not in values or (may_be_none and values[name] is None):
            continue
        value = values[name]
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ConfigError(f"--{name.replace('_', '-')} is {shown(value)}: allowed are {low} to {high}")
    for name, allowed in (("algo", ALL), ("device", get_args(Device))):
        if values[name] not in allowed:
            raise ConfigError(f"--{name} is {shown(values[name])}: allowed are {', '.join(allowed)}")
