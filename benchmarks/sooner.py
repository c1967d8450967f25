"""Processor seconds from the plan to the score that `ppo_plan` of an earlier build has after a million months.

python -m benchmarks.sooner --before COMMIT [--seeds 5] [--months 1000000] [--json FILE]

The commit is checked out into a temporary folder, and trains its own preset `ppo_plan` for the first update that ends
after so many months; then this build trains its own from the same seed until it has that score. Policies are judged
on 256 validation worlds after every update, as `train.py` does, and judging is not counted. Shown are seconds of the
processor, one thread, and the ratio, by seed, and the median of the ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
PRESET, WORLDS = "ppo_plan", 256


class Reached(NamedTuple):
    """Where a training stood after an update: months, seconds of the processor, and its score."""

    months: int
    seconds: float
    score: float


class FarEnoughError(Exception):
    """Training has gone as far as it was to."""


def serve(seed: int, months: int, score: float | None) -> None:
    """Train until `months` are over, or until `score` is reached if one is given; print where it stood then."""
    import torch  # noqa: PLC0415  # of the build that the process was started for
    from stable_baselines3.common.callbacks import BaseCallback  # noqa: PLC0415

    from thinmargin_agents.config.preset import resolve  # noqa: PLC0415
    from thinmargin_agents.config.train_config import TrainConfig  # noqa: PLC0415
    from thinmargin_agents.judging.validation import Judge  # noqa: PLC0415
    from thinmargin_agents.sb3.building import (  # noqa: PLC0415
        build_environment,
        build_model,
        environment_arguments,
    )
    from thinmargin_agents.sb3.networks import policy_of  # noqa: PLC0415

    torch.set_num_threads(1)
    run = resolve(TrainConfig(preset=PRESET, seed=seed))
    build_model(run, build_environment(run)).learn(1)  # compiles
    judge = Judge(environment_arguments(run), WORLDS)
    model: Any = build_model(run, build_environment(run))
    policy = policy_of(model.policy, run)

    class Watch(BaseCallback):
        seconds = since = 0.0

        def _on_training_start(self) -> None:
            self.since = time.process_time()

        def _on_step(self) -> bool:
            return True

        def _on_rollout_start(self) -> None:
            self.seconds += time.process_time() - self.since
            if self.num_timesteps and (score is not None or self.num_timesteps >= months):
                found = judge.judge(policy).score
                if found is None:
                    raise RuntimeError("there is no score in these worlds")
                if score is None or found >= score:
                    print(json.dumps([self.num_timesteps, self.seconds, found]), flush=True)
                    raise FarEnoughError
            self.since = time.process_time()

    try:
        model.learn(run.total_timesteps, Watch())
    except FarEnoughError:
        return
    print(json.dumps(None))


def trained(tree: Path, seed: int, months: int, score: float | None = None) -> Reached | None:
    """Where a build's training stood; None if it ended without the score."""
    environ = {**os.environ, "OMP_NUM_THREADS": "1"}
    environ |= {"PYTHONPATH": os.pathsep.join([str(tree / "envs"), str(tree / "agents")])}
    words = ["--serve", str(seed), str(months), *([] if score is None else [repr(score)])]
    done = subprocess.run(  # noqa: S603  # our own interpreter and this file
        [sys.executable, __file__, *words], env=environ, stdout=subprocess.PIPE, text=True, check=True
    )
    answer = json.loads(done.stdout.splitlines()[-1])
    return None if answer is None else Reached(*answer)


def main() -> None:
    """Train both builds from every seed and print a table."""
    sys.path.insert(0, str(ROOT))
    from benchmarks.arguments import commit, new_file, parser_of, whole  # noqa: PLC0415  # a process that serves starts from this file alone

    parser = parser_of("sooner", __doc__)
    parser.add_argument(
        "--before", type=commit, metavar="COMMIT", required="--serve" not in sys.argv, help="the build to compare with"
    )
    parser.add_argument("--seeds", type=whole(1, 1000), default=5, help="training seeds (default 5)")
    parser.add_argument(
        "--months", type=whole(1, 5_000_000), default=1_000_000, help="of that build (default 1,000,000)"
    )
    parser.add_argument("--json", type=new_file, metavar="FILE", help="write the numbers there")
    parser.add_argument("--serve", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        seed, months, *score = arguments.serve
        serve(int(seed), int(months), float(score[0]) if score else None)
        return
    from benchmarks.checkouts import checked_out  # noqa: PLC0415  # a process that serves needs none

    rows, ratios = [], []
    print(f"{'seed':>4} {'score':>6} {'before: months':>15} {'s':>6} {'this: months':>13} {'s':>6} {'ratio':>6}")
    with checked_out(arguments.before) as before:
        for seed in range(arguments.seeds):
            first = trained(before, seed, arguments.months)
            if first is None:
                raise SystemExit(f"the build before ends before {arguments.months:,} months")
            its = trained(ROOT, seed, arguments.months, first.score)
            ratios.append(first.seconds / its.seconds if its else 0.0)
            rows.append({"seed": seed, "before": first._asdict(), "this": its._asdict() if its else None})
            there = f"{its.months:13,} {its.seconds:6.1f}" if its else f"{'never':>13} {'':6}"
            print(f"{seed:4} {first.score:6.2f} {first.months:15,} {first.seconds:6.1f} {there} {ratios[-1]:6.2f}")
    print(f"median of the ratios: {statistics.median(ratios):.2f}")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps({"before": arguments.before, "rows": rows}, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
