"""Months of experience a second of PPO's default preset, learning included, with one thing changed at a time.

python -m benchmarks.training_step --before COMMIT [--repeats 5] [--json FILE]

Beside an earlier build, which is checked out into a temporary folder and trains with its own default preset. Every way
is a process of its own, and they take turns: a turn is one update of the preset, 92,160 months, and the next gradient
steps. Shown are medians: months a second of the processors' time (all threads together) and of the clock's, and the
median of the ratios to the build before within a turn, of processors' time. Nothing else should run.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
WIDE = 'policy_kwargs.net_arch={"pi":[64,64],"vf":[128,128]}'
CRITIC_64 = 'policy_kwargs.net_arch={"pi":[64,64],"vf":[64,64]}'
RELU = "policy_kwargs.activation_fn=relu"
BEFORE = "before"


class Way(NamedTuple):
    """How to train: hyper-parameters that differ from the default preset, threads, and something done to the model."""

    words: str
    hyperparams: tuple[str, ...] = ()
    threads: int = 1
    prepare: str = ""


WAYS = {
    BEFORE: Way("the build before"),
    "wide": Way("critic of 128-128, lambda 0.99: the preset before", (WIDE, "gae_lambda=0.99")),
    "wide_whole": Way("critic of 128-128", (WIDE,)),
    "middle": Way("critic of 64-64", (CRITIC_64,)),
    "preset": Way("critic of 8, lambda 1: the preset"),
    "relu": Way("and ReLU for tanh", (RELU,)),
    "plain_memory": Way("and Stable-Baselines3's memory of an update", prepare="plain_memory"),
    "no_info_loop": Way("and no loop over infos", prepare="no_info_loop"),
    "inference": Way("and inference mode while playing", prepare="inference"),
    "unchecked": Way("and no checks of distributions", prepare="unchecked"),
    "threads": Way("and two threads", threads=2),
    "compiled": Way("and torch.compile", prepare="compiled"),
}


def plain_memory(model: Any) -> None:
    """The buffer that Stable-Baselines3 has, made one for paired worlds as before."""
    from stable_baselines3.common.buffers import RolloutBuffer  # noqa: PLC0415

    memory = model.rollout_buffer
    memory._get_samples = RolloutBuffer._get_samples.__get__(memory)  # noqa: SLF001  # what the plain one does


def no_info_loop(model: Any) -> None:
    """Months in which nothing ends leave no trace in Stable-Baselines3's statistics: do not look for one."""
    look = model._update_info_buffer  # noqa: SLF001  # what is measured
    model._update_info_buffer = lambda infos, dones=None: look(  # noqa: SLF001  # as above
        [info for info in infos if info], dones
    ) if dones is None or dones.any() else None  # fmt: skip


def inference(model: Any) -> None:
    """`torch.inference_mode` where Stable-Baselines3 has `torch.no_grad`."""
    import torch  # noqa: PLC0415

    collect = model.collect_rollouts
    model.collect_rollouts = torch.inference_mode()(collect)


def unchecked(model: Any) -> None:
    """Distributions do not check their parameters."""
    import torch  # noqa: PLC0415

    del model
    torch.distributions.Distribution.set_default_validate_args(value=False)


def compiled(model: Any) -> None:
    """The networks between observations and what the policy's heads read, compiled."""
    import torch  # noqa: PLC0415

    extractor = model.policy.mlp_extractor
    extractor.policy_net = torch.compile(extractor.policy_net)
    extractor.value_net = torch.compile(extractor.value_net)


PREPARE: dict[str, Callable[[Any], None]] = {
    "plain_memory": plain_memory,
    "no_info_loop": no_info_loop,
    "inference": inference,
    "unchecked": unchecked,
    "compiled": compiled,
}


def serve(name: str) -> None:
    """Train an update for every line of the input, and answer with its seconds."""
    import torch  # noqa: PLC0415  # of the build that the process was started for

    from thinmargin_agents.config.preset import resolve  # noqa: PLC0415
    from thinmargin_agents.config.train_config import TrainConfig  # noqa: PLC0415
    from thinmargin_agents.sb3.building import build_environment, build_model  # noqa: PLC0415

    way = WAYS[name]
    torch.set_num_threads(way.threads)
    run = resolve(TrainConfig(hyperparams=way.hyperparams, num_threads=way.threads))
    model: Any = build_model(run, build_environment(run))
    if way.prepare:
        PREPARE[way.prepare](model)
    update = model.n_steps * model.n_envs
    model.learn(update)  # compiles
    for _ in sys.stdin:
        processor, clock = time.process_time(), time.perf_counter()
        model.learn(update, reset_num_timesteps=False)
        spent = time.process_time() - processor, time.perf_counter() - clock
        print(json.dumps([update / seconds for seconds in spent]), flush=True)


class Contestant:
    """A process that trains one way."""

    def __init__(self, name: str, tree: Path) -> None:
        environ = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(tree / "envs"), str(tree / "agents")]),
            "OMP_NUM_THREADS": str(WAYS[name].threads),
        }
        self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and this file
            [sys.executable, __file__, "--serve", name],
            env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def turn(self) -> list[float] | None:
        """Months a second of processors' and clock's time; None if the process has ended."""
        streams = self._process.stdin, self._process.stdout
        if streams[0] is None or streams[1] is None or self._process.poll() is not None:
            return None
        try:
            print(file=streams[0], flush=True)
        except BrokenPipeError:
            return None
        answer = streams[1].readline()
        found: list[float] | None = json.loads(answer) if answer else None
        return found

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def main() -> None:
    """Measure every way and print a table."""
    sys.path.insert(0, str(ROOT))
    from benchmarks.arguments import commit, new_file, parser_of, whole  # noqa: PLC0415  # a process that serves starts from this file alone
    from benchmarks.checkouts import checked_out  # noqa: PLC0415  # as below

    parser = parser_of("training_step", __doc__)
    parser.add_argument(
        "--before", type=commit, metavar="COMMIT", required="--serve" not in sys.argv, help="the build to compare with"
    )
    parser.add_argument("--repeats", type=whole(1, 1000), default=5, help="turns, the median counts (default 5)")
    parser.add_argument("--json", type=new_file, metavar="FILE", help="write the numbers there")
    parser.add_argument("--serve", choices=WAYS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve)
        return
    with checked_out(arguments.before) as before:
        contestants = {name: Contestant(name, before if name == BEFORE else ROOT) for name in WAYS}
        turns = [{name: one.turn() for name, one in contestants.items()} for _ in range(arguments.repeats)]
        for one in contestants.values():
            one.close()
    rows = []
    print(f"{'':52} {'a processor second':>19} {'a second':>9} {'ratio':>6}")
    for name, way in WAYS.items():
        rates = [(turn[name], turn[BEFORE]) for turn in turns]
        found = [(its, first) for its, first in rates if its is not None and first is not None]
        if not found and name != "compiled":  # which needs a compiler of C++
            raise SystemExit(f"the process that trains {way.words!r} has ended")
        if not found:
            print(f"{way.words:52} {'does not run here':>19}")
            continue
        processor, clock = (statistics.median(its[k] for its, _ in found) for k in range(2))
        ratio = statistics.median(its[0] / first[0] for its, first in found)
        rows.append({"way": name, "words": way.words, "processor": processor, "clock": clock, "ratio": ratio})
        print(f"{way.words:52} {processor:19,.0f} {clock:9,.0f} {ratio:6.2f}")
    if arguments.json is not None:
        document = {"before": arguments.before, "rows": rows}
        arguments.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
