"""The checks of the last year: a plan made for five more years does not shun it, and choosing it apart gains little."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from thinmargin.baselines import baseline
from thinmargin.plans import between
from thinmargin.records import ACCESSORIES, LEVERS, MARKETING, PRICE
from thinmargin_agents.audit.apart import LAST_YEAR, RULES, Apart, apart, apart_rows, chosen, levers_of
from thinmargin_agents.audit.findings import HORIZON, Finding, ProgressFunction, Scope, aligned
from thinmargin_agents.audit.plan_players import knots_of, months_of
from thinmargin_agents.tuning.search import climb

Numbers = npt.NDArray[np.float64]

QUESTION = "Does the plan milk its users in the last year, and does it pay to choose that year apart?"
LONG = 240
KNOTS = 15
POPULATION = 20
SHARE, APART_SHARE = 0.24, 0.05
"""Evaluations of the search for a longer plan, as a share of those for free money, and of each search for a last year:
120 and 25 generations."""
SPREAD = 0.05
"""First standard deviation of CMA-ES: it begins at the shipped plan."""
LONG_WORLDS = 256
"""Worlds that the search for a longer plan sees: what it finds in fewer fits them alone."""
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
    """Search for the longer plan and for last years, then play both and what lies between on other worlds."""
    generations = max(round(SHARE * scope.evaluations / POPULATION), 1)
    few = max(round(APART_SHARE * scope.evaluations / POPULATION), 1)
    whole, done = generations + few * len(RULES), 0

    def judge(actions: Numbers, worlds: range) -> Numbers:
        nonlocal done
        progress(done / whole, f"generation {done} of {whole}")
        done = min(done + 1, whole)
        return np.asarray(scope.players.play(actions, worlds).value.mean(axis=1))

    seen, wide = scope.worlds("search"), scope.worlds("search", LONG_WORLDS)
    knots = knots_of(baseline("plan"))
    longer = lengthened(knots, lambda actions: judge(actions, wide), generations, scope.seed)
    short, long = months_of(knots, LONG, HORIZON), months_of(longer, LONG, LONG)
    spared, harvested = long.copy(), long.copy()
    spared[: LAST_YEAR.start] = short[: LAST_YEAR.start]
    harvested[:HORIZON] = short[:HORIZON]
    values = scope.players.play(np.stack([short, long, spared, harvested]), scope.worlds("judge")).value.mean(axis=1)
    found = []
    for number, rule in enumerate(RULES):
        actions = months_of(knots_of(baseline(rule)), HORIZON, HORIZON)
        other = chosen(actions, lambda actions: judge(actions, seen), few, scope.seed + 1000 * (number + 1))
        played = scope.players.play(np.stack([actions, other]), scope.worlds("judge")).value
        found.append(apart(rule, actions, other, played, scope.seed))
    return judged(short, long, values, generations, found, len(wide))


def judged(
    short: Numbers, long: Numbers, means: Numbers, generations: int, found: Sequence[Apart], n_worlds: int
) -> Finding:
    """The verdict.

    Where the longer plan earns no more than the shipped one, a difference between the two says nothing: the levers are
    not compared, and only the year chosen apart counts.

    Args:
        short: actions of the shipped plan, shape (240, 4).
        long: those of the longer plan.
        means: mean J at a horizon of 240 months: of the shipped plan held, the longer plan, the shipped one for
            168 months and then the longer one, the shipped one for 180 months and then the longer one.
        generations: of the search for the longer plan.
        found: what choosing the last year apart is worth.
        n_worlds: that the search for the longer plan saw.
    """
    shipped, longer = levers_of(short[LAST_YEAR]), levers_of(long[LAST_YEAR])
    held, best, spared, harvested = (float(mean) for mean in means)
    better = best > held
    differences = shipped - longer if better else np.full(len(LEVERS), np.nan)
    markup = abs(float(differences[PRICE]))
    harvest = spared - harvested if better else float("nan")
    cost = harvest / spared if spared > 0.0 else float("inf")
    compared = (
        f"markups differ by {100 * markup:.1f} points (goal of {100 * GOAL:.0f}:"
        f" {'reached' if markup <= GOAL else 'missed'}), the harvest costs {100 * cost:.2f} % of J"
        if better
        else "no longer plan was found that earns more than the shipped one held, so there is none to compare it with"
    )
    months = f"{LAST_YEAR.start}-{LAST_YEAR.stop - 1}"
    searched = f"{generations} generations of {POPULATION} on {n_worlds} worlds"
    none = "" if better else " It earns no more in other worlds than the shipped plan held."
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
            "markup_difference": float(differences[PRICE]),
            "accessories_difference": float(differences[ACCESSORIES]),
            "marketing_difference": float(differences[MARKETING]),
            "harvest_cost": harvest,
            "harvest_cost_share": cost,
            "J_shipped_held": held,
            "J_longer_plan": best,
            "J_shipped_168_then_longer": spared,
            "J_shipped_180_then_longer": harvested,
            "goal_reached": float(markup <= GOAL) if better else float("nan"),
            **{f"apart_{item.rule}": item.gain.mean for item in found},
            **{f"apart_{item.rule}_share": item.share for item in found},
        },
        f"{compared}; a last year chosen apart is worth"
        f" {', '.join(f'{100 * item.share:.1f} % of J to {item.rule}' for item in found)}",
        f"at most {100 * MARKUP:.0f} points and {100 * COST:.0f} %; surely"
        f" {', '.join(f'{100 * most:.0f} % to {rule}' for rule, most in RULES.items())}",
        not (markup > MARKUP or cost > COST) and all(item.passed for item in found),
        (
            f"Mean levers of months {months}; longer plan: {searched}.{none}",
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
            f"The last year chosen apart, the rest as it is, J at a horizon of {HORIZON} months, RMB bn:",
            *apart_rows(found),
        ),
    )
