from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.agents.audit.small import QUICK, silent

from thinmargin.baselines import baseline
from thinmargin.batch import Batch
from thinmargin.records import SEAT
from thinmargin.settings import Settings
from thinmargin_agents.audit import identities
from thinmargin_agents.audit.findings import Scope
from thinmargin_agents.play.rollout import play_worlds


def test_identities_hold_in_random_play() -> None:
    finding = identities.check(Scope(n_worlds=6), silent)
    assert finding.passed, finding.lines
    assert max(finding.measured.values()) <= 1e-9
    assert len(finding.measured) >= 10


def a_month() -> tuple[npt.NDArray[Any], Batch]:
    """States before a month of two worlds, and the batch after it."""
    batch = Settings(reward="shaped").batch(2)
    for row in range(2):
        batch.draw(row, Settings().family(), 1_500_000 + row)
    batch.begin(np.arange(2))
    for _ in range(12):
        before = batch.states.copy()
        batch.step(np.zeros((2, 4)))
    return before, batch


def steal(batch: Batch) -> None:
    batch.states["cash"][0, SEAT] += 1.0


def forget_tax(batch: Batch) -> None:
    batch.reports["tax"][1] += 5.0


def sell_twice(batch: Batch) -> None:
    batch.reports["revenue"][0] += 5.0


def overpay(batch: Batch) -> None:
    batch.rewards[1] += 0.01


def inflate(batch: Batch) -> None:
    batch.reports["profit_term"][0] += 0.01
    batch.rewards[0] += 0.01


def miscount(batch: Batch) -> None:
    batch.reports["users_home"][1] += 1.0


def lose_users(batch: Batch) -> None:
    batch.states["users"][0, 2] *= 0.5


def overflow(batch: Batch) -> None:
    batch.states["users"][0, 2] *= 100.0


def owe_phones(batch: Batch) -> None:
    batch.states["inventory"][0, 1] = -1e-3


def go_mad(batch: Batch) -> None:
    batch.states["adstock"][0, 1] = np.nan


def adore(batch: Batch) -> None:
    batch.states["fans"][0, SEAT] = 0.99


@pytest.mark.parametrize(
    ("harm", "name"),
    [
        (steal, "cash change = profit less stock paid"),
        (forget_tax, "lines of the statement sum to profit"),
        (sell_twice, "lines of revenue sum to revenue"),
        (overpay, "reward terms sum to the reward"),
        (inflate, "profit term = profit less stock paid"),
        (miscount, "users of the report = users of the state"),
        (lose_users, "users of all firms never fall"),
        (overflow, "users stay below their ceilings"),
        (owe_phones, "numbers of the state out of range"),
        (go_mad, "numbers of the state out of range"),
        (adore, "numbers of the state out of range"),
    ],
)
def test_a_broken_identity_is_noticed_and_named(harm: Callable[[Batch], None], name: str) -> None:
    before, batch = a_month()
    assert identities.judged(identities.breaches(before, batch), 2).passed
    harm(batch)
    found = identities.breaches(before, batch)
    assert found[name] > 1e-6
    finding = identities.judged(found, 2)
    assert not finding.passed
    assert any(name in line and "BROKEN" in line for line in finding.lines)


def test_parts_that_do_not_sum_to_j_are_noticed() -> None:
    outcome = play_worlds(baseline("premium"), QUICK.worlds()[:2])
    assert identities.judged(identities.breaches_of_value(outcome), 1).passed
    for broken in (
        replace(outcome, closing_part=outcome.closing_part + 0.01),
        replace(outcome, lines=outcome.lines | {"tax": outcome.lines["tax"] + 0.01}),
    ):
        assert not identities.judged(identities.breaches_of_value(broken), 1).passed


def test_a_breach_that_is_no_number_is_the_worst_of_all() -> None:
    worst = identities.worse(identities.worse({"a": 0.0}, {"a": float("nan")}), {"a": 0.5})
    assert np.isnan(worst["a"])
    assert not identities.judged({"b": 0.0, **worst}, 1).passed
