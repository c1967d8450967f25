"""Train in processes that are killed and resumed: python tests/killing.py < JOBS.json

A job is {"arguments": of train.py, "kills": how often, "seed": of when}. Every training is a process of its own that
ends by SIGKILL: while a file is half written, before or after it is renamed, or at any other moment. Printed are, a
job: its run folder, and how its processes ended.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from tensorboard.summary.writer import event_file_writer

from thinmargin_agents import train
from thinmargin_agents.judging.validation import Judge
from thinmargin_agents.sb3.vec_env import EcosystemVecEnv
from thinmargin_agents.training import trainer

MOMENTS = ("half written", "before renaming", "after renaming", "any")
MOST_CALLS = 3000
"""Calls of Python's functions after a step of the environment, within which a process dies at any other moment."""
HANG = 600.0
"""Seconds after which a process is taken to hang: far beyond what the slowest machine needs."""


def die() -> None:
    """As the kernel does when memory is short: nothing can be done about it."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_at_write(moment: str, number: int) -> None:
    """Make this process die at its write of this number."""
    writes = 0
    rename = Path.replace

    def flushed(file: int) -> None:
        nonlocal writes
        writes += 1
        if writes == number and moment == "half written":
            os.ftruncate(file, os.fstat(file).st_size // 2)
            die()

    def renamed(self: Path, target: Any) -> Path:
        if writes == number and moment == "before renaming":
            die()
        done = rename(self, target)
        if writes == number and moment == "after renaming":
            die()
        return done

    os.fsync = flushed
    Path.replace = renamed  # type: ignore[method-assign]  # for this process only


def die_in_the_middle(step: int, calls: int) -> None:
    """Make this process die so many calls of Python's functions after a step of the environment."""
    wait, steps = EcosystemVecEnv.step_wait, 0

    def counted(self: EcosystemVecEnv) -> Any:
        nonlocal steps
        steps += 1
        done = wait(self)
        if steps == step:
            left = itertools.count(calls, -1)
            sys.setprofile(lambda *_: die() if next(left) <= 0 else None)
        return done

    EcosystemVecEnv.step_wait = counted  # type: ignore[method-assign]  # for this process only


def begin_curves_in(second: int) -> None:
    """Make TensorBoard's files say that they were begun then: a second for each, and nobody waits for the next."""
    event_file_writer.time = SimpleNamespace(time=lambda: float(second))


def in_a_process(work: Callable[[], int]) -> int:
    """Fork and work there; how it ended: its status, or minus the signal. One that hangs is killed, and is an error."""
    child = os.fork()
    if child == 0:
        status = 70
        try:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 1)
            status = work()
        finally:
            os._exit(status)
    guard = threading.Timer(HANG, os.kill, (child, signal.SIGABRT))
    guard.start()
    try:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    finally:
        guard.cancel()


def run_job(job: dict[str, Any]) -> dict[str, Any]:
    """Train as the job says."""
    dice = random.Random(job["seed"])  # noqa: S311  # no secret depends on it
    logs = Path(job["arguments"][job["arguments"].index("--log-folder") + 1])
    ended: list[tuple[str, int, int]] = []
    while True:
        folders = sorted(logs.glob("*/*/config.json"))
        arguments = ["--resume", str(folders[0].parent), "--no-progress"] if folders else job["arguments"]
        killing = len(ended) < job["kills"]
        moment = MOMENTS[len(ended) % len(MOMENTS)] if killing else "never"
        number = dice.randint(5, 7) if not folders else dice.randint(1, 5)

        calls = dice.randrange(MOST_CALLS)

        def work(
            moment: str = moment, number: int = number, calls: int = calls, arguments: list[str] = arguments
        ) -> int:
            begin_curves_in(1_000_000_000 + len(ended))
            if moment in MOMENTS[:3]:
                die_at_write(moment, number)
            elif moment == "any":
                die_in_the_middle(number, calls)
            return train.main(arguments)

        status = in_a_process(work)
        ended.append((moment, status, len([*logs.glob("*/*/.*.tmp"), *logs.glob("*/*/*/.*.tmp")])))
        if status != -signal.SIGKILL:
            return {"folder": str(folders[0].parent if folders else next(logs.glob("*/*"))), "ended": ended}


def load_all() -> None:
    """What a training loads or compiles when it first needs it: once, instead of in every process."""
    weight = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.Adam([weight])
    weight.sum().backward()  # type: ignore[no-untyped-call]  # torch's own
    optimizer.step()
    Judge({"horizon": 2}, 2)


def main() -> None:
    """Do the jobs on standard input and print what came of them."""
    trainer.FINAL_WORLDS = 2
    trainer.can_draw = lambda: False  # type: ignore[attr-defined]  # pictures take longer than these runs
    os.fsync = lambda _: None
    load_all()
    print(json.dumps([run_job(job) for job in json.load(sys.stdin)]))  # noqa: T201  # read by the test


if __name__ == "__main__":
    main()
