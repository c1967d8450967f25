from __future__ import annotations

import multiprocessing
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from tests.agents.phase_map.small import FEW, SMALL
from tests.waiting import wait_until

from thinmargin.baselines import ConstantPolicy
from thinmargin.levers import action_of
from thinmargin.records import LEVERS
from thinmargin.scenarios import family_of
from thinmargin.splits import KEYS
from thinmargin_agents.cli.processes import run_all
from thinmargin_agents.phase_map.assumptions import family_under
from thinmargin_agents.phase_map.cells import MARKUPS, SIDES, BestLevers, Place
from thinmargin_agents.phase_map.results import PhaseMapRequest, PhaseMapResult, find, signs
from thinmargin_agents.phase_map.search import Case, SearchBudget, in_range, solve
from thinmargin_agents.play.rollout import play_worlds
from thinmargin_agents.scoring.closing_rules import CLOSING_RULES, ClosingRule


@pytest.fixture(scope="module")
def small() -> PhaseMapResult:
    """Four corners of the services map and three hidden worlds, in one process."""
    return find(PhaseMapRequest((SMALL,), n_worlds=1, n_hidden=3, budget=FEW))


@pytest.mark.slow
def test_thin_wins_where_customers_look_at_prices_and_services_pay(small: PhaseMapResult) -> None:
    premium_corner, _, _, thin_corner = small.maps[0].cells
    assert premium_corner.difference < -30.0
    assert premium_corner.best is premium_corner.premium
    assert thin_corner.difference > 100.0
    assert thin_corner.best is thin_corner.thin
    assert signs(small.maps[0])[0][0] == "-"
    assert signs(small.maps[0])[1][1] == "+"


@pytest.mark.slow
def test_levers_of_every_range_stay_in_it(small: PhaseMapResult) -> None:
    for cell in small.maps[0].cells:
        for name, (low, high) in MARKUPS.items():
            best: BestLevers = getattr(cell, name)
            assert low - 1e-6 <= best.markup <= high + 1e-6
            for lever in LEVERS:
                assert lever.low <= best.levers[lever.name] <= lever.high
            assert best.closing >= 0.0
            assert 0.0 <= best.bankrupt <= 1.0


@pytest.mark.slow
def test_the_answer_does_not_depend_on_processes_or_on_the_company(small: PhaseMapResult) -> None:
    again = find(PhaseMapRequest((SMALL,), n_worlds=1, n_hidden=3, budget=FEW), processes=2)
    assert again.maps == small.maps
    assert again.hidden is not None
    assert small.hidden is not None
    assert again.hidden.by_rule == small.hidden.by_rule
    assert again.others == small.others
    place = list(SMALL.places())[3]
    alone = solve(Case(tuple(KEYS["validation"][:1]), parameters=place.parameters()), FEW)
    assert alone == small.maps[0].cells[3]


@pytest.mark.slow
def test_an_interrupt_ends_the_processes() -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    cases = [Case((key,)) for key in KEYS["validation"][:12]]
    with pytest.raises(KeyboardInterrupt):
        run_all([partial(solve, case, SearchBudget(1)) for case in cases], 2, interrupted)
    wait_until(lambda: not multiprocessing.active_children(), "the processes end")


def test_levers_found_earn_in_the_environment_what_the_map_says() -> None:
    keys = KEYS["validation"][:2]
    best = solve(Case(tuple(keys), parameters=Place().parameters()), FEW).best
    policy = ConstantPolicy(action_of(*(best.levers[lever.name] for lever in LEVERS)))
    outcome = play_worlds(policy, keys, worlds="calibrated")
    assert best.value == pytest.approx(outcome.value.mean(), rel=2e-3)  # levers are given with four digits
    assert best.closing == pytest.approx(outcome.closing_part.mean(), rel=2e-3)
    assert best.bankrupt == outcome.bankrupt.mean()


@pytest.mark.slow
def test_more_generations_never_find_less_and_other_seeds_find_nearly_the_same() -> None:
    case = Case(tuple(KEYS["validation"][:1]))
    short, long, other = (
        solve(case, budget) for budget in (SearchBudget(3), SearchBudget(15), SearchBudget(15, seed=1))
    )
    assert long.best.value >= short.best.value
    assert short != long
    assert other != long
    assert other.difference == pytest.approx(long.difference, abs=3.0)


def test_impatient_owners_value_the_firm_less_and_its_future_least() -> None:
    keys = tuple(KEYS["validation"][:1])
    patient, impatient = (solve(Case(keys, parameters=Place(discount_rate=r).parameters()), FEW) for r in (0.03, 0.35))
    assert impatient.best.value < 0.3 * patient.best.value
    assert impatient.thin.closing / impatient.thin.value < patient.thin.closing / patient.thin.value


def test_the_search_leaves_numpys_global_generator_alone() -> None:
    before = np.random.get_state()  # noqa: NPY002  # the global state is what is looked at
    solve(Case((1,)), SearchBudget(1))
    after = np.random.get_state()  # noqa: NPY002  # as above
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))


def test_candidates_are_spread_over_the_whole_range_of_markup() -> None:
    points = np.array([[-1.0, 0.1, 0.2, 0.3], [0.0, 0.1, 0.2, 0.3], [1.0, 0.1, 0.2, 0.3]])
    actions = in_range(points, 0.25, 0.60)
    assert 0.20 + 0.40 * actions[:, 0] == pytest.approx([0.25, 0.425, 0.60])
    assert np.array_equal(actions[:, 1:], points[:, 1:])
    assert points[0, 0] == -1.0


def test_a_search_near_known_levers_begins_there_and_finds_as_much_with_less() -> None:
    keys = tuple(KEYS["validation"][:1])
    budget = SearchBudget(16)
    known = solve(Case(keys), budget)
    again = solve(Case(keys, near=known, ranges=SIDES), budget)
    assert again.middle is None
    for name in SIDES:
        assert getattr(again, name).value > 0.995 * getattr(known, name).value
    first = solve(Case(keys, near=known, ranges=SIDES), SearchBudget(2))
    cold = solve(Case(keys, ranges=SIDES), SearchBudget(1))
    assert first.thin.value > cold.thin.value


def test_a_search_near_known_levers_never_ends_below_them() -> None:
    keys = tuple(KEYS["validation"][:1])
    known = solve(Case(keys, ranges=SIDES), SearchBudget(12))
    at_the_end = replace(known.premium, levers={**known.premium.levers, "price": MARKUPS["premium"][1]})
    near = replace(known, premium=at_the_end)
    found = solve(Case(keys, near=near, ranges=SIDES, assumption="no reaction"), SearchBudget(1))
    family = family_under("no reaction", family_of("calibrated"))
    for name in SIDES:
        start = ConstantPolicy(action_of(*(getattr(near, name).levers[lever.name] for lever in LEVERS)))
        earned = float(play_worlds(start, keys, family=family).value.mean())
        assert getattr(found, name).value >= earned - 1e-6
    again = solve(Case(keys, near=known, ranges=SIDES), SearchBudget(1))
    for name in SIDES:
        assert getattr(again, name).value >= getattr(known, name).value * (1.0 - 1e-4)  # levers have four digits


@pytest.mark.parametrize("rule", CLOSING_RULES.values(), ids=CLOSING_RULES)
def test_levers_are_searched_for_the_closing_rule_that_judges_them(rule: ClosingRule) -> None:
    best = solve(Case(tuple(KEYS["validation"][:2]), closing=rule.closing, ranges=SIDES), FEW).best
    policy = ConstantPolicy(action_of(*(best.levers[lever.name] for lever in LEVERS)))
    outcome = play_worlds(policy, KEYS["validation"][:2], worlds="calibrated", closing=rule.closing)
    assert best.value == pytest.approx(outcome.value.mean(), rel=2e-3)
    assert (best.closing == 0.0) == (rule.closing == "none")
