from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pytest

from thinmargin.baselines import baseline
from thinmargin.batch import Batch
from thinmargin.plans import TIME
from thinmargin.records import LEVERS, PRICE, SEAT
from thinmargin.settings import Settings
from thinmargin.splits import KEYS
from thinmargin_agents.audit import __main__ as command
from thinmargin_agents.audit import adversary, checks, common_worlds, exploits, identities, last_year, levers, ranking
from thinmargin_agents.audit.entrants import OnCalendar, built_in, corners, latin_hypercube
from thinmargin_agents.audit.findings import HORIZON, Finding, Scope, aligned
from thinmargin_agents.audit.plan_players import Players, knots_of, months_of
from thinmargin_agents.audit.table import PLACE
from thinmargin_agents.cli.outputs import page_with
from thinmargin_agents.play.candidates import Earned
from thinmargin_agents.play.rollout import play_worlds

Numbers = npt.NDArray[np.float64]

QUICK = Scope(n_worlds=8, evaluations=440)
"""The real model, few worlds, few evaluations."""


def silent(share: float, words: str) -> None:
    assert 0.0 <= share <= 1.0, words


def calendar_plan() -> Numbers:
    """The shipped plan, an action a month."""
    return months_of(knots_of(baseline("plan")), HORIZON, HORIZON)


class Payoff(Players):
    """Players of a made-up model: the plan earns 200, moving away from it costs, and there may be a hole."""

    def __init__(self, hole: Callable[[Numbers], Numbers]) -> None:
        super().__init__()
        self.hole = hole

    def play(self, actions: Numbers, keys: range) -> Earned:
        months = actions.shape[1]
        away = abs(actions - months_of(knots_of(baseline("plan")), months, HORIZON)).mean(axis=(1, 2))
        worlds = np.linspace(0.9, 1.1, len(keys))
        value = (200.0 - 100.0 * away + self.hole(actions))[:, None] * worlds
        return Earned(value, 0.4 * value, np.zeros(value.shape, np.bool_))


# What is played


def test_worlds_are_validation_worlds_that_no_rule_is_tuned_on_and_parts_do_not_overlap() -> None:
    scope = Scope(n_worlds=10_000)
    parts = [scope.worlds(part) for part in ("shared", "search", "judge")]
    seen: set[int] = set()
    for part in parts:
        assert part[0] in KEYS["validation"]
        assert part[-1] in KEYS["validation"]
        assert part[0] > KEYS["validation"][100_000]
        assert not seen & set(part)
        seen |= set(part)
    assert [len(part) for part in parts] == [10_000, 64, 10_000]


def test_worker_processes_do_not_change_what_is_earned() -> None:
    plans = np.random.default_rng(0).uniform(-1.0, 1.0, (5, 24, 4))
    keys = Scope(n_worlds=3).worlds()
    alone = Players().play(plans, keys)
    with Players(2) as players:
        together = players.play(plans, keys)
    for one, other in zip(alone, together, strict=True):
        assert one.shape == (5, 3)
        assert (one == other).all()
    assert len(np.unique(alone.value)) == 15


def test_a_plan_by_the_month_is_the_plan_and_then_its_last_action() -> None:
    policy = baseline("plan")
    actions = months_of(knots_of(policy), 240, HORIZON)
    observation = np.zeros((HORIZON, 28), np.float32)
    observation[:, TIME] = np.arange(HORIZON) / HORIZON
    assert actions[:HORIZON] == pytest.approx(policy.predict(observation)[0], abs=1e-6)
    assert (actions[HORIZON:] == actions[HORIZON - 1]).all()
    keys = QUICK.worlds()
    by_month, by_policy = QUICK.players.play(actions[None, :HORIZON], keys), play_worlds(policy, keys)
    assert by_month.value[0] == pytest.approx(by_policy.value, rel=1e-4)


def test_a_policy_that_is_no_plan_has_no_knots() -> None:
    with pytest.raises(TypeError, match="a plan without feedback is wanted"):
        knots_of(baseline("premium"))


def test_a_policy_on_the_calendar_does_the_same_in_the_same_month_of_a_longer_episode() -> None:
    policy = baseline("plan")
    short, long = np.zeros((HORIZON, 28), np.float32), np.zeros((240, 28), np.float32)
    short[:, TIME] = np.arange(HORIZON) / HORIZON
    long[:, TIME] = np.arange(240) / 240
    wanted = policy.predict(short)[0]
    found = OnCalendar(policy, 240).predict(long)[0]
    assert found[:HORIZON] == pytest.approx(wanted, abs=1e-5)
    assert found[HORIZON:] == pytest.approx(np.tile(wanted[-1], (60, 1)), abs=1e-5)
    assert long[-1, TIME] == np.float32(239 / 240), "the observation itself stays as it is"
    assert OnCalendar(policy, HORIZON).predict(short)[0] == pytest.approx(wanted, abs=1e-6)


def test_a_latin_hypercube_has_one_point_in_every_slice_of_every_axis() -> None:
    points = latin_hypercube(20, 3, np.random.default_rng(1))
    slices = np.floor((points + 1.0) * 10.0)
    assert (np.sort(slices, axis=0) == np.arange(20.0)[:, None]).all()
    assert (points == latin_hypercube(20, 3, np.random.default_rng(1))).all()


def test_the_sixteen_corners_begin_with_everything_at_its_lowest() -> None:
    assert (corners()[0] == -1.0).all()
    assert len({tuple(corner) for corner in corners()}) == 16
    assert "random" in built_in()
    assert "random" not in built_in(dice=False)


# Identities


def test_identities_hold_in_random_play() -> None:
    finding = identities.check(Scope(n_worlds=6), silent)
    assert finding.passed, finding.lines
    assert max(finding.measured.values()) <= 1e-9
    assert len(finding.measured) >= 10


def a_month() -> tuple[npt.NDArray[Any], Batch]:
    """States before a month of two worlds, and the batch after it."""
    batch = Settings(reward="shaped").batch(2)
    for row in range(2):
        batch.draw(row, Settings().family(), 1_500_000 + row)
    batch.begin(np.arange(2))
    for _ in range(12):
        before = batch.states.copy()
        batch.step(np.zeros((2, 4)))
    return before, batch


def steal(batch: Batch) -> None:
    batch.states["cash"][0, SEAT] += 1.0


def forget_tax(batch: Batch) -> None:
    batch.reports["tax"][1] += 5.0


def sell_twice(batch: Batch) -> None:
    batch.reports["revenue"][0] += 5.0


def overpay(batch: Batch) -> None:
    batch.rewards[1] += 0.01


def inflate(batch: Batch) -> None:
    batch.reports["profit_term"][0] += 0.01
    batch.rewards[0] += 0.01


def miscount(batch: Batch) -> None:
    batch.reports["users_home"][1] += 1.0


def lose_users(batch: Batch) -> None:
    batch.states["users"][0, 2] *= 0.5


def overflow(batch: Batch) -> None:
    batch.states["users"][0, 2] *= 100.0


def owe_phones(batch: Batch) -> None:
    batch.states["inventory"][0, 1] = -1e-3


def go_mad(batch: Batch) -> None:
    batch.states["adstock"][0, 1] = np.nan


def adore(batch: Batch) -> None:
    batch.states["fans"][0, SEAT] = 0.99


@pytest.mark.parametrize(
    ("harm", "name"),
    [
        (steal, "cash change = profit"),
        (forget_tax, "lines of the statement sum to profit"),
        (sell_twice, "lines of revenue sum to revenue"),
        (overpay, "reward terms sum to the reward"),
        (inflate, "profit term = profit"),
        (miscount, "users of the report = users of the state"),
        (lose_users, "users of all firms never fall"),
        (overflow, "users stay below their ceilings"),
        (owe_phones, "numbers of the state out of range"),
        (go_mad, "numbers of the state out of range"),
        (adore, "numbers of the state out of range"),
    ],
)
def test_a_broken_identity_is_noticed_and_named(harm: Callable[[Batch], None], name: str) -> None:
    before, batch = a_month()
    assert identities.judged(identities.breaches(before, batch), 2).passed
    harm(batch)
    found = identities.breaches(before, batch)
    assert found[name] > 1e-6
    finding = identities.judged(found, 2)
    assert not finding.passed
    assert any(name in line and "BROKEN" in line for line in finding.lines)


def test_parts_that_do_not_sum_to_j_are_noticed() -> None:
    outcome = play_worlds(baseline("premium"), QUICK.worlds()[:2])
    assert identities.judged(identities.breaches_of_value(outcome), 1).passed
    for broken in (
        replace(outcome, closing_part=outcome.closing_part + 0.01),
        replace(outcome, lines=outcome.lines | {"tax": outcome.lines["tax"] + 0.01}),
    ):
        assert not identities.judged(identities.breaches_of_value(broken), 1).passed


def test_a_breach_that_is_no_number_is_the_worst_of_all() -> None:
    worst = identities.worse(identities.worse({"a": 0.0}, {"a": float("nan")}), {"a": 0.5})
    assert np.isnan(worst["a"])
    assert not identities.judged({"b": 0.0, **worst}, 1).passed


# Ranking


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [
        ([1, 2, 3, 4, 5], [10, 20, 30, 40, 900], 1.0),
        ([1, 2, 3, 4, 5], [5, 4, 3, 2, 1], -1.0),
        ([1, 2, 3, 4, 5], [2, 1, 4, 3, 5], 0.8),  # 1 - 6 * 4 / (5 * 24)
        ([1, 1, 2, 2], [1, 1, 2, 2], 1.0),
    ],
)
def test_rank_correlation_by_hand(one: list[float], other: list[float], wanted: float) -> None:
    assert ranking.spearman(np.array(one, float), np.array(other, float)) == pytest.approx(wanted)


def test_rank_correlation_of_values_without_an_order_is_no_number() -> None:
    assert np.isnan(ranking.spearman(np.ones(4), np.arange(4.0)))


def test_the_order_of_policies_hardly_changes_with_the_horizon() -> None:
    finding = ranking.check_stable(QUICK, silent)
    assert finding.measured["policies"] >= 40
    assert finding.passed, finding.says
    assert sum("plan" in line for line in finding.lines) >= 1
    assert len(finding.lines) == 1 + 1 + 10


def test_an_order_that_changes_with_the_horizon_fails() -> None:
    names = [str(number) for number in range(40)]
    values = np.arange(40.0)
    shuffled = np.random.default_rng(0).permutation(values)
    assert ranking.judged_stable(names, {180: values, 204: values + 1.0, 240: values * 2.0}).passed
    assert not ranking.judged_stable(names, {180: values, 204: shuffled, 240: values}).passed
    assert not ranking.judged_stable(names, {180: values, 204: values, 240: shuffled}).passed
    assert not ranking.judged_stable(names, {180: values, 204: values, 240: np.zeros(40)}).passed


def test_only_who_dies_later_and_larger_earns_less_than_who_dies_at_once() -> None:
    finding = ranking.check_last(QUICK, silent)
    assert finding.measured["policies"] == len(built_in()) + 15 + ranking.CONSTANTS
    assert finding.measured["J_die_now"] < 0.0
    assert finding.measured["built_in_that_earn_less"] == finding.measured["corners_that_earn_less"] == 0.0
    assert finding.measured["least_bankrupt_share_of_those"] >= ranking.DEAD
    assert finding.passed


def test_dying_at_once_must_earn_least() -> None:
    corner = "(-1.00, -1.00, -1.00, +1.00)"
    means = {"do_nothing": -5.0, "premium": 20.0, corner: -4.0}
    dead = {"do_nothing": 1.0, "premium": 0.0, corner: 0.3}
    assert ranking.judged_last(means, dead).passed
    for least in (-5.0, -6.0, float("nan")):
        finding = ranking.judged_last(means | {corner: least}, dead)
        assert not finding.passed
        assert finding.measured["earn_less"] == finding.measured["corners_that_earn_less"] == 1.0
        assert finding.measured["least_bankrupt_share_of_those"] == 0.3
    assert ranking.judged_last(means | {"premium": -9.0}, dead).measured["built_in_that_earn_less"] == 1.0
    sampled = {"(+0.10, +0.20, +0.30, +0.40)": -9.0}
    assert ranking.judged_last(means | sampled, dead | dict.fromkeys(sampled, 0.97)).passed
    assert not ranking.judged_last(means | sampled, dead | dict.fromkeys(sampled, 0.9)).passed


# Levers


def test_no_corner_earns_half_of_the_best_constant() -> None:
    finding = levers.check_corners(QUICK, silent)
    assert finding.passed, finding.says
    assert finding.measured["J_constant_best"] > 0.0
    assert len(finding.lines) == 1 + 16


@pytest.mark.parametrize(("corner", "passed"), [(50.0, True), (50.1, False), (120.0, False)])
def test_a_corner_above_half_of_the_best_constant_fails(corner: float, passed: bool) -> None:
    means = np.full(16, -5.0)
    means[3] = corner
    assert levers.judged_corners(means, 100.0).passed == passed
    assert not levers.judged_corners(means, -1.0).passed


def test_sweeps_of_the_real_levers_have_their_best_inside() -> None:
    finding = levers.check_interior(QUICK, silent)
    for lever in LEVERS:
        assert lever.low < finding.measured[f"{lever.name}_best"] < lever.high, lever.name
    assert finding.passed
    ends = [finding.measured[f"{lever.name}_{end}_end"] for lever in LEVERS for end in ("low", "high")]
    assert finding.lines[0].endswith("reached") == (max(ends) <= levers.END_SHARE)
    assert finding.measured["price_low_end"] < levers.END_SHARE
    assert finding.measured["marketing_high_end"] < levers.END_SHARE


def test_a_lever_that_is_best_at_an_end_or_does_not_matter_fails() -> None:
    hill = np.array([20.0, 80.0, 100.0, 60.0, 74.0])
    good = np.stack([hill] * 4)
    assert levers.judged_interior(good).passed
    for row, curve in (
        (0, [20.0, 80.0, 90.0, 95.0, 100.0]),
        (1, [100.0, 90.0, 80.0, 60.0, 50.0]),
        (3, [100.0] * 5),
    ):
        bad = good.copy()
        bad[row] = curve
        finding = levers.judged_interior(bad)
        assert not finding.passed
        assert LEVERS[row].name in finding.says
    assert not levers.judged_interior(-good).passed


def test_an_end_that_earns_over_three_quarters_misses_the_goal_and_is_named() -> None:
    hill = np.array([20.0, 80.0, 100.0, 60.0, 74.0])
    assert "reached" in levers.judged_interior(np.stack([hill] * 4)).lines[0]
    flat = np.stack([hill, hill, hill, [76.0, 80.0, 100.0, 60.0, 50.0]])
    assert "updates: 76 % at 0.25" in levers.judged_interior(flat).lines[0]


# Adversary


@pytest.mark.parametrize("kind", exploits.KINDS, ids=lambda kind: kind.name)
def test_a_kind_makes_plans_of_its_numbers_alone(kind: exploits.Kind) -> None:
    plan = calendar_plan()
    numbers = latin_hypercube(40, kind.size, np.random.default_rng(3))
    actions = adversary.actions_of(kind, numbers, plan)
    assert actions.shape == (40, HORIZON, 4)
    assert abs(actions).max() <= 1.0
    assert len(np.unique(actions.round(9).reshape(40, -1), axis=0)) > 20, "different numbers make different plans"
    assert (actions[:3] == adversary.actions_of(kind, numbers[:3], plan)).all()
    ends = adversary.actions_of(kind, np.concatenate([np.sign(numbers), 9.0 * numbers]), plan)
    assert np.isfinite(ends).all()
    if "the plan" in kind.meaning:
        assert adversary.actions_of(kind, np.zeros((1, kind.size)), plan)[0] == pytest.approx(plan)


def test_shares_of_the_search_are_a_whole() -> None:
    assert sum(kind.share for kind in exploits.KINDS) == pytest.approx(1.0)
    assert len({kind.name for kind in exploits.KINDS}) == len(exploits.KINDS)


def test_a_square_wave_is_up_for_its_share_of_each_period_and_at_least_one_month() -> None:
    up = exploits.is_up(
        np.array([2.0, 12.0, 10.0, 7.0]), np.array([0.5, 0.25, 0.0, 1.0]), np.array([0.0, 0.5, 0.0, 0.0])
    )
    assert up[0, :6].tolist() == [True, False] * 3
    assert up[1, :12].tolist() == [False] * 6 + [True] * 3 + [False] * 3
    assert up[2].mean() == pytest.approx(0.1)
    assert (~up[3, :7]).sum() == 1


def test_exploits_do_what_they_say() -> None:
    plan = calendar_plan()
    late = exploits.spending_before_closing(np.ones((1, 8)), plan)[0]
    assert (late[: HORIZON - 36] == plan[: HORIZON - 36]).all()
    assert late[HORIZON - 36 :] == pytest.approx(np.tile([-1.0, 1.0, 1.0, 1.0], (36, 1)))
    starved = exploits.starving_before_closing(np.ones((1, 8)), plan)[0]
    assert starved[-1] == pytest.approx([1.0, -1.0, -1.0, -1.0])
    first = exploits.opening(np.ones((1, 8)), plan)[0]
    assert (first[:24] == 1.5).all()
    assert (first[24:] == plan[24:]).all()
    jumps = exploits.price_jumps(np.array([[-1.0, -1.0, -1.0, 1.0]]), plan)[0]
    assert jumps[:4, PRICE].tolist() == [1.0, -1.0, 1.0, -1.0]
    assert (jumps[:, 1:] == plan[:, 1:]).all()
    numbers = np.zeros((1, 10))
    numbers[0, 0] = 0.5
    wave = exploits.model_cycle(numbers, plan)[0] - plan
    assert wave[::12, PRICE] == pytest.approx(0.5)
    assert wave[6::12, PRICE] == pytest.approx(-0.5)
    assert (wave[:, 1:] == 0.0).all()


def test_a_search_finds_the_top_of_a_hill() -> None:
    plan = calendar_plan()
    kind = next(kind for kind in exploits.KINDS if kind.name == "model_cycle")
    target = adversary.actions_of(kind, np.array([[0.2, -0.1, 0.0, 0.1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.1]]), plan)[0]

    def judge(actions: Numbers) -> Numbers:
        assert actions.shape == (adversary.POPULATION, HORIZON, 4)
        return np.asarray(-abs(actions - target).mean(axis=(1, 2)))

    best = adversary.search(kind, plan, judge, 240, seed=0)
    assert best.evaluations == 240
    assert best.value == pytest.approx(judge(np.stack([best.actions] * adversary.POPULATION))[0])
    assert best.value > 0.8 * judge(np.stack([plan] * adversary.POPULATION))[0]
    assert (best.actions == adversary.search(kind, plan, judge, 240, seed=0).actions).all()


def test_the_real_model_has_no_free_money_for_a_quick_search() -> None:
    finding = adversary.check(QUICK, silent)
    assert finding.passed, "\n".join(finding.lines)
    assert finding.measured["J_plan"] > finding.measured["J_bang_bang"]
    assert any("440 plans" in line for line in finding.lines)


def chattering_pays(actions: Numbers) -> Numbers:
    """A hole: three RMB bn for each price change of a tenth of the range or more, a year of them at most."""
    changes = (abs(np.diff(actions[:, :, PRICE], axis=1)) > 0.2).sum(axis=1)
    return np.asarray(3.0 * np.minimum(changes, 12))


def closing_pays(actions: Numbers) -> Numbers:
    """A hole: the closing value asks only for what was spent on selling in the last month."""
    return np.asarray(20.0 * (actions[:, -1, 2] > 0.9))


def thin_pays(actions: Numbers) -> Numbers:
    """A hole: whoever sells below cost all the time earns half as much again."""
    return np.asarray(150.0 * (actions[:, :, PRICE].mean(axis=1) < -0.45))


@pytest.mark.parametrize(
    ("hole", "who"),
    [(chattering_pays, "price_jumps"), (closing_pays, "spending"), (thin_pays, "over plan_with_feedback")],
)
def test_a_hole_in_the_payoff_is_found(
    hole: Callable[[Numbers], Numbers], who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    feedback = play_worlds(baseline("premium"), QUICK.worlds("judge"))
    monkeypatch.setattr(
        adversary, "play_worlds", lambda *_, **__: replace(feedback, value=np.full(len(feedback.value), 200.0))
    )
    tight = adversary.check(
        replace(QUICK, evaluations=1000, players=Payoff(lambda actions: np.zeros(len(actions)))), silent
    )
    assert tight.passed, tight.lines
    finding = adversary.check(replace(QUICK, evaluations=1000, players=Payoff(hole)), silent)
    assert not finding.passed, "\n".join(finding.lines)
    assert who in finding.says
    assert finding.measured["over_feedback"] > 0.0


def bests(**means: float) -> tuple[list[adversary.Best], Earned]:
    """Made-up winners of some kinds, the plan at 100 in front."""
    kinds = {kind.name: kind for kind in exploits.KINDS}
    found = [adversary.Best(kinds[name], calendar_plan(), mean, 100) for name, mean in means.items()]
    value = np.array([[100.0], *([mean] for mean in means.values())]) * np.linspace(0.9, 1.1, 20)
    return found, Earned(value, 0.4 * value, np.zeros(value.shape, np.bool_))


def test_a_smooth_plan_may_beat_the_shipped_one_but_not_by_much() -> None:
    feedback = np.full(20, 100.0)
    assert adversary.judged(*bests(chattering=99.0, fine_knots=114.0), feedback, 0).passed
    assert not adversary.judged(*bests(chattering=99.0, fine_knots=116.0), feedback, 0).passed
    assert adversary.judged(*bests(chattering=99.0, fine_knots=116.0), feedback + 10.0, 0).passed
    assert not adversary.judged(*bests(chattering=99.0, fine_knots=114.0), feedback - 200.0, 0).passed


def test_an_exploit_may_not_beat_the_shipped_plan() -> None:
    feedback = np.full(20, 100.0)
    assert adversary.judged(*bests(chattering=100.9, fine_knots=100.0), feedback, 0).passed
    finding = adversary.judged(*bests(chattering=102.0, fine_knots=100.0), feedback, 0)
    assert not finding.passed
    assert "too much: chattering" in finding.says
    found, earned = bests(chattering=102.0, fine_knots=100.0)
    earned.value[1] = earned.value[0]
    earned.value[1, 0] += 60.0  # one lucky world of twenty is no free money
    assert adversary.judged(found, earned, feedback, 0).passed


# The last year


def test_the_shipped_plan_does_not_milk_its_users_in_the_last_year() -> None:
    finding = last_year.check(QUICK, silent)
    assert finding.passed, "\n".join(finding.lines)
    assert finding.measured["J_shipped_held"] > 0.0


def test_the_longer_plan_begins_as_the_shipped_one_and_gets_better() -> None:
    knots = knots_of(baseline("plan"))
    start = months_of(last_year.stretched(knots), 240, 240)
    assert abs(start[:160] - months_of(knots, 240, HORIZON)[:160]).max() < 0.5
    target = np.clip(start + 0.2, -1.0, 1.0)

    def judge(actions: Numbers) -> Numbers:
        return np.asarray(-abs(actions - target).mean(axis=(1, 2)))

    longer = last_year.lengthened(knots, judge, 12, seed=0)
    assert longer.shape == (15, 4)
    assert judge(months_of(longer, 240, 240)[None])[0] > judge(start[None])[0] + 0.02
    flat = last_year.lengthened(knots, lambda actions: -abs(actions - start).mean(axis=(1, 2)), 2, seed=0)
    assert (flat == last_year.stretched(knots)).all(), "what is worse than the start is not taken"


@pytest.mark.parametrize(
    ("points", "means", "passed", "goal"),
    [
        (4.0, (200.0, 210.0, 205.0, 204.0), True, 1.0),
        (8.0, (200.0, 210.0, 205.0, 204.0), True, 0.0),
        (-8.0, (200.0, 210.0, 205.0, 206.0), True, 0.0),
        (12.0, (200.0, 210.0, 205.0, 204.0), False, 0.0),
        (-12.0, (200.0, 210.0, 205.0, 204.0), False, 0.0),
        (4.0, (200.0, 210.0, 205.0, 202.0), False, 1.0),
        (4.0, (200.0, 210.0, -5.0, -6.0), False, 1.0),
    ],
)
def test_a_harvest_that_is_large_or_dear_fails(
    points: float, means: tuple[float, ...], passed: bool, goal: float
) -> None:
    long = np.zeros((240, 4))
    short = long.copy()
    short[168:180, PRICE] += points / 40.0  # an action of 1 is 40 points of markup
    finding = last_year.judged(short, long, np.array(means), 5)
    assert finding.measured["markup_difference"] == pytest.approx(points / 100.0)
    assert finding.passed == passed
    assert finding.measured["goal_reached"] == goal
    assert ("reached" if goal else "missed") in finding.says


def test_a_model_that_pays_for_milking_fails() -> None:
    """The longer plan finds that the last year's prices were far too low for a firm that goes on."""

    def dear_pays(actions: Numbers) -> Numbers:
        return np.asarray(400.0 * actions[:, 160:, PRICE].mean(axis=1))

    finding = last_year.check(replace(QUICK, evaluations=2000, players=Payoff(dear_pays)), silent)
    assert not finding.passed, finding.says


# Common worlds


def test_common_worlds_help_in_the_real_model() -> None:
    finding = common_worlds.check(QUICK, silent)
    assert finding.passed, finding.lines
    assert finding.measured["reduction_mean"] > 1.5


def test_common_worlds_that_do_not_help_fail() -> None:
    luck = np.random.default_rng(0).normal(size=200)
    assert common_worlds.judged({"one": luck, "two": 2.0 * luck}).passed
    assert not common_worlds.judged({"one": luck, "two": -luck}).passed
    assert not common_worlds.judged({"one": luck, "two": luck.copy()}).passed, "nothing was compared"


# The command


def finding_of(name: str, *, passed: bool) -> Finding:
    return Finding(name, "Is it so?", {"number": 1.0, "none": float("nan")}, "one", "at most two", passed, ("a", "b"))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, and checks that cost nothing: `corners` fails, the others pass."""
    monkeypatch.chdir(tmp_path)
    for name in checks.CHECKS:
        monkeypatch.setitem(
            checks.CHECKS, name, lambda _scope, _told, name=name: finding_of(name, passed=name != "corners")
        )
    return tmp_path


def test_the_command_knows_every_check_in_its_order() -> None:
    assert get_args(command.CheckName) == tuple(checks.CHECKS)


def test_every_check_calls_its_finding_by_its_own_name() -> None:
    names = [
        identities.judged({"a": 0.0}, 1).name,
        ranking.judged_last({"do_nothing": 0.0, "b": 1.0}, {"do_nothing": 1.0, "b": 0.0}).name,
        ranking.judged_stable(["a", "b"], dict.fromkeys((180, 204, 240), np.arange(2.0))).name,
        levers.judged_corners(np.zeros(16), 1.0).name,
        levers.judged_interior(np.ones((4, 5))).name,
        adversary.judged(*bests(chattering=1.0), np.ones(20), 0).name,
        last_year.judged(np.zeros((240, 4)), np.zeros((240, 4)), np.ones(4), 1).name,
        common_worlds.judged({"a": np.arange(3.0), "b": np.arange(3.0) * 2.0}).name,
    ]
    assert names == list(checks.CHECKS)


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys\n"
        "from thinmargin_agents.audit.__main__ import main\n"
        "assert main(['--help']) == 0\n"
        "heavy = {'numba', 'torch', 'stable_baselines3', 'gymnasium', 'numpy', 'cma'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)  # noqa: S603  # our own
    assert done.returncode == 0, done.stderr
    for flag in ("--n-worlds", "--evaluations", "--seed", "--json", "--markdown", "--only", "common_worlds"):
        assert flag in done.stdout
    assert "test" not in done.stdout.replace("latest", "")


@pytest.mark.usefixtures("here")
def test_the_exit_status_says_whether_every_check_passed(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--only", "interior", "identities"]) == 0
    output = capsys.readouterr().out
    assert output.index("identities") < output.index("interior")
    assert "pass  identities: Is it so?" in output
    assert "measured: one" in output
    assert "allowed:  at most two" in output
    assert "2 of 2 checks passed" in output
    assert command.main([]) == 1
    output = capsys.readouterr().out
    assert "FAIL  corners" in output
    assert "7 of 8 checks passed; failed: corners" in output


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only", "luck"], "identities"),
        (["--only"], "--only names no check: allowed are identities"),
        (["--n-worlds", "1"], "--n-worlds is 1: allowed are 2 to 10000"),
        (["--evaluations", "100"], "--evaluations is 100: allowed are 440 to"),
        (["--seed", "-1"], "--seed is -1: allowed are 0 to"),
        (["--processes", "0"], "--processes is 0: allowed are 1 to"),
        (["--json", "nowhere/a.json"], "--json is 'nowhere/a.json'"),
        (["--json", "a", "--markdown", "a"], "--json and --markdown are both 'a'"),
        (["--markdown", "page.md"], "--markdown is 'page.md': it has no lines <!-- audit --> and <!-- end -->"),
        (["--split", "test"], "--split"),
    ],
)
def test_a_bad_argument_is_named_and_nothing_is_played(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("page.md").write_text("# No place\n")
    assert command.main(arguments) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert "passed" not in captured.out


@pytest.mark.usefixtures("here")
def test_a_search_without_cma_is_refused_and_the_rest_is_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "find_spec", lambda _: None)
    assert command.main([]) == 2
    assert "pip install 'thinmargin[search]'" in capsys.readouterr().err
    assert command.main(["--only", "interior"]) == 0


@pytest.mark.usefixtures("here")
def test_json_is_strict_and_has_everything_measured() -> None:
    assert command.main(["--json", "audit.json", "--n-worlds", "32"]) == 1

    def refuse(name: str) -> Any:
        raise AssertionError(name)

    report = json.loads(Path("audit.json").read_text(), parse_constant=refuse)
    assert (report["split"], report["worlds"], report["evaluations"], report["seed"]) == ("validation", 32, 10_000, 0)
    assert report["command"] == "python -m thinmargin_agents.audit --n-worlds 32 --evaluations 10000 --seed 0"
    assert report["passed"] is False
    assert list(report["checks"]) == list(checks.CHECKS)
    check = report["checks"]["corners"]
    assert check["passed"] is False
    assert check["measured"] == {"number": 1.0, "none": None}
    assert check["lines"] == ["a", "b"]
    assert {"thinmargin", "numpy"} <= set(report["versions"])


@pytest.mark.usefixtures("here")
def test_markdown_goes_between_its_markers_and_again() -> None:
    page = Path("page.md")
    page.write_text("# Audit\n\n<!-- audit -->\nold\n<!-- end -->\n\nafter\n")
    for _ in range(2):
        assert command.main(["--markdown", "page.md", "--only", "corners", "interior"]) == 1
    text = page.read_text()
    assert text.startswith("# Audit\n\n<!-- audit -->\n`python -m thinmargin_agents.audit --n-worlds 256")
    assert "--only corners interior`: 1 of 2 checks passed; failed: corners." in text
    assert "| corners | Is it so? | one | at most two | FAIL |" in text
    assert "```text\ncorners:\na\nb\n\ninterior:\na\nb\n```\n<!-- end -->\n\nafter\n" in text
    assert "old" not in text
    assert command.main(["--markdown", "new.md", "--only", "interior"]) == 0
    assert Path("new.md").read_text().startswith("<!-- audit -->\n`python -m")


def test_results_are_not_written_into_a_page_without_a_place_for_them(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Page\n<!-- results -->\n<!-- end -->\n")
    with pytest.raises(ValueError, match="it has no lines <!-- audit --> and <!-- end -->"):
        page_with(page, PLACE, "x")


@pytest.mark.usefixtures("here")
def test_an_interruption_writes_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def stop(_scope: Scope, _told: object) -> Finding:
        raise KeyboardInterrupt

    monkeypatch.setitem(checks.CHECKS, "interior", stop)
    assert command.main(["--json", "audit.json"]) == 130
    assert "nothing was written" in capsys.readouterr().err
    assert not Path("audit.json").exists()


def test_a_table_in_plain_text_stands_under_its_head() -> None:
    assert aligned(("name", "x"), [("a", "1.0"), ("longer", "10.0")]) == (
        "name       x",
        "a        1.0",
        "longer  10.0",
    )
