"""Policies of outsiders, plans that know a little of the future, and what the command wrote."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from thinmargin.baselines import RandomPolicy, baseline
from thinmargin.families import BENCHMARK, FAMILY_TABLE
from thinmargin.settings import SCORED
from thinmargin_agents.play.rollout import play_worlds

CLOCK = SimpleNamespace(now=0.0)
"""Stands still but for those who dream: a test that puts it in the place of the time of `time_limit` needs no hurry."""
OUTSIDERS = """
import time
import numpy as np

class Still:
    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        return np.zeros((len(observation), 4)), state

class Tired(Still):
    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        if observation[0, 0] > 0.5:
            raise RuntimeError("enough")
        return super().predict(observation, state)

class Grid:
    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        return np.full(len(observation), 100), state

class Vandal(Still):
    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        observation[:] = np.nan
        episode_start[:] = True
        return super().predict(observation, state)

class Dreamer(Still):
    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        dream()

class Late(Still):
    def __init__(self):
        dream()

def dream():
    from tests.agents.evaluate.stand_ins import CLOCK

    CLOCK.now += 1e6
    while True:
        time.sleep(0.01)

class Fragile(Still):
    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        if observation[0, 0] == 0.0:
            self.plays = getattr(self, "plays", 0) + 1
        if self.plays == 3:
            raise RuntimeError("too much")
        return super().predict(observation, state)
"""


SCENARIOS = [name for name, entry in FAMILY_TABLE.items() if entry.held_out]


@dataclass
class BestOf:
    """In every world the best of two rules, chosen with hindsight: as good as knowing a little of the future."""

    rules: tuple[Any, ...]
    chosen: Any

    def predict(self, observation: Any, state: Any = None, **_: Any) -> tuple[Any, Any]:
        answers = np.stack([rule.predict(observation)[0] for rule in self.rules])
        return answers[self.chosen, np.arange(len(observation))], state


MADE = {
    "command": "python -m somewhere",
    "environment": BENCHMARK,
    "evaluations": 2,
    "convergence": {"doubling_adds_percent": 0.5},
}


def hindsight(family: str, keys: Any, horizon: int, closing: str) -> Any:
    """A stand-in for the shipped plans: of the benchmark's worlds only."""
    if family != "benchmark" or closing != SCORED:
        return None
    rules = (baseline("low_margin_tuned"), baseline("plan"))
    values = np.stack([play_worlds(rule, keys, horizon=horizon).value for rule in rules])
    return SimpleNamespace(policy=BestOf(rules, values.argmax(axis=0)), made=MADE)


def refuse_constant(name: str) -> Any:
    raise AssertionError(f"{name} is not JSON")


def read(file: str) -> dict[str, Any]:
    report = json.loads(Path(file).read_text(), parse_constant=refuse_constant)
    assert isinstance(report, dict)
    return report


def read_rows(file: str) -> list[dict[str, str]]:
    with Path(file).open(newline="") as lines:
        return list(csv.DictReader(lines))


def make_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two run folders of random policies behind a stand-in for the module of run folders; the second is the latest."""
    names = []
    for seed in (1, 2):
        run = folder / "logs" / "ppo" / f"run_{seed}"
        run.mkdir(parents=True)
        (run / "config.json").write_text(
            json.dumps({"env_id": "ThinMargin/Ecosystem-v1", "env_kwargs": {}, "seed": seed})
        )
        names.append(f"logs/ppo/run_{seed}")

    class Trained(RandomPolicy):
        def reset(self, seed: int = 0) -> None:
            """Keep the generator of the run."""

    def load_policy(folder: Path, _which: str = "best") -> Trained:
        policy = Trained.__new__(Trained)
        RandomPolicy.reset(policy, int(folder.name[-1]))
        return policy

    stand_in = SimpleNamespace(load_policy=load_policy, latest_run=lambda log_folder: log_folder / "ppo" / "run_2")
    monkeypatch.setitem(sys.modules, "thinmargin_agents.runs.folder", stand_in)
    return names
