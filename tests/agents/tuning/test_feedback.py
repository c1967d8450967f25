from __future__ import annotations

import numpy as np
import pytest

from thinmargin.baselines import baseline
from thinmargin.splits import KEYS
from thinmargin_agents.play.rollout import play_worlds
from thinmargin_agents.scoring.statistics import paired_difference
from thinmargin_agents.tuning.feedback import FEATURES, gain_of, surprise_of, whitening


def test_whitened_deviations_are_uncorrelated_with_variance_one() -> None:
    generator = np.random.default_rng(0)
    deviations = generator.standard_normal((4000, len(FEATURES))) @ generator.normal(
        0.3, 0.4, (len(FEATURES), len(FEATURES))
    )
    white = deviations @ whitening(deviations)
    variances = np.linalg.eigvalsh(white.T @ white / len(white))
    assert variances.max() == pytest.approx(1.0, abs=1e-6)
    assert np.median(variances) == pytest.approx(1.0, abs=1e-6)
    assert gain_of(np.zeros((5, 4 * len(FEATURES))), whitening(deviations)).shape == (5, 1, 4, len(FEATURES))


def test_surprises_of_a_plan_average_to_nothing_in_the_worlds_it_was_made_from() -> None:
    _, deviations = surprise_of(baseline("plan").knots, KEYS["validation"][:40])
    assert np.abs(deviations.mean(axis=0)).max() < 0.25
    assert 0.3 < deviations.std() < 1.5


def test_a_firm_that_has_gone_bankrupt_counts_no_longer() -> None:
    """Firms that sell below cost are all gone after a few years: what was seen last stays what is expected."""
    surprise, deviations = surprise_of(np.array([[-1.0, -1.0, -1.0, 1.0]]), KEYS["validation"][:20])
    assert np.isfinite(surprise.centre).all()
    assert np.ptp(surprise.centre[-5:], axis=0).max() == 0.0
    assert np.ptp(surprise.centre, axis=0).max() > 0.1
    assert len(deviations) < 20 * 60


@pytest.mark.slow
def test_feedback_is_worth_four_percent_of_a_plan_in_worlds_that_neither_met() -> None:
    worlds = KEYS["validation"][900_000:900_512]
    plan, answering = (play_worlds(baseline(name), worlds).value for name in ("plan", "plan_with_feedback"))
    gap = paired_difference(answering, plan, np.random.default_rng(0))
    assert gap.mean >= 0.04 * plan.mean()
    assert gap.interval.low > 0.0
