"""Speed of the environment: beside CartPole, in batches, and of the compiled month by itself.

python benchmarks/environment.py [--seconds 0.5] [--repeats 5] [--sizes 256 1024 4096] [--json FILE]

Everything runs on one core of one process and is timed in processor seconds, so that time lent to other
programs does not count. Competitors take turns within each repeat and the median
over the repeats counts, so that a busy machine slows all of them alike. Ratios travel between
machines, absolute speeds do not.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

from thinmargin.families import BENCHMARK
from thinmargin.scenarios import FAMILIES
from thinmargin.settings import Settings
from thinmargin.vector import EcosystemVectorEnv

CARTPOLE = "CartPole-v1"
HORIZON = 180
CHUNK = 1000
"""Calls between two looks at the clock."""

Row = dict[str, Any]
Round = Callable[[], int]
"""A piece of work; returns how many units of it were done."""


def rate(work: Round, seconds: float) -> float:
    """Units a second of a piece of work that is repeated for at least this long."""
    units = 0
    start = time.process_time()
    while (elapsed := time.process_time() - start) < seconds:
        units += work()
    return units / elapsed


def interleaved(work: dict[str, Round], seconds: float, repeats: int) -> dict[str, float]:
    """Median units a second of each piece of work; they take turns within a repeat."""
    for round_of_one in work.values():
        round_of_one()
    rates: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(repeats):
        for name, round_of_one in work.items():
            rates[name].append(rate(round_of_one, seconds))
    return {name: statistics.median(found) for name, found in rates.items()}


def one_environment(name: str) -> Round:
    """Steps of one environment made by `gymnasium.make`, resets included, with actions drawn before."""
    env = gymnasium.make(name)
    env.reset(seed=0)
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(CHUNK)]

    def play() -> int:
        for action in actions:
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()
        return CHUNK

    return play


def batch(size: int, *, steady: bool) -> Round:
    """Steps of a batch for a whole horizon: autoreset, closing values and copies handed out included.

    Steady play reaches the horizon; random play goes bankrupt in almost half of the worlds, and so draws
    new worlds more often.
    """
    envs = EcosystemVectorEnv(size)
    envs.reset(seed=0)
    actions = np.random.default_rng(0).uniform(-1, 1, (HORIZON, size, 4)).astype(np.float32)
    if steady:
        actions[:] = (-0.2, -0.3, -0.2, 0.4)

    def play() -> int:
        for action in actions:
            envs.step(action)
        return HORIZON * size

    return play


def kernel(size: int) -> Round:
    """Months of the compiled batch alone: no checks, no infos, no end of an episode."""
    envs = EcosystemVectorEnv(size, horizon=600, closing="none", worlds="calibrated")
    envs.reset(seed=0)
    firms = envs._batch  # noqa: SLF001  # the compiled call under the shell is what is measured
    start = firms.states.copy()
    steady = np.tile(np.array([-0.4, -0.4, -0.2, 0.5]), (size, 1))

    def play() -> int:
        firms.states[:] = start
        for _ in range(HORIZON):
            firms.step(steady)
        return HORIZON * size

    return play


def world_draws(name: str) -> Round:
    """Worlds drawn from their keys, in one call."""
    firms = Settings().batch(CHUNK)
    family = FAMILIES[name]
    rows, keys = np.arange(CHUNK), np.arange(1_000_000, 1_000_000 + CHUNK)

    def play() -> int:
        firms.draw(rows, family, keys)
        return CHUNK

    return play


def beside_cartpole(seconds: float, repeats: int) -> list[Row]:
    """One environment and CartPole, taking turns."""
    found = interleaved({name: one_environment(name) for name in (CARTPOLE, BENCHMARK)}, seconds, repeats)
    return [{"what": name, "steps/s": round(value), "ratio": value / found[CARTPOLE]} for name, value in found.items()]


def batches(sizes: list[int], seconds: float, repeats: int) -> list[Row]:
    """Batches of several sizes, under steady and under random play."""
    work = {(size, steady): batch(size, steady=steady) for size in sizes for steady in (True, False)}
    found = interleaved({f"{size} {steady}": play for (size, steady), play in work.items()}, seconds, repeats)
    return [
        {
            "environments": size,
            "play": "steady" if steady else "random",
            "steps/s": round(found[f"{size} {steady}"]),
            "ns a step": 1e9 / found[f"{size} {steady}"],
        }
        for size, steady in work
    ]


def parts(seconds: float, repeats: int) -> list[Row]:
    """The compiled month and the draw of a world by themselves."""
    work = {f"month, batch of {size}": kernel(size) for size in (1, 256)}
    work |= {f"world of {name}": world_draws(name) for name in ("benchmark", "component_shortage")}
    found = interleaved(work, seconds, repeats)
    return [
        {"part": name, "time": 1e9 / value if name.startswith("month") else 1e6 / value, "unit": unit}
        for (name, value), unit in zip(found.items(), ("ns", "ns", "us", "us"), strict=True)
    ]


def shown(value: object) -> str:
    """Whole numbers in full, others with three digits."""
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 100.0 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def table(title: str, rows: list[Row]) -> str:
    """Rows as plain text: words to the left, numbers to the right."""
    columns = []
    for head in rows[0]:
        cells = [head, *(shown(row[head]) for row in rows)]
        width = max(len(cell) for cell in cells)
        words = isinstance(rows[0][head], str)
        columns.append([cell.ljust(width) if words else cell.rjust(width) for cell in cells])
    return "\n".join([title, *("  " + "  ".join(line).rstrip() for line in zip(*columns, strict=True))])


def main() -> None:
    """Measure, print, and write JSON if requested."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=0.5, help="of each measurement (default 0.5)")
    parser.add_argument("--repeats", type=int, default=5, help="measurements of each, the median counts (default 5)")
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 1024, 4096], help="of the batches")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there")
    arguments = parser.parse_args()
    pace = arguments.seconds, arguments.repeats
    sections: dict[str, Callable[[], list[Row]]] = {
        "One environment through gymnasium.make": lambda: beside_cartpole(*pace),
        "Batches, autoreset and closing values included": lambda: batches(arguments.sizes, *pace),
        "Parts": lambda: parts(*pace),
    }
    results: dict[str, Any] = {"python": platform.python_version(), "processor": platform.machine()}
    for title, measure in sections.items():
        results[title] = measure()
        print(table(title, results[title]), end="\n\n", flush=True)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
