"""Judged policies for tests of the report: few worlds, everything that an evaluation hands over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from thinmargin.baselines import baseline
from thinmargin.plans import FEATURE_NAMES
from thinmargin.splits import KEYS
from thinmargin_agents.judging.arena import Playground
from thinmargin_agents.judging.stress import stress_summary
from thinmargin_agents.play.rollout import play_worlds
from thinmargin_agents.policies.entrants import Entrant, Member
from thinmargin_agents.report import html_report
from thinmargin_agents.scoring.closing_rules import CLOSING_RULES
from thinmargin_agents.scoring.comparison import Result, report_of, result_of
from thinmargin_agents.scoring.score import FORESIGHT

Observations = npt.NDArray[np.float32]
WORLDS = 12
STRESS = ("price_war", "demand_slump")
HOSTILE = 'logs/<script>document.title="lost"</script>/a"b_$x$_1'
COMMAND = "python evaluate.py --split validation"


class Reacting:
    """A policy that looks at what it sees: dearer with its share, more selling with its cash."""

    def __init__(self, lift: float = 0.0) -> None:
        self.lift = lift

    def predict(
        self,
        observation: Observations,
        state: Any = None,
        episode_start: npt.NDArray[np.bool_] | None = None,  # noqa: ARG002  # the arguments of Stable-Baselines3
        deterministic: bool = True,  # noqa: ARG002  # as above
    ) -> tuple[npt.NDArray[np.float32], Any]:
        share, cash, cost = (observation[:, FEATURE_NAMES.index(name)] for name in ("share_home", "cash", "unit_cost"))
        actions = np.stack([self.lift + 0.3 * share, -0.4 - 0.2 * cash, 0.1 * cash - 0.3, 0.2 * cost], axis=1)
        return np.clip(actions, -1.0, 1.0).astype(np.float32), state


class Remembering(Reacting):
    """One that counts the months it has played."""

    def predict(
        self,
        observation: Observations,
        state: Any = None,
        episode_start: npt.NDArray[np.bool_] | None = None,
        deterministic: bool = True,  # noqa: ARG002  # as above
    ) -> tuple[npt.NDArray[np.float32], Any]:
        fresh = state is None or (episode_start is not None and bool(np.all(episode_start)))
        months = 0 if fresh else state + 1
        return super().predict(observation)[0] - np.float32(0.002 * months), months


@dataclass(frozen=True, eq=False)
class Judged:
    """What an evaluation hands to the report."""

    report: dict[str, Any]
    results: list[Result]
    stress: dict[str, list[Result]]
    entrants: list[Entrant]
    playground: Playground

    def page(self) -> str:
        """The report."""
        return html_report(self.report, self.results, self.stress, self.entrants, self.playground, COMMAND)


def run_of(*policies: Any, name: str) -> Entrant:
    """An entrant that looks as if these policies had been trained, with seeds 3, 4, ..."""
    members = [
        Member(f"{name}_{number}", policy, is_run=True, seed=3 + number) for number, policy in enumerate(policies)
    ]
    return Entrant(name, tuple(members))


def hand_coded(*names: str) -> list[Entrant]:
    """Entrants of built-in policies."""
    return [Entrant(name, (Member(name, baseline(name), discrete=False),)) for name in names]


def judged(
    entrants: Sequence[Entrant],
    *,
    worlds: int = WORLDS,
    horizon: int = 180,
    stress: Sequence[str] = (),
    foresight: bool = False,
) -> Judged:
    """Play validation worlds; plans with foresight are made up: two RMB bn more than the best of the others."""
    keys = KEYS["validation"][:worlds]
    playground = Playground("ThinMargin/Ecosystem-v1", "benchmark", horizon, discrete=False, closing="own_levers")

    def played(entrant: Entrant, family: str) -> Result:
        return result_of(
            entrant,
            [
                play_worlds(member.policy, keys, worlds=family, horizon=horizon, all_rules=True)
                for member in entrant.members
            ],
        )

    results = [played(entrant, playground.worlds) for entrant in entrants]
    broken = {family: [played(entrant, family) for entrant in entrants] for family in stress}
    summary = stress_summary(broken, results, 0)
    if foresight:
        results.append(made_up(results))
    report = report_of(
        results,
        environment=playground.id,
        split="validation",
        seed=0,
        command=COMMAND,
        closing=playground.closing,
        foresight={"evaluations": 1000} if foresight else None,
        stress=summary,
        failures={},
    )
    return Judged(report, results, broken, list(entrants), playground)


def made_up(results: Sequence[Result]) -> Result:
    """Plans that earn more than every result in every world, from gifts to its phones."""
    best = np.max([result.value.mean(axis=0) for result in results], axis=0)[None] + 2.0
    first = results[0]
    gift = best - first.value[:1]
    return replace(
        first,
        name=FORESIGHT,
        members=(FORESIGHT,),
        seeds=(),
        value=best,
        profit_part=first.profit_part[:1] + gift,
        closing_part=first.closing_part[:1],
        bankrupt=first.bankrupt[:1],
        months=first.months[:1],
        tracks={name: table[:, : best.shape[1]] for name, table in first.tracks.items()},
        lines={name: line[:1] + (gift if name == "device_profit" else 0.0) for name, line in first.lines.items()},
        under={rule: value[:1] + gift for rule, value in first.under.items()},
    )


def everything() -> Judged:
    """Judged policies with which no section of the page is empty; the trained one has a memory and a hostile name."""
    run = run_of(Remembering(), Remembering(0.1), name=HOSTILE)
    return judged(
        [run, *hand_coded("plan", "low_margin_tuned", "low_margin_ecosystem", "random", "do_nothing")],
        stress=STRESS,
        foresight=True,
    )


def synthetic(name: str, value: npt.ArrayLike, like: Result, **changes: Any) -> Result:
    """A result with these J, shape (seeds, worlds), and the rest of another."""
    table = np.atleast_2d(np.asarray(value, np.float64))
    return replace(
        like,
        name=name,
        value=table,
        profit_part=table,
        closing_part=np.zeros_like(table),
        bankrupt=np.zeros(table.shape, np.bool_),
        keys=np.arange(table.shape[1]),
        under=dict.fromkeys(CLOSING_RULES, table),
        **changes,
    )


def without(report: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The document without these keys."""
    return {key: value for key, value in report.items() if key not in names}
