"""Runs of a few hundred months of every algorithm, and whether two of them ended alike, bit for bit."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from thinmargin_agents.config.hyperparameters import checked
from thinmargin_agents.config.run import Run
from thinmargin_agents.runs.folder import RunFolder
from thinmargin_agents.training.callbacks.progress import Step
from thinmargin_agents.training.trainer import train

HORIZON = 12
RESIDUAL = {"thinmargin.wrappers.Residual": {"base": "plan", "bound": 0.5}}
LEVELS = {"thinmargin.wrappers.Residual": {"base": "plan", "bound": 0.5, "levels": 2}}
HISTORY = {"thinmargin.wrappers.History": {"lags": [2, 5]}}
FIRMS = 4
OFF_POLICY = {
    "n_timesteps": 192, "learning_starts": 40, "buffer_size": 128, "batch_size": 8, "gradient_steps": 2,
    "train_freq": 3,
}  # fmt: skip
LAYERS = {"net_arch": [8]}
SETUPS: dict[str, dict[str, Any]] = {
    "ppo": {"env_wrapper": [HISTORY, RESIDUAL], "n_steps": 12, "batch_size": 16, "n_epochs": 2, "paired_worlds": 2,
            "learning_rate": "lin_0.003", "clip_range": "lin_0.3"},
    "ppo, a lambda that moves": {"n_steps": 8, "batch_size": 16, "gae_lambda_start": 0.9, "gae_lambda": 1.0},
    "ppo, noise that depends on the state": {"use_sde": True, "sde_sample_freq": 3, "n_steps": 8, "batch_size": 16},
    "a2c": {"env_wrapper": [RESIDUAL], "n_steps": 5, "learning_rate": "lin_0.001"},
    "ppo_lstm": {"env_wrapper": [HISTORY, RESIDUAL], "n_steps": 12, "batch_size": 16, "n_epochs": 2,
                 "paired_worlds": 4, "policy_kwargs": {"lstm_hidden_size": 8, "net_arch": [8]}},
    "ppo_lstm, inside episodes": {"n_steps": 7, "batch_size": 14, "n_epochs": 1, "policy_kwargs": {
        "lstm_hidden_size": 8, "net_arch": [8]}},
    "sac": {**OFF_POLICY, "env_wrapper": [HISTORY, RESIDUAL], "noise_type": "normal", "noise_std": 0.1, "n_steps": 3},
    "sac, noise that depends on the state": {**OFF_POLICY, "use_sde": True, "ent_coef": 0.1},
    "td3": {**OFF_POLICY, "env_wrapper": [RESIDUAL], "noise_type": "normal", "noise_std": 0.2},
    "sac, before it learns": {**OFF_POLICY, "learning_starts": 130},
    "tqc": {**OFF_POLICY, "env_wrapper": [HISTORY], "policy_kwargs": {"n_quantiles": 5, "net_arch": [8]}},
    "crossq": {**OFF_POLICY, "env_wrapper": [RESIDUAL], "learning_rate": "lin_0.001"},
    "dqn": {**OFF_POLICY, "env_wrapper": [LEVELS, HISTORY], "target_update_interval": 24, "exploration_fraction": 0.8},
}  # fmt: skip


class KilledError(BaseException):
    """Ends a run where it stands: no clean-up of its own sees it coming."""


def run_of(setup: str, **changes: Any) -> Run:
    algo = setup.partition(",")[0]
    values = {"n_timesteps": 240, "n_envs": FIRMS, "policy_kwargs": LAYERS, **SETUPS[setup]}
    settings = {"eval_freq": 60, "save_freq": 84, "n_eval_episodes": 2, "seed": 3, **changes}
    return Run(
        algo=algo, env_id="ThinMargin/Ecosystem-v1", env_kwargs={"horizon": HORIZON}, num_threads=1, device="cpu",
        hyperparameters=checked("test", algo, values), **settings,
    )  # fmt: skip


def killed_after(months: int) -> Callable[[Step], None]:
    def report(step: Step) -> None:
        if step.timesteps >= months:
            raise KilledError

    return report


def ignored(_: Step) -> None:
    pass


def trained(folder: RunFolder, *kills: int) -> RunFolder:
    """The run, killed where these months of experience are reached and resumed each time."""
    for number, months in enumerate(kills):
        with pytest.raises(KilledError):
            train(folder.run(), folder, shown=False, resume=number > 0, report=killed_after(months))
    assert train(folder.run(), folder, shown=False, resume=bool(kills), report=ignored) is not None
    return folder


def differences(one: Any, other: Any, where: str = "") -> list[str]:
    """The places where two trees differ, but for times."""
    if where.endswith(("/t", "/seconds")) or "/time/" in where:
        return []
    if isinstance(one, dict) and isinstance(other, dict):
        if one.keys() != other.keys():
            return [f"{where}: {sorted(one)} {sorted(other)}"]
        return [found for key in one for found in differences(one[key], other[key], f"{where}/{key}")]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [found for k in range(len(one)) for found in differences(one[k], other[k], f"{where}/{k}")]
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        same = one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
        return [] if same else [where]
    return [] if type(one) is type(other) and one == other else [f"{where}: {one!r} {other!r}"]


def end_of(folder: RunFolder) -> dict[str, Any]:
    """All that a finished run has written, but for times."""
    tree = folder.load("checkpoint")
    tree["validation"]["rows"] = [[row[0], *row[2:]] for row in tree["validation"]["rows"]]
    tree["logged"] = {tag: value for tag, value, _ in tree["logged"] if not tag.startswith("time/")}
    rows = (folder.path / "evaluations.csv").read_text(encoding="utf-8").splitlines()
    table = [[cell for k, cell in enumerate(row.split(",")) if k != 1] for row in rows]
    return {"checkpoint": tree, "best": folder.load("best"), "evaluations": table, "curves": curves(folder.path)}


def curves(folder: Path) -> dict[str, list[list[float]]]:
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    events.Reload()
    return {
        tag: [[event.step, event.value] for event in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
        if not tag.startswith("time/")
    }


def hash_of(folder: Path) -> str:
    """Of the weights a run ended with."""
    weights = RunFolder(folder).load("checkpoint")["parameters"]["policy"]
    return hashlib.sha256(b"".join(name.encode() + weights[name].tobytes() for name in sorted(weights))).hexdigest()
