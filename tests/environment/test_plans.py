from __future__ import annotations

import numpy as np
import pytest

from thinmargin.plans import FEATURE_NAMES, REACH, Feedback, PlanPolicy, Surprise, between, correction

GENERATOR = np.random.default_rng(7)


def observations(count: int, time: np.ndarray | float) -> np.ndarray:
    seen = GENERATOR.uniform(0.1, 0.9, (count, len(FEATURE_NAMES))).astype(np.float32)
    seen[:, 0] = time
    return seen


def feedback(limit: float = 0.5, rows: int = 1, size: float = 1.0) -> Feedback:
    surprise = Surprise(("cash", "market"), np.array([[0.2, 0.1], [0.4, 0.3]]), np.array([0.5, 0.25]))
    return Feedback(surprise, size * GENERATOR.standard_normal((rows, 4, 2)), limit)


def test_a_table_is_met_at_its_rows_and_linear_between_them() -> None:
    table = np.array([[0.0, 1.0], [2.0, 5.0], [-2.0, 5.0]])
    np.testing.assert_allclose(between(table, [0.0, 0.25, 0.5, 0.75, 1.0])[:, 0], [0.0, 1.0, 2.0, 0.0, -2.0])
    np.testing.assert_allclose(between(table, [0.25])[0, 1], 3.0)


def test_one_row_holds_at_all_times_and_leading_axes_are_kept() -> None:
    assert (between(np.array([[3.0, 4.0]]), [0.0, 0.4, 1.0]) == [3.0, 4.0]).all()
    tables = GENERATOR.standard_normal((5, 3, 4))
    found = between(tables, [0.1, 0.9])
    assert found.shape == (5, 2, 4)
    np.testing.assert_array_equal(found[2], between(tables[2], [0.1, 0.9]))


def test_a_plan_fits_any_horizon_since_it_looks_at_the_share_of_the_episode() -> None:
    policy = PlanPolicy(np.array([[-1.0] * 4, [1.0] * 4]))
    actions, state = policy.predict(observations(3, np.array([0.0, 0.5, 1.0])), state="kept")
    np.testing.assert_allclose(actions[:, 0], [-1.0, 0.0, 1.0], atol=1e-7)
    assert state == "kept"
    assert actions.dtype == np.float32


def test_one_observation_gives_one_action_equal_to_that_of_a_batch() -> None:
    policy = PlanPolicy(GENERATOR.uniform(-1, 1, (5, 4)), feedback(rows=3))
    seen = observations(6, np.linspace(0.0, 1.0, 6))
    batch, _ = policy.predict(seen)
    for row in range(6):
        single, _ = policy.predict(seen[row])
        assert single.shape == (4,)
        np.testing.assert_allclose(single, batch[row], atol=1e-6)


def test_no_surprise_means_no_correction() -> None:
    answer = feedback()
    seen = observations(1, 0.5)
    seen[0, FEATURE_NAMES.index("cash")], seen[0, FEATURE_NAMES.index("market")] = 0.3, 0.2
    np.testing.assert_allclose(answer.surprise.of(seen, [0.5]), 0.0, atol=1e-6)
    knots = GENERATOR.uniform(-0.9, 0.9, (2, 4))
    np.testing.assert_allclose(
        PlanPolicy(knots, answer).predict(seen)[0], PlanPolicy(knots).predict(seen)[0], atol=1e-6
    )


def test_surprises_are_cut_so_that_the_unheard_of_cannot_throw_a_lever_far() -> None:
    seen = observations(1, 0.5)
    seen[0, FEATURE_NAMES.index("cash")] = 1e6
    assert feedback().surprise.of(seen, [0.5])[0, 0] == REACH


@pytest.mark.parametrize("limit", [0.1, 0.5])
def test_a_correction_never_exceeds_its_limit_and_is_linear_when_small(limit: float) -> None:
    deviation = GENERATOR.standard_normal((50, 2))
    large = feedback(limit, size=100.0)
    assert np.abs(correction(large.gain, deviation, [0.3], limit)).max() <= limit
    small = feedback(limit, size=1e-4)
    np.testing.assert_allclose(correction(small.gain, deviation, [0.3], limit), deviation @ small.gain[0].T, rtol=1e-4)


def test_gains_that_change_with_time_are_those_of_each_row_s_own_time() -> None:
    gain = GENERATOR.standard_normal((3, 4, 2))
    deviation = GENERATOR.standard_normal((4, 2))
    times = np.array([0.0, 0.2, 0.5, 1.0])
    together = correction(gain, deviation, times, 0.5)
    for row, time in enumerate(times):
        np.testing.assert_allclose(together[row], correction(gain, deviation[row : row + 1], [time], 0.5)[0])


def test_actions_stay_inside_the_action_space() -> None:
    policy = PlanPolicy(np.array([[0.9] * 4, [-0.9] * 4]), feedback(size=100.0))
    assert np.abs(policy.predict(observations(200, GENERATOR.uniform(0, 1, 200)))[0]).max() <= 1.0


@pytest.mark.parametrize("ended", [0, 1, 3, 4, 6])
def test_rows_at_the_same_time_and_others_are_each_what_they_are_alone_bit_for_bit(ended: int) -> None:
    draw = np.random.default_rng(ended)
    table, times = draw.standard_normal((5, 3)), np.full(7, 0.61)
    times[draw.permutation(7)[:ended]] = draw.uniform(0.0, 0.6, ended)
    together = between(table, times)
    alone = np.concatenate([between(table, [time]) for time in times])
    assert (together.shape, together.tobytes()) == (alone.shape, alone.tobytes())
    surprise = feedback().surprise
    seen = np.random.default_rng(1).uniform(0.1, 0.9, (7, len(FEATURE_NAMES))).astype(np.float32)
    every = surprise.of(seen, times)
    for row, time in enumerate(times):
        assert every[row].tobytes() == surprise.of(seen[row : row + 1], [time])[0].tobytes()
