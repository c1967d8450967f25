"""Wrappers for any library: correct a plan instead of starting from nothing, see surprises, remember, scale rewards.

Each comes for one environment and for a batch of them (`VectorResidual` beside `Residual`), and they compose in
any order: numbers added to an observation stand behind those that were there.
"""

from thinmargin.wrappers.adapters import Adapter
from thinmargin.wrappers.registry import ADAPTERS, adapters_of
from thinmargin.wrappers.scalar import AdaptedEnv, History, Residual, ScaledReward, Surprises
from thinmargin.wrappers.vector import (
    AdaptedVectorEnv,
    VectorHistory,
    VectorResidual,
    VectorScaledReward,
    VectorSurprises,
)

__all__ = [
    "ADAPTERS",
    "AdaptedEnv",
    "AdaptedVectorEnv",
    "Adapter",
    "History",
    "Residual",
    "ScaledReward",
    "Surprises",
    "VectorHistory",
    "VectorResidual",
    "VectorScaledReward",
    "VectorSurprises",
    "adapters_of",
]
