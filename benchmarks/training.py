"""Training speed beside stock Stable-Baselines3: months of experience a second, and seconds to the tuned rule's J.

    python benchmarks/training.py [--repeats 3] [--limit 600] [--json FILE]

Three PPOs on `ThinMargin/Ecosystem-v0`, one torch thread each, run in turn:

- stock: Stable-Baselines3's own defaults (DummyVecEnv of eight firms, default hyper-parameters);
- from nothing: the shipped preset `ppo_scratch`, which starts with random levers as stock does;
- shipped: the default preset, which starts from the plan.

Seconds to the tuned rule's J end when the policy earns as much as `low_margin_tuned` on 64 validation worlds; it is
judged after every update, and the judging is not counted. Who has not got there after `--limit` seconds is said to
take more.
"""

from __future__ import annotations

import argparse
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

from thinmargin.baselines import baseline
from thinmargin.splits import keys_of
from thinmargin_agents.adapted import AdaptedPolicy
from thinmargin_agents.configs import TrainConfig
from thinmargin_agents.models import adapters_for, build_environment, build_model
from thinmargin_agents.presets import resolve
from thinmargin_agents.rollout import play_worlds

WORLDS = 64
"""Validation worlds on which the tuned rule must be reached."""
STOCK_FIRMS = 8


class Contestant(NamedTuple):
    """A way to train: its name, how its model is made, the adapters its policy plays with, months of one timing."""

    name: str
    make: Callable[[], BaseAlgorithm]
    adapters: list[Any]
    months: int


def ours(name: str, preset: str) -> Contestant:
    """A shipped preset; timed over two updates."""
    run = resolve(TrainConfig(preset=preset))
    values = run.hyperparameters
    months = 2 * int(values["n_steps"]) * int(values["n_envs"])
    return Contestant(name, lambda: build_model(run, build_environment(run)), adapters_for(run), months)


def stock_model() -> BaseAlgorithm:
    """PPO as Stable-Baselines3 comes."""
    firms = DummyVecEnv([lambda: gymnasium.make("thinmargin:ThinMargin/Ecosystem-v0") for _ in range(STOCK_FIRMS)])
    return PPO("MlpPolicy", firms, device="cpu", seed=0)


def months_a_second(contestant: Contestant) -> float:
    """Experience a second, learning included."""
    model = contestant.make()
    begun = time.perf_counter()
    model.learn(contestant.months)
    return model.num_timesteps / (time.perf_counter() - begun)


class UntilReached(BaseCallback):
    """Stop when the policy earns `wanted` on the validation worlds, or when its time is over."""

    def __init__(self, wanted: float, adapters: list[Any], limit: float) -> None:
        super().__init__()
        self._wanted, self._adapters, self._limit = wanted, adapters, limit
        self.seconds, self.reached = 0.0, False
        self._since = time.perf_counter()

    def _on_training_start(self) -> None:
        self._since = time.perf_counter()

    def _on_rollout_start(self) -> None:
        if self.num_timesteps == 0:  # what nobody has trained yet has not been learnt
            return
        self.seconds += time.perf_counter() - self._since
        policy: Any = AdaptedPolicy(self.model.policy, self._adapters)  # type: ignore[arg-type]  # has predict
        earned = play_worlds(policy, keys_of("validation")[:WORLDS]).value.mean()
        self.reached = bool(earned >= self._wanted)
        self._since = time.perf_counter()

    def _on_step(self) -> bool:
        return not self.reached and self.seconds < self._limit


class Reached(NamedTuple):
    """When the tuned rule's J was reached: seconds and months; or that it was not."""

    seconds: float
    months: int
    reached: bool


def time_to_rule(contestant: Contestant, wanted: float, limit: float) -> Reached:
    """Train until the tuned rule's J is reached or `limit` seconds are over."""
    model = contestant.make()
    callback = UntilReached(wanted, contestant.adapters, limit)
    model.learn(1 << 40, callback)
    return Reached(callback.seconds, model.num_timesteps, callback.reached)


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--repeats", type=int, default=3, help="timings of each, in turn")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds after which a search for the rule's J ends")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    contestants = [
        Contestant("stock SB3", stock_model, [], 2 * 2048 * STOCK_FIRMS),
        ours("ppo_scratch", "ppo_scratch"),
        ours("shipped", "default"),
    ]
    for contestant in contestants:  # compiled code is loaded before anything is timed
        contestant.make().learn(1)
    speeds = [[months_a_second(contestant) for contestant in contestants] for _ in range(arguments.repeats)]
    wanted = float(play_worlds(baseline("low_margin_tuned"), keys_of("validation")[:WORLDS]).value.mean())
    print(f"low_margin_tuned earns J {wanted:.1f} RMB bn on {WORLDS} validation worlds")
    figures = {}
    for place, contestant in enumerate(contestants):
        speed = statistics.median(row[place] for row in speeds)
        ratio = statistics.median(row[place] / row[0] for row in speeds)
        found = time_to_rule(contestant, wanted, arguments.limit)
        figures[contestant.name] = {"months_a_second": speed, "ratio_to_stock": ratio, **found._asdict()}
        print(
            f"{contestant.name:10} {speed:9,.0f} months/s ({ratio:4.1f} x stock)   the rule's J after"
            f" {'' if found.reached else 'more than '}{found.seconds:.1f} s, {found.months:,} months"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
