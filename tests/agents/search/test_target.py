from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.agents.search.small import JUDGED_BY_J, base_run

from thinmargin.baselines import baseline
from thinmargin_agents.scoring.score import Anchors
from thinmargin_agents.search.target import Target, target_of


def test_the_target_is_the_middle_half_of_all_scores_of_seeds_and_worlds() -> None:
    anchors = Anchors(tuned=np.array([0.0, 10.0, 0.0, 5.0]), best=np.array([10.0, 30.0, 100.0, 5.0]))
    judge: Any = SimpleNamespace(anchors=anchors, keys=range(4))
    value = np.array([[5.0, 20.0, -100.0, 7.0], [8.0, 24.0, 99.0, 7.0]])
    # without the world where nothing can be gained: 50, 50, -100 and 80, 70, 99; the middle four of six
    assert Target(judge).of(value) == pytest.approx((50 + 50 + 80 + 70) / 4)
    assert JUDGED_BY_J.of(value) == pytest.approx((7 + 7 + 8 + 20) / 4)


def test_on_the_benchmark_the_tuned_rule_has_value_0_and_the_best_known_plans_100() -> None:
    target = target_of(base_run("ppo"))
    anchors = target.judge.anchors
    assert anchors is not None
    assert target.name == "score"
    assert target.of(target.play(baseline("low_margin_tuned"))[None]) == pytest.approx(0.0, abs=1e-9)
    assert target.of(anchors.best[None]) == pytest.approx(100.0)
