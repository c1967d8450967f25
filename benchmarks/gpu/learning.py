"""The default preset trained on a GPU, beside the same preset on processors: seconds, and scores by seed."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread
from typing import NamedTuple, Self

import numpy as np

from thinmargin_agents.config.preset import resolve
from thinmargin_agents.config.train_config import TrainConfig
from thinmargin_agents.runs.file_names import EVALUATIONS
from thinmargin_agents.runs.folder import RunFolder
from thinmargin_agents.sb3.building import build_environment
from thinmargin_agents.training.trainer import train

ROOT = Path(__file__).parents[2]


class Trained(NamedTuple):
    """A run: its seed, seconds of the clock and of processors, and its last validation score."""

    seed: int
    seconds: float
    processor_seconds: float
    score: float


class OnProcessors:
    """Runs of the default preset in processes of their own, side by side, inside a `with`."""

    def __init__(self, folder: Path, seeds: int) -> None:
        self._folders = [folder / f"cpu_{seed}" for seed in range(seeds)]
        self._processes: list[subprocess.Popen[bytes]] = []
        self._ended: dict[int, tuple[float, float]] = {}
        self._watchers: list[Thread] = []

    def __enter__(self) -> Self:
        """Begin."""
        environ = {**os.environ, "OMP_NUM_THREADS": "1"}
        environ |= {"PYTHONPATH": os.pathsep.join([str(ROOT / "envs"), str(ROOT / "agents")])}
        for seed, path in enumerate(self._folders):
            words = ["train.py", "--seed", str(seed), "--no-progress", "--log-folder", str(path)]
            process = subprocess.Popen(  # noqa: S603  # our own interpreter and our own program
                [sys.executable, *words], cwd=ROOT, env=environ, stdout=subprocess.DEVNULL
            )
            self._processes.append(process)
            self._watchers.append(Thread(target=self._watch, args=(seed, process, time.perf_counter()), daemon=True))
            self._watchers[-1].start()
        return self

    def __exit__(self, *_: object) -> None:
        """End those that still run."""
        for process, watcher in zip(self._processes, self._watchers, strict=True):
            if watcher.is_alive():
                os.kill(process.pid, signal.SIGKILL)
            watcher.join()

    def _watch(self, seed: int, process: subprocess.Popen[bytes], begun: float) -> None:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self._ended[seed] = time.perf_counter() - begun, usage.ru_utime + usage.ru_stime

    def wait(self) -> list[Trained]:
        """What they came to; a RuntimeError names a run that failed."""
        found = []
        for seed, (process, folder) in enumerate(zip(self._processes, self._folders, strict=True)):
            self._watchers[seed].join()
            if process.returncode:
                raise RuntimeError(f"train.py --seed {seed} ended with status {process.returncode}")
            (run,) = (folder / "ppo").iterdir()
            found.append(Trained(seed, *self._ended[seed], last_score(run)))
        return found


def last_score(run: Path) -> float:
    """The last validation score of a run's folder."""
    with (run / EVALUATIONS).open(encoding="utf-8", newline="") as file:
        return float(list(csv.DictReader(file))[-1]["score"])


def compile_kernels() -> float:
    """Seconds until the kernels of a training have run once."""
    begun = time.perf_counter()
    run = resolve(TrainConfig(device="cuda", n_envs=16, env_kwargs=("horizon=2",), hyperparams=("n_steps=2",)))
    firms = build_environment(run)
    firms.seed(0)
    firms.reset()
    for _ in range(3):
        firms.step(np.zeros((16, 4), np.float32))
    return time.perf_counter() - begun


def on_gpu(folder: Path, seeds: int) -> list[Trained]:
    """Train one seed after the other."""
    found = []
    for seed in range(seeds):
        run = resolve(TrainConfig(device="cuda", seed=seed))
        begun, spent = time.perf_counter(), time.process_time()
        made = RunFolder.create(folder / f"gpu_{seed}", run)
        train(run, made, shown=False)
        seconds = time.perf_counter() - begun
        found.append(Trained(seed, seconds, time.process_time() - spent, last_score(made.path)))
    return found
