"""The rules that can be tuned: the numbers of each, the start of its search, and the worlds that judge it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from thinmargin.economics.cost_and_price import capped_markup
from thinmargin.levers import action_of
from thinmargin.parameters import LOW_MARGIN_ECOSYSTEM, Parameters
from thinmargin.plans import Feedback, Numbers, PlanPolicy, between, correction
from thinmargin.records import LEVERS, PRICE
from thinmargin.settings import SCORED, Closing, Settings
from thinmargin.tuned import tuned_policy
from thinmargin_agents.play.candidates import Candidates, Earned, Seen
from thinmargin_agents.play.rollout import play_worlds
from thinmargin_agents.tuning.feedback import gain_of, surprise_of, whitening
from thinmargin_agents.tuning.search import Found, climb

STARTS = ((-0.4, -0.3, -0.2, 0.3), (0.5, -0.5, -0.3, 0.2))
"""Actions where a search begins, thin and premium: the landscape has two hills."""
MYOPIC_MONTHS = 24
COARSE, MIDDLE = 4, 2
"""A plan is first searched with a quarter of the worlds, from both starts, then with half of them from the better one,
and once more, from there, with all; feedback with half of them and with all. A search that begins anew leaves a hill on
which the last one has settled."""
WIDE, NARROW, FINE = 0.3, 0.12, 0.05
"""First standard deviation of actions: from a start, from a plan, and from a plan that is given feedback."""
MOST_BANKRUPT, RUIN = 0.02, 500.0
"""Share of worlds in which a rule may go bankrupt before it is held against it, and by how much, RMB bn: mean J alone
is a little higher for rules that are ruined in one world of twenty-five."""
LIMIT = 0.5
"""Most that feedback adds to an action: a quarter of the range of a lever."""

Progress = Callable[[float], None]
"""Called with the best J so far, once a generation."""


@dataclass(frozen=True)
class Effort:
    """Worlds and budget of a search.

    Attributes:
        span: world keys that may be used. The first `worlds` of them judge what was found; plans are searched on
            others, new ones in every generation, so that they fit none in particular.
        worlds: of one evaluation.
        generations, population: of CMA-ES.
        seed: of CMA-ES.
        knots: points in time of a plan.
    """

    span: range
    worlds: int
    generations: int
    population: int
    seed: int
    knots: int = 11

    @property
    def keys(self) -> range:
        """The worlds that judge what was found."""
        return self.span[: self.worlds]

    def others(self, search: int, generation: int, worlds: int) -> range:
        """Worlds of one generation of one search."""
        first = self.worlds * (1 + search * (self.generations + 1) + generation)
        return self.span[first : first + worlds]


class TunedRule(NamedTuple):
    """A rule and its results: mean J and closing value in RMB bn, share of bankruptcies, candidates judged."""

    policy: PlanPolicy
    value: float
    closing: float
    bankrupt: float
    evaluations: int


def clipped(actions: Numbers) -> Numbers:
    """Actions inside [-1, 1]."""
    return np.clip(actions, -1.0, 1.0)


def tuned_rule(policy: PlanPolicy, earned: Earned, evaluations: int) -> TunedRule:
    """A rule with its results in the worlds that judge it."""
    value, closing, bankrupt = (float(column.mean()) for column in earned)
    return TunedRule(policy, value, closing, bankrupt, evaluations)


def merit(earned: Earned) -> Numbers:
    """Value of each candidate in a search, RMB bn: mean J, less what ruin costs.

    Formula:
        merit = J - RUIN * max(share of worlds gone bankrupt - MOST_BANKRUPT, 0)
    """
    ruined: Numbers = np.maximum(earned.bankrupt.mean(axis=1) - MOST_BANKRUPT, 0.0)
    return np.asarray(earned.value.mean(axis=1) - RUIN * ruined, np.float64)


def constant(
    effort: Effort, progress: Progress, *, highest_price: float = 1.0, horizon: int = 180, closing: Closing = SCORED
) -> TunedRule:
    """The best constant levers, the first of them at most `highest_price` as an action."""
    settings = Settings(horizon=horizon, closing=closing)
    candidates = Candidates(effort.keys, effort.population, settings)

    def levers(numbers: Numbers) -> Numbers:
        actions = clipped(numbers)
        actions[..., PRICE] = np.minimum(actions[..., PRICE], highest_price)
        return actions[..., None, :]

    found = [
        climb(
            lambda numbers: merit(candidates.plans(levers(numbers))),
            start, WIDE, generations=effort.generations, population=effort.population, seed=effort.seed + number + 1,
            progress=progress,
        )
        for number, start in enumerate(STARTS)
    ]  # fmt: skip
    best = levers(max(found, key=lambda item: item.value).numbers)
    earned = Candidates(effort.keys, 1, settings).plans(best[None])
    return tuned_rule(PlanPolicy(best), earned, sum(item.evaluations for item in found))


def constant_best(effort: Effort, progress: Progress) -> TunedRule:
    """The constant levers with the best long-run value."""
    return constant(effort, progress)


def low_margin_tuned(effort: Effort, progress: Progress) -> TunedRule:
    """The same with the markup inside the baseline's pledge, in every month of a model."""
    p = Parameters()
    pledge = LOW_MARGIN_ECOSYSTEM.hardware_cap
    cap = capped_markup(pledge, p.tax_rate, p.research_share + p.admin_share, p.model_decline)
    return constant(effort, progress, highest_price=float(action_of(cap, 0.0, 0.0, 1.0)[PRICE]))


def myopic(effort: Effort, progress: Progress) -> TunedRule:
    """The constant levers that earn most in the first 24 months."""
    return constant(effort, progress, horizon=MYOPIC_MONTHS, closing="none")


def bang_bang(effort: Effort, progress: Progress) -> TunedRule:
    """The corner of most merit of the sixteen."""
    corners = np.array(list(itertools.product((-1.0, 1.0), repeat=len(LEVERS))))
    earned = Candidates(effort.keys, len(corners)).plans(corners[:, None])
    merits = merit(earned)
    best = int(merits.argmax())
    progress(float(merits[best]))
    return tuned_rule(PlanPolicy(corners[best][None]), Earned(*(column[best] for column in earned)), len(corners))


def plan(effort: Effort, progress: Progress) -> TunedRule:
    """The best levers over time that react to nothing."""
    shape = (-1, effort.knots, len(LEVERS))

    def seek(number: int, worlds: int, start: Numbers, spread: float) -> tuple[Numbers, float, int]:
        candidates = Candidates(effort.span[:worlds], effort.population)
        return climb(
            lambda numbers: merit(candidates.plans(clipped(numbers.reshape(shape)))),
            start, spread, generations=effort.generations, population=effort.population,
            seed=effort.seed + number + 1, progress=progress,
            refresh=lambda generation: candidates.draw(effort.others(number, generation, worlds)),
        )  # fmt: skip

    def judged(numbers: Numbers) -> Earned:
        return Candidates(effort.keys, 1).plans(clipped(numbers.reshape(shape)))

    few, half = (max(effort.worlds // part, 1) for part in (COARSE, MIDDLE))
    found = [seek(number, few, np.tile(start, effort.knots), WIDE) for number, start in enumerate(STARTS)]
    better = max(found, key=lambda item: merit(judged(item[0]))[0])
    for worlds in (half, effort.worlds):
        better = seek(len(found), worlds, clipped(better[0]), NARROW)
        found.append(better)
    knots = clipped(better[0].reshape(shape))
    return tuned_rule(PlanPolicy(knots[0]), judged(better[0]), sum(item[2] for item in found))


def plan_with_feedback(effort: Effort, progress: Progress) -> TunedRule:
    """The shipped plan, its knots moved a little, with the best bounded linear answer to what is observed."""
    start = tuned_policy("plan").knots
    surprise, deviations = surprise_of(start, effort.keys)
    whole = whitening(deviations)

    def read(numbers: Numbers) -> tuple[Numbers, Numbers]:
        table = numbers.reshape(-1, numbers.shape[-1])
        knots = clipped(table[:, : start.size].reshape(-1, *start.shape))
        return knots, gain_of(table[:, start.size :], whole)

    def play(candidates: Candidates, numbers: Numbers) -> Earned:
        knots, gain = read(numbers)

        def answer(seen: Seen, time: float) -> Numbers:
            return between(knots, [time]) + correction(gain, surprise.of(seen, [time]), [time], LIMIT)

        return candidates.play(answer)

    numbers, evaluations = np.concatenate([start.ravel(), np.zeros(len(LEVERS) * len(whole))]), 0
    for number, part in enumerate((MIDDLE, 1)):
        worlds = max(effort.worlds // part, 1)
        found = _seek_feedback(effort, number, worlds, numbers, lambda *given: merit(play(*given)), progress)
        numbers, evaluations = found.numbers, evaluations + found.evaluations
    knots, gain = read(numbers)
    policy = PlanPolicy(knots[0], Feedback(surprise, gain[0], LIMIT))
    played = play_worlds(policy, effort.keys)  # itself: feedback that is not stable tells single precision from double
    return tuned_rule(policy, Earned(played.value, played.closing_part, played.bankrupt), evaluations)


def _seek_feedback(
    effort: Effort,
    number: int,
    worlds: int,
    start: Numbers,
    judge: Callable[[Candidates, Numbers], Numbers],
    progress: Progress,
) -> Found:
    """One search of knots and gains, in other worlds every generation."""
    candidates = Candidates(effort.span[:worlds], effort.population)
    return climb(
        lambda numbers: judge(candidates, numbers), start, FINE,
        generations=effort.generations, population=effort.population, seed=effort.seed + number + 1, progress=progress,
        refresh=lambda generation: candidates.draw(effort.others(number, generation, worlds)),
    )  # fmt: skip


class Rule(NamedTuple):
    """One rule: the function that tunes it, the number of searches in it, and the default effort."""

    seek: Callable[[Effort, Progress], TunedRule]
    searches: int
    generations: int
    population: int
    uses_cma_es: bool = True


RULES = {
    "constant_best": Rule(constant_best, 2, 60, 12),
    "low_margin_tuned": Rule(low_margin_tuned, 2, 60, 12),
    "myopic": Rule(myopic, 2, 60, 12),
    "bang_bang": Rule(bang_bang, 1, 1, 16, uses_cma_es=False),
    "plan": Rule(plan, 4, 300, 24),
    "plan_with_feedback": Rule(plan_with_feedback, 2, 250, 24),
}
"""Every rule that can be tuned; the plan before the rule that builds on it."""
