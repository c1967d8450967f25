"""Training speed beside stock Stable-Baselines3: months of experience a second, and seconds to the tuned rule's J.

    python benchmarks/training.py [--repeats 3] [--reach low_margin_tuned] [--limit 600] [--json FILE]

Four PPOs on `ThinMargin/Ecosystem-v1`, one torch thread each, run in turn:

- stock: Stable-Baselines3's own defaults (DummyVecEnv of eight firms, default hyper-parameters);
- ppo_scratch: the shipped preset, which starts with random levers as stock does;
- in a hurry: the same with 32 firms, which learn from less experience at a time;
- default: the default preset, which starts from the best hand-made rule.

The time to a rule's J ends when the policy earns as much as that rule on 64 validation worlds; it is judged after every
update, and the judging is not counted. A training that does not get there in `--limit` seconds counts as taking more.
The figures are medians: of speeds over `--repeats` timings, of times over as many training seeds.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import DummyVecEnv

from thinmargin.baselines import BASELINES, baseline
from thinmargin.families import BENCHMARK
from thinmargin.splits import keys_of
from thinmargin_agents.config.preset import resolve
from thinmargin_agents.config.train_config import TrainConfig
from thinmargin_agents.play.adapted_policy import AdaptedPolicy
from thinmargin_agents.play.rollout import play_worlds
from thinmargin_agents.sb3.building import adapters_for, build_environment, build_model

WORLDS = 64
"""Validation worlds on which the tuned rule must be reached."""
STOCK_FIRMS = 8
STOCK_MONTHS = 2 * 2048 * STOCK_FIRMS
"""Two updates."""


class Contestant(NamedTuple):
    """A way to train: its name, its model for a seed, the adapters its policy plays with, months of one timing."""

    name: str
    make: Callable[[int], BaseAlgorithm]
    adapters: list[Any]
    months: int


def preset_contestant(name: str, preset: str, *hyperparams: str) -> Contestant:
    """A shipped preset, with some hyper-parameters changed; timed over two updates or more."""
    run = resolve(TrainConfig(preset=preset, hyperparams=hyperparams))
    values = run.hyperparameters
    months = max(STOCK_MONTHS, 2 * int(values["n_steps"]) * int(values["n_envs"]))

    def make(seed: int) -> BaseAlgorithm:
        one = dataclasses.replace(run, seed=seed)
        return build_model(one, build_environment(one))

    return Contestant(name, make, adapters_for(run), months)


def stock_model(seed: int) -> BaseAlgorithm:
    """PPO as Stable-Baselines3 comes."""
    firms = DummyVecEnv([lambda: gymnasium.make(f"thinmargin:{BENCHMARK}") for _ in range(STOCK_FIRMS)])
    return PPO("MlpPolicy", firms, device="cpu", seed=seed)


def months_a_second(contestant: Contestant) -> float:
    """Experience a second, learning included."""
    model = contestant.make(0)
    begun = time.perf_counter()
    model.learn(contestant.months)
    return model.num_timesteps / (time.perf_counter() - begun)


class UntilReached(BaseCallback):
    """Stop when the policy earns `target` on the validation worlds, or when its time is over."""

    def __init__(self, target: float, adapters: list[Any], limit: float) -> None:
        super().__init__()
        self._target, self._adapters, self._limit = target, adapters, limit
        self.seconds, self.reached = 0.0, False
        self._since = time.perf_counter()

    def _on_training_start(self) -> None:
        self._since = time.perf_counter()

    def _on_rollout_start(self) -> None:
        if self.num_timesteps == 0:  # an untrained policy has learnt nothing
            return
        self.seconds += time.perf_counter() - self._since
        policy: Any = AdaptedPolicy(self.model.policy, self._adapters)  # type: ignore[arg-type]  # has predict
        earned = play_worlds(policy, keys_of("validation")[:WORLDS]).value.mean()
        self.reached = bool(earned >= self._target)
        self._since = time.perf_counter()

    def _on_step(self) -> bool:
        return not self.reached and self.seconds < self._limit


class TimeToRule(NamedTuple):
    """Seconds and months until a rule's J was reached, or until the limit if it was not."""

    seconds: float
    months: int
    reached: bool

    @property
    def words(self) -> str:
        """For the table."""
        return f"{'' if self.reached else 'more than '}{self.seconds:.1f} s, {self.months:,} months"


def time_to_rule(contestant: Contestant, target: float, limit: float, seed: int) -> TimeToRule:
    """Train until `target` is earned or `limit` seconds are over."""
    model = contestant.make(seed)
    callback = UntilReached(target, contestant.adapters, limit)
    model.learn(1 << 40, callback)
    return TimeToRule(callback.seconds, model.num_timesteps, callback.reached)


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--repeats", type=int, default=3, help="timings, and training seeds, of each, in turn")
    parser.add_argument(
        "--reach", default="low_margin_tuned", choices=BASELINES, help="the rule whose J is to be reached"
    )
    parser.add_argument("--limit", type=float, default=600.0, help="seconds after which a search for its J ends")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    contestants = [
        Contestant("stock SB3", stock_model, [], STOCK_MONTHS),
        preset_contestant("ppo_scratch", "ppo_scratch"),
        preset_contestant("in a hurry", "ppo_scratch", "n_envs=32", "batch_size=480"),
        preset_contestant("default", "default"),
    ]
    for contestant in contestants:  # compiled code is loaded before anything is timed
        contestant.make(0).learn(1)
    rounds = range(arguments.repeats)
    speeds = [[months_a_second(contestant) for contestant in contestants] for _ in rounds]
    target = float(play_worlds(baseline(arguments.reach), keys_of("validation")[:WORLDS]).value.mean())
    print(f"{arguments.reach} earns J {target:.1f} RMB bn on {WORLDS} validation worlds", flush=True)
    times = [[time_to_rule(one, target, arguments.limit, seed) for one in contestants] for seed in rounds]
    figures = {}
    for place, contestant in enumerate(contestants):
        speed = statistics.median(row[place] for row in speeds)
        ratio = statistics.median(row[place] / row[0] for row in speeds)
        found = sorted(row[place] for row in times)[len(times) // 2]
        sooner = statistics.median(row[0].seconds / row[place].seconds for row in times)
        figures[contestant.name] = {
            "months_a_second": speed,
            "ratio_to_stock": ratio,
            **found._asdict(),
            "stock_takes_times": sooner,
            "by_seed": [row[place]._asdict() for row in times],
        }
        print(
            f"{contestant.name:11} {speed:7,.0f} months/s ({ratio:4.1f} x stock)   J of {arguments.reach} after"
            f" {found.words} (stock takes {sooner:.1f} x)"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
