"""The check that the shipped plan does not harvest its last year, against a plan made for five more years."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from thinmargin.baselines import baseline
from thinmargin.levers import read_levers
from thinmargin.plans import between
from thinmargin.records import ACCESSORIES, LEVERS, MARKETING, PRICE
from thinmargin_agents.audit.findings import HORIZON, Finding, ProgressFunction, Scope, aligned
from thinmargin_agents.audit.plan_players import knots_of, months_of
from thinmargin_agents.tuning.search import climb

Numbers = npt.NDArray[np.float64]

QUESTION = "Does the plan milk its users in the last year?"
LONG = 240
KNOTS = 15
POPULATION = 20
SHARE = 0.24
"""Evaluations of the search for a longer plan, as a share of those for free money: 120 generations."""
SPREAD = 0.1
"""First standard deviation of CMA-ES: it begins at the shipped plan."""
LAST_YEAR = slice(HORIZON - 12, HORIZON)
MARKUP, GOAL = 0.10, 0.05
"""Most that the markups of the last year may differ by, and the goal."""
COST = 0.01
"""Most that the last year's harvest may cost a firm that goes on, as a share of J."""


def stretched(knots: Numbers) -> Numbers:
    """The plan by the calendar, its last action then held: knots of shape (15, 4) over 240 months."""
    at = np.linspace(0.0, LONG, KNOTS)
    return between(knots, np.minimum(at / HORIZON, 1.0))


def lengthened(knots: Numbers, judge: Callable[[Numbers], Numbers], generations: int, seed: int) -> Numbers:
    """The shipped plan made better for 240 months with CMA-ES: knots of shape (15, 4).

    Args:
        knots: of the shipped plan, shape (k, 4).
        judge: mean J, shape (n,), of actions of shape (n, 240, 4).
        generations: of the search.
        seed: of the search.
    """
    start = stretched(knots)

    def value(numbers: Numbers) -> Numbers:
        return judge(months_of(_cut(numbers), LONG, LONG))

    found = climb(value, start.ravel(), SPREAD, generations=generations, population=POPULATION, seed=seed + 1)
    return _cut(found.numbers)[0] if found.value > value(start.ravel())[0] else start


def _cut(numbers: Numbers) -> Numbers:
    """A search's numbers as knots of shape (n, 15, 4) in [-1, 1]."""
    return np.clip(numbers, -1.0, 1.0).reshape(-1, KNOTS, len(LEVERS))


def check(scope: Scope, progress: ProgressFunction) -> Finding:
    """Search for the longer plan, then play both and what lies between on other worlds."""
    generations = max(round(SHARE * scope.evaluations / POPULATION), 1)
    done = 0

    def judge(actions: Numbers) -> Numbers:
        nonlocal done
        progress(done / generations, f"a plan for {LONG} months, generation {done} of {generations}")
        done = min(done + 1, generations)
        return np.asarray(scope.players.play(actions, scope.worlds("search")).value.mean(axis=1))

    knots = knots_of(baseline("plan"))
    longer = lengthened(knots, judge, generations, scope.seed)
    short, long = months_of(knots, LONG, HORIZON), months_of(longer, LONG, LONG)
    spared, harvested = long.copy(), long.copy()
    spared[: LAST_YEAR.start] = short[: LAST_YEAR.start]
    harvested[:HORIZON] = short[:HORIZON]
    values = scope.players.play(np.stack([short, long, spared, harvested]), scope.worlds("judge")).value
    return judged(short, long, values.mean(axis=1), generations)


def levers_of(actions: Numbers) -> Numbers:
    """Mean over months of the levers that actions of shape (months, 4) ask for, each in its own unit: shape (4,)."""
    levers = np.zeros(actions.shape)
    for action, row in zip(actions, levers, strict=True):
        read_levers(action, row)
    return np.asarray(levers.mean(axis=0))


def judged(short: Numbers, long: Numbers, means: Numbers, generations: int) -> Finding:
    """The verdict.

    Args:
        short: actions of the shipped plan, shape (240, 4).
        long: those of the longer plan.
        means: mean J at a horizon of 240 months: of the shipped plan held, the longer plan, the shipped one for
            168 months and then the longer one, the shipped one for 180 months and then the longer one.
        generations: of the search for the longer plan.
    """
    shipped, longer = levers_of(short[LAST_YEAR]), levers_of(long[LAST_YEAR])
    held, best, spared, harvested = (float(mean) for mean in means)
    markup = abs(float(shipped[PRICE] - longer[PRICE]))
    cost = (spared - harvested) / spared if spared > 0.0 else float("inf")
    reached = "reached" if markup <= GOAL else "missed"
    months = f"{LAST_YEAR.start}-{LAST_YEAR.stop - 1}"
    rows = [
        (
            lever.name,
            *(
                f"{number:.4f}" if lever.name != "updates" else f"{number:.2f}"
                for number in (shipped[row], longer[row])
            ),
            f"{shipped[row] - longer[row]:+.4f}" if lever.name != "updates" else f"{shipped[row] - longer[row]:+.2f}",
            lever.unit,
        )
        for row, lever in enumerate(LEVERS)
    ]
    return Finding(
        "last_year",
        QUESTION,
        {
            "markup_difference": float(shipped[PRICE] - longer[PRICE]),
            "accessories_difference": float(shipped[ACCESSORIES] - longer[ACCESSORIES]),
            "marketing_difference": float(shipped[MARKETING] - longer[MARKETING]),
            "harvest_cost": spared - harvested,
            "harvest_cost_share": cost,
            "J_shipped_held": held,
            "J_longer_plan": best,
            "J_shipped_168_then_longer": spared,
            "J_shipped_180_then_longer": harvested,
            "goal_reached": float(markup <= GOAL),
        },
        f"markups differ by {100 * markup:.1f} points (goal of {100 * GOAL:.0f}: {reached}),"
        f" the harvest costs {100 * cost:.2f} % of J",
        f"at most {100 * MARKUP:.0f} points and {100 * COST:.0f} %",
        markup <= MARKUP and cost <= COST,
        (
            f"Mean levers of months {months}; longer plan: {generations} generations of {POPULATION}.",
            *aligned(("lever", "shipped", "longer", "difference", "unit"), rows),
            f"J at a horizon of {LONG} months, RMB bn:",
            *aligned(
                ("", "J"),
                [
                    ("shipped plan, its last levers held", f"{held:.2f}"),
                    ("longer plan", f"{best:.2f}"),
                    (f"shipped plan for {LAST_YEAR.start} months, then the longer one", f"{spared:.2f}"),
                    (f"shipped plan for {HORIZON} months, then the longer one", f"{harvested:.2f}"),
                ],
            ),
        ),
    )
