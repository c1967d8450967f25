"""Ablation study: the default preset with one thing changed at a time.

    python benchmarks/ablation.py [--months 3000000] [--seeds 0 1 2] [--jobs 2] [--only NAME ...] [--markdown FILE]

Every variant trains from its first month; the table has the score of its last policy (not of its best) on 256
validation worlds, every seed and their mean. With `--markdown` it goes between the lines <!-- results --> and
<!-- end --> of a page.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

RESIDUAL = "thinmargin.wrappers.Residual"
SCALED: dict[str, Any] = {"thinmargin.wrappers.ScaledReward": {"factor": 0.1}}
BASE: dict[str, Any] = {RESIDUAL: {"base": "plan_with_feedback", "bound": 0.5}}

VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "default": ("the default preset: PPO corrects `plan_with_feedback`, sixteen firms a world", {}),
    "own_worlds": ("every firm in a world of its own", {"hyperparams": ("paired_worlds=1",)}),
    "no_surprises": (
        "no departures from the plan's expectations among what is observed",
        {"hyperparams": (f"env_wrapper={json.dumps([SCALED, BASE])}",)},
    ),
    "history": ("changes since 6 and 24 months ago are observed too", {"history": (6, 24)}),
    "recurrent": ("an LSTM that corrects `plan`: the preset ppo_lstm; beside `plan_base`", {"algo": "ppo_lstm"}),
    "plan_base": ("corrects `plan`: the preset ppo_plan", {"preset": "ppo_plan"}),
    "plan_base_own_worlds": (
        "corrects `plan`, every firm in a world of its own",
        {"preset": "ppo_plan", "hyperparams": ("paired_worlds=1",)},
    ),
    "lambda_99": ("gae_lambda 0.99 in place of 1", {"hyperparams": ("gae_lambda=0.99",)}),
    "wide_critic": (
        "critic of 128-128 units in place of 8, and gae_lambda 0.99: what the shipped agents were trained with",
        {"hyperparams": ('policy_kwargs.net_arch={"pi":[64,64],"vf":[128,128]}', "gae_lambda=0.99")},
    ),
    "from_nothing": ("nothing to correct: the preset ppo_scratch", {"preset": "ppo_scratch"}),
    "from_nothing_own_worlds": (
        "nothing to correct, every firm in a world of its own",
        {"preset": "ppo_scratch", "hyperparams": ("paired_worlds=1",)},
    ),
}


class Job(NamedTuple):
    """One training run of a variant."""

    variant: str
    seed: int
    months: int


class LastPolicy(NamedTuple):
    """The last policy's mean J, RMB bn, and score, percent, on validation worlds."""

    value: float
    score: float


def train_one(job: Job) -> LastPolicy:
    """Train a variant with one seed, in a folder that is removed."""
    from thinmargin_agents.config.preset import resolve  # noqa: PLC0415  # as above
    from thinmargin_agents.config.train_config import TrainConfig  # noqa: PLC0415  # as above
    from thinmargin_agents.runs.folder import RunFolder  # noqa: PLC0415  # as above
    from thinmargin_agents.training.callbacks.validation import (  # noqa: PLC0415  # one thread: set before torch is imported
        EVALUATION_COLUMNS,
    )
    from thinmargin_agents.training.trainer import train  # noqa: PLC0415  # as above

    never = 1 << 40
    changed = VARIANTS[job.variant][1]
    run = resolve(TrainConfig(seed=job.seed, total_timesteps=job.months, eval_freq=never, save_freq=never, **changed))
    with tempfile.TemporaryDirectory() as logs, contextlib.redirect_stdout(io.StringIO()):
        folder = RunFolder.create(Path(logs), run)
        train(run, folder, shown=False)
        tree = folder.load("checkpoint")
    last = dict(zip(EVALUATION_COLUMNS, tree["validation"]["rows"][-1], strict=True))
    return LastPolicy(float(last["J"]), float(last["score"]))


def main() -> None:
    """Train every variant and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--months", type=int, default=3_000_000, help="experience of every run")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="training seeds")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    parser.add_argument("--only", nargs="+", choices=list(VARIANTS), help="these variants only")
    parser.add_argument("--markdown", type=Path, help="page for the table")
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    names = arguments.only or list(VARIANTS)
    jobs = [Job(name, seed, arguments.months) for name in names for seed in arguments.seeds]
    with ProcessPoolExecutor(arguments.jobs, multiprocessing.get_context("spawn")) as pool:
        learnt = {}
        for job, one in zip(jobs, pool.map(train_one, jobs), strict=True):
            learnt[job] = one
            line = f"{job.variant}, seed {job.seed}: score {one.score:.1f} ({len(learnt)} of {len(jobs)})"
            print(line, file=sys.stderr, flush=True)
    seeds = " ".join(map(str, arguments.seeds))
    command = (
        f"`python benchmarks/ablation.py --months {arguments.months} --seeds {seeds}`: {arguments.months:,} months of"
        " experience each, 256 validation worlds."
    )
    lines = [
        command,
        "",
        "| variant | what is changed | score: mean | by seed | J, RMB bn |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name in names:
        some = [learnt[Job(name, seed, arguments.months)] for seed in arguments.seeds]
        scores = [one.score for one in some]
        lines.append(
            f"| `{name}` | {VARIANTS[name][0]} | {statistics.mean(scores):.1f} |"
            f" {', '.join(f'{score:.1f}' for score in scores)} | {statistics.mean(one.value for one in some):.1f} |"
        )
    table = "\n".join(lines)
    print(table)
    if arguments.markdown:
        from thinmargin.files import write_atomically  # noqa: PLC0415  # as above
        from thinmargin_agents.cli.markdown import page_with  # noqa: PLC0415  # as above

        write_atomically(arguments.markdown, page_with(arguments.markdown, {"results": table}))


if __name__ == "__main__":
    main()
