"""The checks by name, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable

from thinmargin_agents.audit import adversary, common_worlds, identities, last_year, levers, ranking
from thinmargin_agents.audit.findings import Finding, ProgressFunction, Scope

CHECKS: dict[str, Callable[[Scope, ProgressFunction], Finding]] = {
    "identities": identities.check,
    "die_now_last": ranking.check_last,
    "horizon_ranking": ranking.check_stable,
    "corners": levers.check_corners,
    "interior": levers.check_interior,
    "adversary": adversary.check,
    "last_year": last_year.check,
    "common_worlds": common_worlds.check,
}
