"""Environments in wrappers, alone and in a batch, for the tests of wrappers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from gymnasium import spaces

from thinmargin.env import EcosystemEnv
from thinmargin.plans import FEATURE_NAMES
from thinmargin.vector import EcosystemVectorEnv
from thinmargin.wrappers import (
    AdaptedEnv,
    AdaptedVectorEnv,
    History,
    Residual,
    ScaledReward,
    Surprises,
    VectorHistory,
    VectorResidual,
    VectorScaledReward,
    VectorSurprises,
)

Bits = Callable[[Any], Any]
ID = "thinmargin:ThinMargin/Ecosystem-v1"
FEATURES = len(FEATURE_NAMES)
HORIZON = 13
ENVS = 3
TIGHT = {"fixed_cost": 250.0}
"""Overhead that sinks some firms early, so that episodes end at different times."""
Layers = tuple[tuple[type[AdaptedEnv], type[AdaptedVectorEnv], dict[str, Any]], ...]
RESIDUAL, SURPRISES = (Residual, VectorResidual), (Surprises, VectorSurprises)
HISTORY, SCALED = (History, VectorHistory), (ScaledReward, VectorScaledReward)
WRAPPED: dict[str, Layers] = {
    "Residual": ((*RESIDUAL, {"bound": 2.0}),),
    "Residual of feedback": ((*RESIDUAL, {"base": "plan_with_feedback", "bound": 2.0}),),
    "Residual by number": ((*RESIDUAL, {"base": "low_margin_tuned", "bound": 2.0, "levels": 3}),),
    "Surprises": ((*SURPRISES, {}),),
    "History": ((*HISTORY, {"lags": [5, 1]}),),
    "ScaledReward": ((*SCALED, {"factor": 0.3}),),
    "all": ((*SURPRISES, {}), (*HISTORY, {"lags": (2,)}), (*SCALED, {}), (*RESIDUAL, {"bound": 2.0})),
    "all inside out": ((*RESIDUAL, {"bound": 2.0}), (*SCALED, {}), (*HISTORY, {"lags": (2,)}), (*SURPRISES, {})),
}


def alone(name: str, env: Any = None, **arguments: Any) -> Any:
    env = EcosystemEnv(**{"horizon": HORIZON, **arguments}) if env is None else env
    for one, _, kwargs in WRAPPED[name]:
        env = one(env, **kwargs)
    return env


def together(name: str, envs: Any = None, **arguments: Any) -> Any:
    envs = EcosystemVectorEnv(ENVS, **{"horizon": HORIZON, **arguments}) if envs is None else envs
    for _, many, kwargs in WRAPPED[name]:
        envs = many(envs, **kwargs)
    return envs


def chosen(space: spaces.Space[Any], months: int, seed: int = 0) -> Any:
    """Random actions of some months, a little beyond [-1, 1] where they are numbers, for one firm or a batch."""
    rng = np.random.default_rng(seed)
    if isinstance(space, (spaces.Discrete, spaces.MultiDiscrete)):
        count = space.n if isinstance(space, spaces.Discrete) else space.nvec[0]
        return rng.integers(0, count, (months, *space.shape))
    return rng.uniform(-1.3, 1.3, (months, *(space.shape or ()))).astype(np.float32)


def go_on(env: Any, months: int, seed: int = 0) -> list[Any]:
    """What random play of some months returns, across resets of one environment."""
    seen: list[Any] = []
    for action in chosen(env.action_space, months, seed):
        seen.append(env.step(action))
        if np.ndim(seen[-1][2]) == 0 and (seen[-1][2] or seen[-1][3]):
            seen.append(env.reset())
    return seen


class Asked:
    """A policy that writes down what it was asked."""

    def __init__(self, answer: Any = 0.25, state: Any = None) -> None:
        self.answer, self.state = answer, state
        self.shapes: list[tuple[int, ...]] = []

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False
    ) -> tuple[Any, Any]:
        assert state is None
        assert episode_start is None
        assert deterministic, "a base must not roll dice"
        self.shapes.append(np.shape(observation))
        if callable(self.answer):
            return self.answer(observation), self.state
        return np.full((*np.shape(observation)[:-1], 4), self.answer, np.float32), self.state
