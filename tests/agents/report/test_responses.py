from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.messages import naming
from tests.reporting import Reacting, hand_coded, judged, run_of

from thinmargin.batch import Batch
from thinmargin.levers import action_of, read_levers
from thinmargin.plans import FEATURE_NAMES
from thinmargin.records import LEVERS
from thinmargin.scenarios import FAMILIES
from thinmargin.settings import Settings, discrete_actions
from thinmargin.simulation import OWN_LEVERS
from thinmargin.splits import KEYS
from thinmargin_agents.play.errors import PolicyError
from thinmargin_agents.report.sections.response_charts import log_ticks
from thinmargin_agents.report.sections.responses import VARIED, around, follow, levers_of, responses


def settings(**changes: Any) -> Settings:
    return Settings(**{"horizon": 72, **changes})


def test_curves_are_what_the_policy_predicts() -> None:
    policy, keys = Reacting(), KEYS["validation"][:6]
    followed = follow(policy, keys, settings(), "mine")
    found = responses(policy, keys, settings(), "mine")
    assert [curve.month for curve in found.curves["cash"]] == [12, 60]
    for varied in VARIED:
        for curve in found.curves[varied.feature]:
            observations = around(followed.seen[curve.month], varied.feature)
            answer = policy.predict(observations)[0]
            for row in (0, curve.typical, len(answer) - 1):
                lever = np.zeros(len(LEVERS))
                read_levers(answer[row].astype(np.float64), lever)
                np.testing.assert_array_equal(curve.levers[row], lever)
            column = observations[:, FEATURE_NAMES.index(varied.feature)]
            np.testing.assert_allclose(curve.x, varied.natural(column.astype(np.float64)))
            others = np.delete(observations, FEATURE_NAMES.index(varied.feature), axis=1)
            assert (others == others[0]).all()
            np.testing.assert_array_equal(
                others[0], np.delete(np.median(followed.seen[curve.month], axis=0), column_of(varied.feature))
            )


def column_of(feature: str) -> int:
    return FEATURE_NAMES.index(feature)


def test_features_are_shown_in_their_own_units() -> None:
    family, batch = FAMILIES["benchmark"], Batch(4, 72, OWN_LEVERS, shaped=False)
    for row, key in enumerate(KEYS["validation"][:4]):
        batch.draw(row, family, key)
    batch.begin(np.arange(4))
    for _ in range(60):
        batch.step(np.tile(action_of(0.1, 0.01, 0.05, 3.0).astype(np.float64), (4, 1)))
    books, natural = batch.reports, {}
    for varied in VARIED:
        natural[varied.feature] = varied.natural(batch.observations[:, column_of(varied.feature)].astype(np.float64))
    np.testing.assert_allclose(natural["share_home"], 100.0 * books["share_home"], rtol=1e-5)
    np.testing.assert_allclose(natural["cash"], books["cash"] / 1e3, rtol=1e-4)
    start = batch.economies["firm_unit_cost"][:, 0]
    np.testing.assert_allclose(natural["unit_cost"], 100.0 * books["unit_cost"] / start, rtol=1e-5)
    per_user = 12.0 * books["services_revenue"] / books["active_users"]
    np.testing.assert_allclose(natural["services_per_user"], per_user, rtol=1e-5)


def test_following_a_policy_plays_it_as_it_is_judged() -> None:
    few = judged([run_of(Reacting(), name="mine")], worlds=5, horizon=26)
    done = follow(Reacting(), KEYS["validation"][:5], settings(horizon=26), "mine").done
    asked = few.results[0].tracks["applied_updates"]
    np.testing.assert_allclose(done[:12, :, 3].mean(axis=0), asked[0])


def test_worlds_behind_a_bankruptcy_are_not_followed() -> None:
    few = hand_coded("do_nothing")[0].members[0].policy
    followed = follow(few, KEYS["validation"][:4], Settings(), "do_nothing")
    assert set(followed.seen) <= {12}
    assert np.isnan(followed.done[-1]).all()
    assert not np.isnan(followed.done[0]).any()


def test_a_logarithmic_axis_always_has_a_few_numbers() -> None:
    assert log_ticks(0.9, 2.3, 1.0) == [1.0, 2.0]
    assert log_ticks(3.0, 300.0, 1.0) == [10.0, 100.0]
    assert log_ticks(-3.0, 60.0, 10.0) == [0.0, 10.0, 20.0, 50.0]
    for low, high in ((11.0, 19.0), (-4000.0, 4000.0), (-0.4, 0.3), (60.0, 61.0)):
        ticks = log_ticks(low, high, 10.0)
        assert 2 <= len(ticks) <= 4
        assert ticks == sorted(ticks)
        assert low <= ticks[0] <= ticks[-1] <= high


def test_grid_indices_are_read_as_levers() -> None:
    class Grid:
        def predict(self, observation: Any, state: Any = None, **_: Any) -> tuple[Any, Any]:
            return np.full(len(observation), 100), state

    found = responses(Grid(), KEYS["validation"][:4], settings(discrete=True, horizon=14), "grid")
    np.testing.assert_allclose(found.path[0, 0], levers_of(discrete_actions()[[100]])[0])


@pytest.mark.parametrize(
    ("answer", "parts"),
    [(np.zeros((4, 3)), ("shape (4, 3)", "shape (4, 4)")), (np.full((4, 4), np.nan), ("nan", "finite"))],
)
def test_an_answer_that_is_no_action_is_named(answer: Any, parts: tuple[str, ...]) -> None:
    class Wrong:
        def predict(self, _: Any, state: Any = None, **__: Any) -> tuple[Any, Any]:
            return answer, state

    with pytest.raises(PolicyError, match=naming("'wrong'", *parts)):
        follow(Wrong(), KEYS["validation"][:4], settings(), "wrong")
