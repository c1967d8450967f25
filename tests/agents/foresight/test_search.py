from __future__ import annotations

from collections.abc import Sequence
from unittest import mock

import numpy as np
import pytest

from thinmargin.baselines import baseline
from thinmargin.batch import Batch
from thinmargin.settings import Settings
from thinmargin.splits import KEYS
from thinmargin_agents.foresight import ascent, bends, search
from thinmargin_agents.foresight.ascent import Ascent
from thinmargin_agents.foresight.bends import ROWS, STEP, Bends
from thinmargin_agents.foresight.improvement import FINE, table_of
from thinmargin_agents.foresight.search import KNOTS, Best, Problem, climb, improve
from thinmargin_agents.foresight.tables import Steps, in_actions, in_steps, value_of

KEY = KEYS["validation"][0]
WORLDS = KEYS["validation"][:3]
AT_THE_CLIFF = KEYS["validation"][4]
"""A world whose best plans come near bankruptcy."""


def start(keys: Sequence[int] = WORLDS, name: str = "plan") -> Steps:
    return table_of(baseline(name), keys, Settings())


def ended_early(keys: Sequence[int]) -> Steps:
    """Tables that give everything away: a firm goes bankrupt."""
    return in_steps(np.broadcast_to([-1.0, -1.0, 1.0, 1.0], (len(keys), 180, 4)))


@pytest.mark.parametrize("knots", [2, 5, 12])
@pytest.mark.parametrize("of", ["plan", "ended early"])
def test_slopes_are_what_whole_plays_of_bent_tables_say(knots: int, of: str) -> None:
    tables = start() if of == "plan" else ended_early(WORLDS)
    table = Bends(WORLDS, Settings(), knots)
    played, slopes = table.slopes(tables, np.zeros(3))
    np.testing.assert_array_equal(played.value, value_of(WORLDS, tables, Settings()))
    for knot in (0, 1, knots - 1):
        for lever in range(4):
            bend = np.zeros((3, 2, knots, 4))
            bend[:, 0, knot, lever], bend[:, 1, knot, lever] = -STEP, STEP
            both = table.bent(tables, bend)
            lower, upper = (value_of(WORLDS, both[:, side], Settings()) - played.value for side in (0, 1))
            near = np.isclose([-lower / STEP, upper / STEP], slopes[:, knot, lever], rtol=0.05, atol=0.5)
            assert near.any(axis=0).all(), (knot, lever)  # whole plays are of rounded tables


def test_slopes_at_the_end_of_a_levers_range_point_to_its_inside() -> None:
    tables = start()
    tables[:, 120:, 2] = 10_000
    _, slopes = Bends(WORLDS, Settings(), 4).slopes(tables, np.zeros(3))
    assert (slopes[:, -1, 2] != 0.0).all()


@pytest.mark.parametrize("knots", [5, *KNOTS, *FINE])
def test_plays_of_slopes_are_the_months_that_are_played(knots: int) -> None:
    table, tables, played = Bends([KEY], Settings(), knots), start([KEY]), 0
    step = Batch.step

    def counted(batch: Batch, actions: np.ndarray) -> None:
        nonlocal played
        played += len(actions)
        step(batch, actions)

    with mock.patch.object(Batch, "step", counted):
        table.slopes(tables, np.zeros(1))
    assert played / 180 == pytest.approx(table.plays_of_slopes)
    assert knots < 12 or played / 180 < 4 * knots  # less than whole plays would take


@pytest.mark.parametrize("evaluations", [400, 700])
def test_a_search_plays_no_more_than_it_may(evaluations: int) -> None:
    played, step = 0, Batch.step

    def counted(batch: Batch, actions: np.ndarray) -> None:
        nonlocal played
        played += len(actions)
        step(batch, actions)

    starts = np.stack([start([KEY]), ended_early([KEY])])
    with mock.patch.object(Batch, "step", counted):
        improve(Problem([KEY], starts), Settings(), evaluations, 0)
    assert 0.6 * evaluations < played / 180 <= evaluations + len(starts)  # a start is played before it is searched


def test_the_best_tables_earn_what_is_said_and_no_less_than_the_best_start() -> None:
    starts = np.stack([ended_early(WORLDS), start()])
    best = improve(Problem(WORLDS, starts), Settings(), 32, 0)
    np.testing.assert_array_equal(best.value, value_of(WORLDS, best.tables, Settings()))
    assert (best.value >= value_of(WORLDS, starts[1], Settings())).all()


def test_plans_that_end_in_bankruptcy_get_better_too() -> None:
    tables = ended_early([KEY])
    before = value_of([KEY], tables, Settings())
    assert improve(Problem([KEY], tables[None]), Settings(), 300, 0).value[0] > before[0]


def test_a_search_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    problem = Problem(WORLDS, start()[None])
    first, again, other = (improve(problem, Settings(), 600, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.tables, again.tables)
    assert (first.tables != other.tables).any()


def test_a_world_is_searched_the_same_beside_others_with_many_knots() -> None:
    together = improve(Problem(WORLDS, start()[None]), Settings(), 350, 0, FINE)
    alone = improve(Problem(WORLDS[2:], start(WORLDS[2:])[None]), Settings(), 350, 0, FINE)
    np.testing.assert_array_equal(together.tables[2:], alone.tables)
    np.testing.assert_array_equal(together.value[2:], alone.value)


def test_more_plays_find_no_less_and_many_knots_more_than_few() -> None:
    problem = Problem(WORLDS, start()[None])
    few, more = (improve(problem, Settings(), evaluations, 0, (12,)) for evaluations in (150, 600))
    assert (more.value >= few.value).all()
    fine = improve(Problem(WORLDS, more.tables[None]), Settings(), 400, 0, FINE)
    assert fine.value.mean() > more.value.mean() + 1.0


@pytest.mark.slow
def test_caution_leads_along_the_edge_of_bankruptcy(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = Problem([AT_THE_CLIFF], start([AT_THE_CLIFF])[None])
    careful = improve(problem, Settings(), 1000, 0)
    monkeypatch.setattr(search, "CAUTION", 0.0)
    assert careful.value[0] > improve(problem, Settings(), 1000, 0).value[0] + 10.0


def test_nearness_is_zero_far_from_bankruptcy_and_grows_towards_it(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Bends([KEY], Settings(), 2)
    monkeypatch.setattr(bends, "EDGE", 1e-9)
    assert table.slopes(start([KEY]), np.zeros(1)).played.nearness[0] == 0.0
    found = []
    for edge in (0.25, 0.5):
        monkeypatch.setattr(bends, "EDGE", edge)
        found.append(table.slopes(start([KEY]), np.zeros(1)).played.nearness[0])
    assert 0.0 <= found[0] < found[1]


def test_a_climb_of_one_step_tries_bends_once() -> None:
    table = Bends([KEY], Settings(), 12)
    tables = start([KEY])
    with mock.patch.object(table, "play", wraps=table.play) as play:
        climb(table, Best(tables, value_of([KEY], tables, Settings())), 1, [np.random.default_rng(0)])
    play.assert_called_once()
    assert play.call_args.args[0].shape == (1, ROWS, 180, 4)
    np.testing.assert_array_equal(in_steps(in_actions(play.call_args.args[0])), play.call_args.args[0])


def test_an_ascent_learns_the_curvature_of_a_quadratic() -> None:
    curved = np.array([1.0, 30.0, 1000.0])
    place = np.array([0.3, -0.2, 0.1])
    up = Ascent(-curved * place)
    for _ in range(12):
        direction = up.directions()[0]
        length = (up.slopes @ direction) / (direction @ (curved * direction))  # to the top along it
        place = place + length * direction
        up.learn(length * direction, -curved * place, gained=True)
        if np.abs(place).max() < 1e-9:
            break
    assert np.abs(place).max() < 1e-9


@pytest.mark.parametrize("slopes", [[0.0, 0.0], [1e9, -1.0], [1e-300, 0.0]])
def test_steps_are_finite_and_bounded(slopes: list[float]) -> None:
    up = Ascent(np.array(slopes))
    up.adapt(4.0, gained=True)
    assert np.isfinite(up.directions()).all()
    assert np.abs(up.directions()).max() <= ascent.LONGEST


def test_an_ascent_that_gains_nothing_for_long_begins_anew_where_it_is() -> None:
    up = Ascent(np.array([1.0, 2.0]))
    up.learn(np.array([0.1, 0.1]), np.array([0.5, 1.9]), gained=True)
    learned = up.directions()
    assert not np.allclose(learned[0], learned[1])
    for _ in range(ascent.TRUST):
        up.learn(np.array([0.1, 0.0]), np.array([-3.0, 1.9]), gained=False)
    np.testing.assert_array_equal(up.slopes, [0.5, 1.9])
    np.testing.assert_array_equal(*up.directions())
