from __future__ import annotations

import numpy as np
import pytest

from thinmargin.splits import KEYS
from thinmargin_agents.audit.findings import Scope
from thinmargin_agents.audit.plan_players import Players


def test_worlds_are_validation_worlds_that_no_rule_is_tuned_on_and_parts_do_not_overlap() -> None:
    scope = Scope(n_worlds=10_000)
    parts = [scope.worlds(part) for part in ("shared", "search", "judge")]
    seen: set[int] = set()
    for part in parts:
        assert part[0] in KEYS["validation"]
        assert part[-1] in KEYS["validation"]
        assert part[0] > KEYS["validation"][100_000]
        assert not seen & set(part)
        seen |= set(part)
    assert [len(part) for part in parts] == [10_000, 64, 10_000]


@pytest.mark.slow
def test_worker_processes_do_not_change_what_is_earned() -> None:
    plans = np.random.default_rng(0).uniform(-1.0, 1.0, (5, 24, 4))
    keys = Scope(n_worlds=3).worlds()
    alone = Players().play(plans, keys)
    with Players(2) as players:
        together = players.play(plans, keys)
    for one, other in zip(alone, together, strict=True):
        assert one.shape == (5, 3)
        assert (one == other).all()
    assert len(np.unique(alone.value)) == 15
