"""Training speed: months of experience a second, and seconds until the baseline is reached.

    python benchmarks/training.py [--json FILE] [--repeats 3]

The shipped preset on the native batch stands beside Stable-Baselines3's own defaults (DummyVecEnv of
eight, default hyper-parameters) on the same environment, one torch thread each, run in turn.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import time
from pathlib import Path

import gymnasium
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import DummyVecEnv

from thinmargin_agents.configs import TrainConfig, resolve
from thinmargin_agents.models import build_environment, build_model, environment_arguments
from thinmargin_agents.validation import Judge

NATIVE_MONTHS = 2 * 120 * 256
STOCK_MONTHS = 2 * 2048 * 8
WORLDS = 64
"""Validation worlds on which the baseline must be reached."""


def native(months: int) -> float:
    """Months a second with the shipped preset."""
    run = resolve(TrainConfig())
    model = build_model(run, build_environment(run))
    begun = time.perf_counter()
    model.learn(months)
    return model.num_timesteps / (time.perf_counter() - begun)


def stock(months: int) -> float:
    """Months a second with Stable-Baselines3's defaults."""
    environments = DummyVecEnv([lambda: gymnasium.make("thinmargin:ThinMargin/Ecosystem-v0") for _ in range(8)])
    model = PPO("MlpPolicy", environments, device="cpu", seed=0)
    begun = time.perf_counter()
    model.learn(months)
    return model.num_timesteps / (time.perf_counter() - begun)


class UntilBaseline(BaseCallback):
    """Stop as soon as the mean value on validation worlds reaches the baseline's."""

    def __init__(self, judge: Judge) -> None:
        super().__init__()
        self._judge = judge

    def _on_step(self) -> bool:
        return True

    def _on_rollout_start(self) -> None:
        if self.num_timesteps and self._judge.baseline.value.mean() <= self._judge.judge(self.model.policy).J:
            raise StopIteration


def seconds_to_baseline() -> tuple[float, int]:
    """Seconds and months of the shipped preset, judged after every update, until the baseline is reached."""
    run = resolve(TrainConfig())
    judge = Judge(environment_arguments(run), WORLDS)
    model = build_model(run, build_environment(run))
    begun = time.perf_counter()
    with contextlib.suppress(StopIteration):
        model.learn(run.hyperparameters.n_timesteps, UntilBaseline(judge))
    return time.perf_counter() - begun, model.num_timesteps


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each, in turn")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    native(1)  # compiled code is loaded before anything is timed
    stock(1)
    pairs = [(native(NATIVE_MONTHS), stock(STOCK_MONTHS)) for _ in range(arguments.repeats)]
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(mine / other for mine, other in pairs)
    seconds, months = seconds_to_baseline()
    figures = {
        "native_months_a_second": ours,
        "stock_months_a_second": theirs,
        "ratio": ratio,
        "seconds_to_baseline": seconds,
        "months_to_baseline": months,
    }
    print(f"shipped preset, native batch      {ours:10,.0f} months/s (median of {arguments.repeats})")
    print(f"SB3 defaults, DummyVecEnv of 8    {theirs:10,.0f} months/s")
    print(f"ratio, median of pairs            {ratio:10.1f}")
    print(f"baseline's J reached after        {seconds:10.1f} s, {months:,} months")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
