"""Small searches: a preset that trains in a second, a scripted trial, studies that are made by hand."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import optuna
import yaml
from rich.console import Console

from thinmargin_agents.config.run import Run
from thinmargin_agents.config.train_config import TrainConfig
from thinmargin_agents.search.claim import Claim
from thinmargin_agents.search.driver import Driver
from thinmargin_agents.search.messages import LostWorker, Message, TrialEnd, TrialJob
from thinmargin_agents.search.progress import SearchProgress
from thinmargin_agents.search.search_space import Space
from thinmargin_agents.search.target import Target

PRESET: dict[str, Any] = {
    "paired_worlds": {"default": 2},
    "default": {
        "n_timesteps": 384,
        "n_envs": 8,
        "env_kwargs": {"reward": "shaped", "horizon": 24},
        "env_wrapper": [{"thinmargin.wrappers.Residual": {"base": "plan", "bound": 0.5}}],
        "n_steps": 24,
        "batch_size": 96,
        "n_epochs": 2,
        "learning_rate": "lin_0.001",
        "policy_kwargs": {"log_std_init": -1.0, "net_arch": [8]},
    },
}


WORLDS = 4
JUDGE: Any = SimpleNamespace(anchors=None, keys=range(WORLDS), baseline=SimpleNamespace(value=np.zeros(WORLDS)))
JUDGED_BY_J = Target(JUDGE)


def small(folder: Path, **changes: Any) -> TrainConfig:
    preset = folder / "small.yml"
    preset.write_text(yaml.safe_dump(PRESET), encoding="utf-8")
    settings: dict[str, Any] = {
        "optimize": True, "preset": str(preset), "n_eval_episodes": WORLDS, "eval_freq": 192, "n_trials": 8,
        "n_seeds": 1, "n_jobs": 2, "progress": False, "log_folder": folder / "logs",
    }  # fmt: skip
    return TrainConfig(**{**settings, **changes})


def study_in(config: TrainConfig) -> optuna.Study:
    return optuna.load_study(storage=f"sqlite:///{config.log_folder / 'search.db'}", study_name="ppo-Ecosystem-v1")


def base_run(algo: str, **hyperparameters: Any) -> Run:
    values = {"n_timesteps": 1000, "n_envs": 8, **hyperparameters}
    return Run(
        algo=algo, env_id="ThinMargin/Ecosystem-v1", env_kwargs={}, seed=0, num_threads=1, device="cpu",
        eval_freq=100, n_eval_episodes=WORLDS, save_freq=100, hyperparameters=values,
    )  # fmt: skip


def study_of(space: Space, trials: int) -> optuna.Study:
    """A study with so many trials, worth what their number is; the first is the preset's."""
    study = optuna.create_study(direction="maximize", study_name="hand_made", sampler=optuna.samplers.RandomSampler(0))
    study.enqueue_trial(space.start())
    for value in range(trials):
        trial = study.ask(space.distributions())
        for name, item in done(float(value)).details.items():
            trial.set_user_attr(name, item)
        study.tell(trial, float(value))
    return study


class Scripted:
    """Workers that train nothing: each trial sends the messages of a script, one message at a time."""

    count = 2

    def __init__(self, *scripts: list[Message]) -> None:
        self._scripts = list(scripts)
        self.jobs: list[TrialJob] = []
        self.answers: list[tuple[int, bool]] = []
        self._left: dict[int, list[Message]] = {}
        self.closed = False

    def start(self, job: TrialJob) -> None:
        self.jobs.append(job)
        self._left[job.number] = self._scripts.pop(0)

    def news(self, seconds: float) -> list[tuple[int, Message]]:
        del seconds
        number, script = next(iter(self._left.items()))
        message = script.pop(0)
        if not script or isinstance(message, (TrialEnd, LostWorker)):
            del self._left[number]
        return [(number, message)]

    def answer(self, number: int, *, proceed: bool) -> None:
        self.answers.append((number, proceed))
        if not proceed:
            self._left[number] = [TrialEnd("pruned")]

    def close(self) -> None:
        self.closed = True


def done(value: float) -> TrialEnd:
    return TrialEnd("complete", value, details={"J": value, "by_seed": [value], "seconds": 1.0})


def searched(space: Space, workers: Scripted, trials: int, study: optuna.Study | None = None) -> optuna.Study:
    study = study or optuna.create_study(
        direction="maximize", pruner=optuna.pruners.MedianPruner(n_startup_trials=2, n_warmup_steps=100)
    )
    progress = SearchProgress(Console(quiet=True), trials=trials, months=384, seeds=1, name="J", shown=False)
    claim = Claim(study)
    with progress:
        Driver(study, claim, space, 1, trials, workers, progress).search()
    claim.release()
    return study
