"""Finished runs without any training: random networks that were judged, in folders as `train.py` leaves them."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path
from typing import Any

import torch

from thinmargin_agents.config.preset import resolve
from thinmargin_agents.config.run import Run
from thinmargin_agents.config.train_config import TrainConfig
from thinmargin_agents.judging.validation import Judge
from thinmargin_agents.runs.folder import RunFolder
from thinmargin_agents.sb3.building import environment_arguments
from thinmargin_agents.sb3.networks import build_network, policy_of, weights
from thinmargin_agents.training.callbacks.validation import EVALUATION_COLUMNS

HORIZON = 12
WORLDS = 3
MONTHS = 2400


def small_run(seed: int = 0, **flags: Any) -> Run:
    """A run of the algorithm's own preset with a tiny network in short episodes; `flags` of the command line."""
    given = {
        "total_timesteps": MONTHS,
        "n_eval_episodes": WORLDS,
        "env_kwargs": (f"horizon={HORIZON}",),
        "hyperparams": ("policy_kwargs.net_arch=[8]",),
        **flags,
    }
    return resolve(TrainConfig(seed=seed, **given))


def random_weights(run: Run, seed: int = 0) -> dict[str, Any]:
    """Of the run's network: every number is drawn, so that none of it is zero or one by design."""
    network = build_network(run)
    generator = torch.Generator().manual_seed(seed)
    drawn = network.state_dict()
    for name, tensor in drawn.items():
        if tensor.is_floating_point():
            numbers = torch.rand(tensor.shape, generator=generator) - 0.5
            tensor.copy_(numbers.abs() if name.endswith("_var") else numbers)
    network.load_state_dict(drawn)
    return weights(network)


def finished_run(logs: Path, run: Run, **changes: Any) -> Path:
    """The folder of a finished run; `changes` of what is written of its best policy."""
    folder = RunFolder.create(logs, run)
    kept = random_weights(run, run.seed)
    network = build_network(run)
    network.load_state_dict({name: torch.as_tensor(array) for name, array in kept.items()})
    found = Judge(environment_arguments(run), run.n_eval_episodes).judge(policy_of(network, run))
    folder.save("best", {"policy": kept, "timesteps": run.total_timesteps // 2, "J": found.J, **changes})
    judged = {**dataclasses.asdict(found), "over_baseline": found.difference}
    with (folder.path / "evaluations.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, EVALUATION_COLUMNS, extrasaction="ignore")
        table.writeheader()
        for part in (1, 2):
            table.writerow({"timesteps": part * run.total_timesteps // 2, "seconds": 30.0 * part, **judged})
    return folder.path
