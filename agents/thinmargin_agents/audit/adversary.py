"""The search for free money among plans that nobody would run a firm by, judged on worlds it has not seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from thinmargin.baselines import baseline
from thinmargin_agents.audit.entrants import latin_hypercube
from thinmargin_agents.audit.exploits import PLAN_FAMILIES, PlanFamily
from thinmargin_agents.audit.findings import HORIZON, Finding, ProgressFunction, Scope, aligned
from thinmargin_agents.audit.plan_players import knots_of, months_of
from thinmargin_agents.play.candidates import Earned
from thinmargin_agents.play.rollout import play_worlds
from thinmargin_agents.scoring.statistics import paired_difference
from thinmargin_agents.tuning.search import climb

Numbers = npt.NDArray[np.float64]
Judge = Callable[[Numbers], Numbers]
"""Mean J, shape (n,), of actions of shape (n, 180, 4)."""

QUESTION = "Is there free money for whoever looks for it?"
GAIN = 0.15
"""Most that anything found may earn over the policy `plan_with_feedback`, as a share of what that earns."""
FREE = 0.01
"""Most that an exploit may surely earn over the policy `plan`, as a share of what that earns: families that change the
plan can always gain the little that its eleven knots leave."""
POPULATION = 20
"""Candidates that are judged at a time."""
LEAST_EVALUATIONS = 2 * POPULATION * len(PLAN_FAMILIES)


@dataclass(frozen=True, eq=False)
class BestOfFamily:
    """The best plan of a family on the worlds of the search.

    Attributes:
        family: the family.
        actions: shape (180, 4), in [-1, 1].
        value: its mean J there, RMB bn.
        evaluations: how many plans were judged.
    """

    family: PlanFamily
    actions: Numbers
    value: float
    evaluations: int


def search(family: PlanFamily, plan: Numbers, judge: Judge, evaluations: int, seed: int) -> BestOfFamily:
    """The best of about so many plans of a family: its middle, a sample that fills its space, CMA-ES from the best.

    Args:
        family: the family.
        plan: the plan that most families change, shape (180, 4).
        judge: mean J of actions; it gets POPULATION plans at a time.
        evaluations: how many plans are judged, rounded to populations, of which there are at least two.
        seed: of sample and search.
    """

    def value(numbers: Numbers) -> Numbers:
        return judge(actions_of(family, numbers, plan))

    rounds = max(evaluations // POPULATION, 2)
    sampled = min(max(round(family.sampled * rounds), 1), rounds)
    points = latin_hypercube(sampled * POPULATION, family.size, np.random.default_rng(seed))
    points[0] = 0.0
    values = np.concatenate([value(points[first : first + POPULATION]) for first in range(0, len(points), POPULATION)])
    best, top = points[values.argmax()], float(values.max())
    if sampled < rounds:
        generations = rounds - sampled - 1  # the last population judges the mean of the search
        found = climb(value, best, family.spread, generations=generations, population=POPULATION, seed=seed + 1)
        if found.value > top:
            best, top = found.numbers, found.value
    return BestOfFamily(family, actions_of(family, best[None], plan)[0], top, rounds * POPULATION)


def actions_of(family: PlanFamily, numbers: Numbers, plan: Numbers) -> Numbers:
    """The plans, shape (n, 180, 4), behind numbers of shape (n, size), both cut to [-1, 1]."""
    return np.clip(family.make(np.clip(numbers, -1.0, 1.0), plan), -1.0, 1.0)


def check(scope: Scope, progress: ProgressFunction) -> Finding:
    """Every family's search, and its best plan beside the shipped plans on other worlds."""
    plan = months_of(knots_of(baseline("plan")), HORIZON, HORIZON)
    found = []
    done = 0
    for number, family in enumerate(PLAN_FAMILIES):

        def judge(actions: Numbers, family: PlanFamily = family) -> Numbers:
            nonlocal done
            progress(done / scope.evaluations, f"{family.name}: {family.meaning}")
            done += len(actions)
            earned = scope.players.play(actions, scope.worlds("search"), family.parameters)
            return np.asarray(earned.value.mean(axis=1))

        found.append(search(family, plan, judge, round(family.share * scope.evaluations), scope.seed + 1000 * number))
    progress(1.0, "on other worlds")
    keys = scope.worlds("judge")
    played = [
        scope.players.play(np.stack([plan, one.actions]), keys, one.family.parameters) for one in found
    ]  # the plan beside each, in the same worlds
    feedback = play_worlds(baseline("plan_with_feedback"), keys, horizon=HORIZON)
    return judged(found, played, feedback.value, scope.seed)


def judged(found: Sequence[BestOfFamily], played: Sequence[Earned], feedback: Numbers, seed: int) -> Finding:
    """The verdict on what was found.

    An exploit beats the plan if the 95 % interval of the paired difference lies above FREE of what the plan earns.

    Args:
        found: the best of every family.
        played: of every family on the worlds of the judgement, shape (2, worlds): the shipped plan first.
        feedback: J of `plan_with_feedback` in usual worlds of the same keys, shape (worlds,).
        seed: of the bootstrap.
    """
    usual = next(earned for one, earned in zip(found, played, strict=True) if not one.family.parameters)
    plan, reference = usual.value[0], float(feedback.mean())
    measured = {"J_plan": float(plan.mean()), "J_plan_with_feedback": reference}
    rows, exploits, free = [], {}, []
    most = float(plan.mean())
    for one, earned in zip(found, played, strict=True):
        (beside, value), closing, bankrupt = earned.value, earned.closing[1], earned.bankrupt[1]
        name = one.family.name
        gap = paired_difference(value, beside, np.random.default_rng(seed))
        if not one.family.smooth:
            exploits[name] = gap.mean / float(beside.mean())
            if gap.interval.low > FREE * beside.mean():
                free.append(name)
        if not one.family.parameters:
            most = max(most, float(value.mean()))
        measured |= {f"J_{name}": float(value.mean()), f"over_plan_{name}": gap.mean}
        rows.append((
            f"{name}: {one.family.meaning}", f"{one.evaluations}", f"{one.value:.1f}", f"{value.mean():.1f}",
            f"{closing.mean():.1f}", f"{100 * bankrupt.mean():.1f} %",
            f"{gap.mean:+.2f} [{gap.interval.low:+.2f}, {gap.interval.high:+.2f}]",
        ))  # fmt: skip
    gain = most / reference - 1.0 if reference > 0.0 else float("inf")
    best = max(exploits, key=lambda name: exploits[name])
    measured |= {"J_best": most, "over_feedback": gain, "exploits_that_beat_the_plan": float(len(free))}
    tried = sum(one.evaluations for one in found)
    return Finding(
        "adversary",
        QUESTION,
        measured,
        f"best of all {100 * gain:+.1f} % over plan_with_feedback; best exploit ({best})"
        f" {100 * exploits[best]:+.1f} % over plan; surely too much: {', '.join(free) or 'none'}",
        f"{100 * GAIN:+.0f} % over plan_with_feedback; an exploit surely {100 * FREE:+.0f} % over plan",
        gain <= GAIN and not free,
        (
            f"{tried:,} plans tried, the best of each kind judged on {len(plan)} other worlds,",
            f"where plan earns {plan.mean():.1f} and plan_with_feedback {reference:.1f} RMB bn.",
            *aligned(("kind", "tried", "in search", "J", "closing", "bankrupt", "J less plan"), rows),
        ),
    )
