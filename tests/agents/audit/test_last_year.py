from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.agents.audit.small import QUICK, Numbers, Payoff, silent

from thinmargin.baselines import baseline
from thinmargin.records import PRICE
from thinmargin_agents.audit import apart, last_year
from thinmargin_agents.audit.findings import HORIZON
from thinmargin_agents.audit.plan_players import knots_of, months_of


@pytest.mark.slow
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
    finding = last_year.judged(short, long, np.array(means), 5, [], 64)
    assert finding.measured["markup_difference"] == pytest.approx(points / 100.0)
    assert finding.passed == passed
    assert finding.measured["goal_reached"] == goal
    assert ("reached" if goal else "missed") in finding.summary


WORLDS = 30


def of_share(share: float, rule: str = "plan") -> apart.Apart:
    """A rule that earns 200 and gains this share of it by another last year, the same in every world."""
    actions = np.zeros((HORIZON, 4))
    other = apart.with_last_year(actions, np.full((1, 4), 0.5))[0]
    values = np.stack([np.full(WORLDS, 200.0), np.full(WORLDS, 200.0 * (1.0 + share))])
    return apart.apart(rule, actions, other, values, 0)


@pytest.mark.parametrize(
    ("rule", "share", "passed"),
    [("plan", 0.005, True), ("plan", 0.02, False), ("constant_best", 0.06, True), ("constant_best", 0.12, False)],
)
def test_a_last_year_chosen_apart_may_gain_so_much_and_is_told(rule: str, share: float, passed: bool) -> None:
    found = of_share(share, rule)
    assert (found.share, found.passed) == (pytest.approx(share), passed)
    plan = np.zeros((240, 4))
    finding = last_year.judged(plan, plan, np.array([200.0, 210.0, 205.0, 205.0]), 5, [found], 64)
    assert finding.passed == passed
    assert finding.measured[f"apart_{rule}_share"] == pytest.approx(share)
    assert f"{100 * share:.1f} % of J to {rule}" in finding.summary
    assert any(line.startswith(rule) and f"{100 * share:+.2f} %" in line for line in finding.lines)


def test_only_the_last_year_is_chosen_and_nothing_worse_is_taken() -> None:
    actions = np.full((HORIZON, 4), 0.1)
    best = np.array([0.6, -0.5, 0.2, 0.0])

    def judge(tried: Numbers) -> Numbers:
        return np.asarray(100.0 - ((tried[:, -1] - best) ** 2).sum(axis=1))

    found = apart.chosen(actions, judge, 30, seed=0)
    assert (found[:-12] == actions[:-12]).all()
    assert abs(found[-12:] - best).max() < 0.1
    assert (apart.chosen(actions, lambda tried: -abs(tried - 0.1).sum(axis=(1, 2)), 2, seed=0) == actions).all()


def test_a_rule_that_loses_money_does_not_pass() -> None:
    actions = np.zeros((HORIZON, 4))
    assert not apart.apart("plan", actions, actions, np.full((2, WORLDS), -1.0), 0).passed


@pytest.mark.slow
def test_a_model_that_pays_for_milking_fails() -> None:
    """The longer plan finds that the last year's prices were far too low for a firm that goes on."""

    def dear_pays(actions: Numbers) -> Numbers:
        return np.asarray(400.0 * actions[:, 160:, PRICE].mean(axis=1))

    finding = last_year.check(replace(QUICK, evaluations=2000, players=Payoff(dear_pays)), silent)
    assert not finding.passed, finding.summary


def test_a_longer_plan_that_earns_no_more_in_other_worlds_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the two are not compared, and that is said."""
    knots = last_year.stretched(knots_of(baseline("plan")))
    monkeypatch.setattr(last_year, "lengthened", lambda *_: np.clip(knots + 0.3, -1.0, 1.0))
    finding = last_year.check(replace(QUICK, players=Payoff(lambda actions: np.zeros(len(actions)))), silent)
    assert all(np.isnan(finding.measured[name]) for name in ("markup_difference", "harvest_cost", "goal_reached"))
    assert "no longer plan was found" in finding.summary
    assert "reached" not in finding.summary
    assert any("earns no more in other worlds" in line for line in finding.lines)
