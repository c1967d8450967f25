"""Digests of what a run builds on and may be tuned anew: the rule it corrects, the plan whose departures it sees."""

from __future__ import annotations

from typing import Any

from thinmargin.plans import PlanPolicy
from thinmargin.tuned import digest, expected, played
from thinmargin.wrappers import adapters_of
from thinmargin.wrappers.adapters import ResidualAdapter, SurprisesAdapter


def built_on(wrappers: Any) -> dict[str, str]:
    """SHA-256 of every tuned rule or plan of these wrappers, by the name of the wrapper; none for rules that are code.

    Args:
        wrappers: a run's `env_wrapper`.

    Raises:
        ValueError: there are no such wrappers.
    """
    found = {}
    for adapter in adapters_of(wrappers):
        if isinstance(adapter, ResidualAdapter) and isinstance(adapter.base, PlanPolicy):
            found["Residual"] = digest(played(adapter.base))
        elif isinstance(adapter, SurprisesAdapter):
            found["Surprises"] = digest(expected(adapter.surprise))
    return found
