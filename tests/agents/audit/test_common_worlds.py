from __future__ import annotations

import numpy as np
from tests.agents.audit.small import QUICK, silent

from thinmargin_agents.audit import common_worlds


def test_common_worlds_help_in_the_real_model() -> None:
    finding = common_worlds.check(QUICK, silent)
    assert finding.passed, finding.lines
    assert finding.measured["reduction_geometric_mean"] > 1.5


def test_one_pair_of_nearly_equal_policies_does_not_decide() -> None:
    luck, apart = np.random.default_rng(0).normal(size=(2, 200))
    values = {"one": luck, "nearly": luck + 1e-4 * apart, "other": -luck, "last": -2.0 * luck}
    finding = common_worlds.judged(values)
    assert finding.measured["reduction_median"] < 1.0
    assert "in the median pair" in finding.summary
    assert not finding.passed


def test_common_worlds_that_do_not_help_fail() -> None:
    luck = np.random.default_rng(0).normal(size=200)
    assert common_worlds.judged({"one": luck, "two": 2.0 * luck}).passed
    assert not common_worlds.judged({"one": luck, "two": -luck}).passed
    assert not common_worlds.judged({"one": luck, "two": luck.copy()}).passed, "nothing was compared"
