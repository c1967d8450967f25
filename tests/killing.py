"""Train in processes that are killed and resumed: python tests/killing.py < JOBS.json

A job is {"arguments": of train.py, "kills": how often, "seed": of when}. Every training is a process of its own that
ends by SIGKILL: while a file is half written, before or after it is renamed, or at any other moment. Printed are, a
job: its run folder, and how its processes ended.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from tensorboard.summary.writer import event_file_writer

from thinmargin_agents import train
from thinmargin_agents.judging.validation import Judge
from thinmargin_agents.training import trainer

MOMENTS = ("half written", "before renaming", "after renaming", "any")
PATIENCE = 120.0
"""Seconds after which a process that should have ended is a failure."""


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


def begin_curves_in(second: int) -> None:
    """Make TensorBoard's files say that they were begun then: a second for each, and nobody waits for the next."""
    event_file_writer.time = SimpleNamespace(time=lambda: float(second))


def in_a_process(work: Callable[[], int], seconds: float) -> int:
    """Fork, work there, kill it after so many seconds; how it ended: its status, or minus the signal."""
    child = os.fork()
    if child == 0:
        status = 70
        try:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 1)
            status = work()
        finally:
            os._exit(status)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def run_job(job: dict[str, Any]) -> dict[str, Any]:
    """Train as the job says."""
    dice = random.Random(job["seed"])  # noqa: S311  # no secret depends on it
    logs = Path(job["arguments"][job["arguments"].index("--log-folder") + 1])
    ended: list[tuple[str, int, int]] = []
    seconds = 0.0
    while True:
        folders = sorted(logs.glob("*/*/config.json"))
        arguments = ["--resume", str(folders[0].parent), "--no-progress"] if folders else job["arguments"]
        killing = len(ended) < job["kills"]
        moment = MOMENTS[len(ended) % len(MOMENTS)] if killing else "never"
        number = dice.randint(5, 7) if not folders else dice.randint(1, 5)

        def work(moment: str = moment, number: int = number, arguments: list[str] = arguments) -> int:
            begin_curves_in(1_000_000_000 + len(ended))
            if moment in MOMENTS[:3]:
                die_at_write(moment, number)
            return train.main(arguments)

        begun = time.monotonic()
        status = in_a_process(work, dice.uniform(0.0, seconds) if moment == "any" else PATIENCE)
        seconds = max(seconds, time.monotonic() - begun)
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
