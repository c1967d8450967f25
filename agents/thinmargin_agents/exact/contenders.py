"""Policies in the world whose optimum is known: constant levers, a searched plan, PPO."""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from thinmargin.baselines import baseline
from thinmargin.observation import FEATURE_COUNT
from thinmargin.records import LEVERS, PRICE
from thinmargin_agents.config.preset import resolve
from thinmargin_agents.config.train_config import TrainConfig
from thinmargin_agents.exact.backward_induction import (
    ENVIRONMENT,
    KEY,
    PRICES,
    Numbers,
    frugal,
    markup_of,
    settings_of_the_world,
)
from thinmargin_agents.play.candidates import Candidates
from thinmargin_agents.runs.folder import RunFolder
from thinmargin_agents.tuning.rules import NARROW, STARTS, WIDE
from thinmargin_agents.tuning.search import Found, climb

HAND_CODED = {"low_margin_ecosystem": "thin", "premium": "premium"}
"""Hand-coded policies whose price is held for ever, and their names here."""
KNOTS = 11
"""Points in time of a plan, as many as the shipped plan has."""
GENERATIONS, POPULATION = 150, 20
"""Effort of each of its searches."""
SEARCHES = len(STARTS) + 1
"""From every start, then from the better of what they find."""


@dataclass(frozen=True)
class Contender:
    """One policy: its name, a phrase about it, its J in RMB bn, and whether it learns or searches."""

    name: str
    meaning: str
    value: float
    seeks: bool = False


def constants() -> list[Contender]:
    """The best price for ever, and those of two hand-coded policies; none spends anything: spending only costs."""
    prices = [*np.linspace(-1.0, 1.0, PRICES + 1), *(_price_of(name) for name in HAND_CODED)]
    worth = Candidates([KEY], len(prices), settings_of_the_world()).plans(frugal(prices)[:, None]).value[:, 0]
    best = int(worth[: PRICES + 1].argmax())
    rows = [best, *range(PRICES + 1, len(prices))]
    names = ("best constant", *HAND_CODED.values())
    return [
        Contender(name, f"markup {100.0 * float(markup_of(prices[row])):.1f} % for ever", float(worth[row]))
        for name, row in zip(names, rows, strict=True)
    ]


def _price_of(name: str) -> float:
    """The price action of a hand-coded policy that does not depend on the observation."""
    action, _ = baseline(name).predict(np.zeros(FEATURE_COUNT, np.float32))
    return float(action[PRICE])


def planned(seed: int, generations: int = GENERATIONS, progress: Callable[[], None] | None = None) -> Contender:
    """The best plan found the way the shipped plan is: four levers over time that react to nothing.

    Args:
        seed: of CMA-ES.
        generations: of each of the SEARCHES.
        progress: called after every generation.
    """
    shape = (POPULATION, KNOTS, len(LEVERS))
    candidates = Candidates([KEY], POPULATION, settings_of_the_world())

    def seek(number: int, start: Numbers, spread: float) -> Found:
        return climb(
            lambda numbers: candidates.plans(numbers.reshape(shape).clip(-1.0, 1.0)).value[:, 0],
            start, spread, generations=generations, population=POPULATION, seed=seed + number + 1,
            progress=None if progress is None else lambda _: progress(),
        )  # fmt: skip

    found = [seek(number, np.tile(start, KNOTS), WIDE) for number, start in enumerate(STARTS)]
    better = max(found, key=lambda item: item.value)
    value = seek(len(STARTS), better.numbers, NARROW).value
    return Contender("plan", f"CMA-ES, {KNOTS} knots a lever", value, seeks=True)


def trained(seed: int, timesteps: int | None = None, *, shown: bool = False) -> Contender:
    """The policy that `python train.py --env ThinMargin/EcosystemOneState-v1` trains.

    Args:
        seed: of the run.
        timesteps: months of experience; the preset's by default.
        shown: show the run's progress on stderr.

    Raises:
        ConfigError: a value is not among what is allowed.
        KeyboardInterrupt: the run was stopped.
    """
    from thinmargin_agents.training.trainer import train  # noqa: PLC0415  # torch takes seconds

    run = resolve(TrainConfig(env=ENVIRONMENT, seed=seed, total_timesteps=timesteps, n_eval_episodes=2))
    output = sys.stderr if shown else io.StringIO()
    with tempfile.TemporaryDirectory() as logs, contextlib.redirect_stdout(output):
        judgement = train(run, RunFolder.create(Path(logs), run), shown=shown)
    if judgement is None:
        raise KeyboardInterrupt
    months = run.total_timesteps
    return Contender("PPO", f"{months:,} months of experience", judgement.J, seeks=True)
