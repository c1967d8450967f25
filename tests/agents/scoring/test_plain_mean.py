"""The mean that statistics are made of by default."""

from __future__ import annotations

import numpy as np
import pytest

from thinmargin_agents.scoring.statistics import mean, paired_difference


def test_it_is_of_the_last_axis() -> None:
    assert mean(np.array([[1.0, 3.0], [5.0, 8.0]])).tolist() == [2.0, 6.5]


def test_a_correlation_of_small_numbers_is_one_too() -> None:
    small = np.linspace(0.0, 0.01, 12)
    assert paired_difference(small + 1.0, small, np.random.default_rng(0)).correlation == pytest.approx(1.0)
