"""What choosing the last year apart from the rest is worth, under the closing rule that is scored.

The mean levers of the last twelve months go on behind the horizon. Whoever chooses them for themselves alone, after
years that are what they are, prepares the firm for being priced: how much that can gain is how far the closing value
can be played with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from thinmargin.levers import read_levers
from thinmargin.records import LEVERS
from thinmargin_agents.audit.findings import HORIZON, aligned
from thinmargin_agents.scoring.statistics import Difference, paired_difference
from thinmargin_agents.tuning.search import climb

Numbers = npt.NDArray[np.float64]
Judge = Callable[[Numbers], Numbers]
"""Mean J, shape (n,), of actions of shape (n, 180, 4)."""

LAST_YEAR = slice(HORIZON - 12, HORIZON)
POPULATION = 20
SPREAD = 0.4
"""First standard deviation of CMA-ES, which begins at the rule's own last year."""


RULES = {"plan": 0.01, "constant_best": 0.10}
"""The rules whose last year is chosen apart, and the most that this may surely gain, as a share of J.

The plan has a knot there already and gains what its eleven knots leave; constant levers have no end game, and this is
one for nothing."""


@dataclass(frozen=True, eq=False)
class Apart:
    """What choosing the last year of a rule apart is worth.

    Attributes:
        rule: its name.
        value: mean J of the rule as it is, RMB bn.
        gain: with the last year chosen apart less that, world by world.
        before, after: mean levers of the last year, shape (4,), each in its own unit.
    """

    rule: str
    value: float
    gain: Difference
    before: Numbers
    after: Numbers

    @property
    def share(self) -> float:
        """Gain as a share of J."""
        return self.gain.mean / self.value if self.value > 0.0 else float("inf")

    @property
    def passed(self) -> bool:
        """Whether it surely gains no more than is allowed."""
        return self.value > 0.0 and self.gain.interval.low <= RULES[self.rule] * self.value


def with_last_year(actions: Numbers, last: Numbers) -> Numbers:
    """These actions, shape (180, 4), with constant levers in the last year: shape (n, 180, 4) for `last` of (n, 4)."""
    table = np.tile(actions, (len(last), 1, 1))
    table[:, LAST_YEAR] = np.clip(last, -1.0, 1.0)[:, None]
    return table


def chosen(actions: Numbers, judge: Judge, generations: int, seed: int) -> Numbers:
    """Actions with the best constant levers of the last year found with CMA-ES; as they were if nothing is better.

    Args:
        actions: of the rule, shape (180, 4).
        judge: mean J of actions; it gets POPULATION of them at a time.
        generations: of the search.
        seed: of the search.
    """
    found = climb(
        lambda last: judge(with_last_year(actions, last)), actions[LAST_YEAR].mean(axis=0), SPREAD,
        generations=generations, population=POPULATION, seed=seed + 1,
    )  # fmt: skip
    before = float(judge(np.tile(actions, (POPULATION, 1, 1)))[0])
    return with_last_year(actions, found.numbers[None])[0] if found.value > before else actions


def apart(rule: str, actions: Numbers, other: Numbers, values: Numbers, seed: int) -> Apart:
    """The verdict on a rule and on the same with its last year chosen apart.

    Args:
        rule: its name, of RULES.
        actions: of the rule, shape (180, 4).
        other: with the last year chosen apart, likewise.
        values: J of both in the same worlds, shape (2, worlds).
        seed: of the bootstrap.
    """
    gain = paired_difference(values[1], values[0], np.random.default_rng(seed))
    return Apart(rule, float(values[0].mean()), gain, levers_of(actions[LAST_YEAR]), levers_of(other[LAST_YEAR]))


def apart_rows(found: Sequence[Apart]) -> tuple[str, ...]:
    """A table of them in plain text."""
    rows = [
        (
            item.rule,
            f"{item.value:.2f}",
            f"{item.gain.mean:+.2f} [{item.gain.interval.low:+.2f}, {item.gain.interval.high:+.2f}]",
            f"{100 * item.share:+.2f} %",
            *(f"{old:.4g} > {new:.4g}" for old, new in zip(item.before, item.after, strict=True)),
        )
        for item in found
    ]
    return aligned(("rule", "J", "gain", "of J", *(lever.name for lever in LEVERS)), rows)


def levers_of(actions: Numbers) -> Numbers:
    """Mean over months of the levers that actions of shape (months, 4) ask for, each in its own unit: shape (4,)."""
    levers = np.zeros((len(actions), len(LEVERS)))
    for action, row in zip(actions, levers, strict=True):
        read_levers(action, row)
    return np.asarray(levers.mean(axis=0))
