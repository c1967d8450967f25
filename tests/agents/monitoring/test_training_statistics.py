"""Sums over months and firms, reported as means."""

from __future__ import annotations

import numpy as np
import pytest

from thinmargin.records import BOOK_FIELDS, LEVERS
from thinmargin_agents.monitoring.tags import TRAINING, values_of
from thinmargin_agents.monitoring.training_statistics import TrainingStatistics

NAMES = tuple(field.name for field in BOOK_FIELDS) + tuple(f"applied_{lever.name}" for lever in LEVERS)
FIRST = LEVERS[0].name


def two_months(*, corrected: bool = False) -> TrainingStatistics:
    """Two months of two firms: one asks for an end of the range of the first lever, then both ask for nothing."""
    statistics = TrainingStatistics(NAMES, corrected=corrected)
    asked = np.zeros((2, len(LEVERS)))
    reports = np.full((2, len(NAMES)), 3.0)
    statistics.add(reports + 1.0, asked, np.full(asked.shape, -0.5) if corrected else None)
    asked[0, 0] = 1.0
    statistics.add(reports, asked, np.full(asked.shape, 0.25) if corrected else None)
    return statistics


def test_means_spread_and_saturation_by_hand() -> None:
    values = values_of(TRAINING, two_months().means())
    assert values[f"levers/{FIRST}_mean"] == pytest.approx(0.25)
    assert values[f"levers/{FIRST}_spread"] == pytest.approx(np.std([0.0, 0.0, 0.0, 1.0]))
    assert values[f"levers/{FIRST}_saturation"] == pytest.approx(0.25)
    assert values[f"levers/{FIRST}_applied"] == pytest.approx(3.5)


def test_corrections_are_reported_by_their_size_and_only_where_there_are_any() -> None:
    values = values_of(TRAINING, two_months(corrected=True).means())
    assert values[f"levers/{FIRST}_correction"] == pytest.approx((0.5 + 0.25) / 2)
    assert f"levers/{FIRST}_correction" not in values_of(TRAINING, two_months().means())


def test_the_share_of_bankruptcies_is_of_episodes_that_ended() -> None:
    statistics = two_months()
    assert "firm/bankrupt_share" not in values_of(TRAINING, statistics.means())
    statistics.add_episode_ends(4, 1)
    assert values_of(TRAINING, statistics.means())["firm/bankrupt_share"] == 0.25


def test_a_state_comes_back_and_a_foreign_one_changes_nothing() -> None:
    statistics, other = two_months(), TrainingStatistics(NAMES, corrected=False)
    other.set_state(statistics.get_state())
    assert values_of(TRAINING, other.means()) == values_of(TRAINING, statistics.means())
    with pytest.raises(ValueError, match="reports"):
        other.set_state({**statistics.get_state(), "reports": np.zeros(1)})
    assert values_of(TRAINING, other.means()) == values_of(TRAINING, statistics.means())
    other.clear()
    assert values_of(TRAINING, other.means()) == values_of(TRAINING, TrainingStatistics(NAMES, corrected=False).means())
