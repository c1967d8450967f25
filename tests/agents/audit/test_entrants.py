from __future__ import annotations

import numpy as np
import pytest
from tests.agents.audit.small import QUICK

from thinmargin.baselines import baseline
from thinmargin.observation import FEATURE_COUNT
from thinmargin.plans import TIME
from thinmargin_agents.audit.entrants import OnCalendar, built_in, corners, latin_hypercube
from thinmargin_agents.audit.findings import HORIZON
from thinmargin_agents.audit.plan_players import knots_of, months_of
from thinmargin_agents.play.rollout import play_worlds


def test_a_plan_by_the_month_is_the_plan_and_then_its_last_action() -> None:
    policy = baseline("plan")
    actions = months_of(knots_of(policy), 240, HORIZON)
    observation = np.zeros((HORIZON, FEATURE_COUNT), np.float32)
    observation[:, TIME] = np.arange(HORIZON) / HORIZON
    assert actions[:HORIZON] == pytest.approx(policy.predict(observation)[0], abs=1e-6)
    assert (actions[HORIZON:] == actions[HORIZON - 1]).all()
    keys = QUICK.worlds()
    by_month, by_policy = QUICK.players.play(actions[None, :HORIZON], keys), play_worlds(policy, keys)
    assert by_month.value[0] == pytest.approx(by_policy.value, rel=1e-4)


def test_a_policy_that_is_no_plan_has_no_knots() -> None:
    with pytest.raises(TypeError, match="plan without feedback"):
        knots_of(baseline("premium"))


def test_a_policy_on_the_calendar_does_the_same_in_the_same_month_of_a_longer_episode() -> None:
    policy = baseline("plan")
    short, long = np.zeros((HORIZON, FEATURE_COUNT), np.float32), np.zeros((240, FEATURE_COUNT), np.float32)
    short[:, TIME] = np.arange(HORIZON) / HORIZON
    long[:, TIME] = np.arange(240) / 240
    expected = policy.predict(short)[0]
    found = OnCalendar(policy, 240).predict(long)[0]
    assert found[:HORIZON] == pytest.approx(expected, abs=1e-5)
    assert found[HORIZON:] == pytest.approx(np.tile(expected[-1], (60, 1)), abs=1e-5)
    assert long[-1, TIME] == np.float32(239 / 240), "the observation itself stays as it is"
    assert OnCalendar(policy, HORIZON).predict(short)[0] == pytest.approx(expected, abs=1e-6)


def test_a_latin_hypercube_has_one_point_in_every_slice_of_every_axis() -> None:
    points = latin_hypercube(20, 3, np.random.default_rng(1))
    slices = np.floor((points + 1.0) * 10.0)
    assert (np.sort(slices, axis=0) == np.arange(20.0)[:, None]).all()
    assert (points == latin_hypercube(20, 3, np.random.default_rng(1))).all()


def test_the_sixteen_corners_begin_with_everything_at_its_lowest() -> None:
    assert (corners()[0] == -1.0).all()
    assert len({tuple(corner) for corner in corners()}) == 16
    assert "random" in built_in()
    assert "random" not in built_in(stochastic=False)
