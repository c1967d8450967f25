"""Policies of every kind that can be exported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from thinmargin.records import FEATURES
from thinmargin.settings import observation_space
from thinmargin_agents.config.run import Run
from thinmargin_agents.runs.folder import RunFolder
from thinmargin_agents.sb3.networks import build_network, weights

ECOSYSTEM = "ThinMargin/Ecosystem-v1"
GRID = "ThinMargin/EcosystemDiscrete-v1"


SURPRISES, SCALED = "thinmargin.wrappers.Surprises", {"thinmargin.wrappers.ScaledReward": {"factor": 0.1}}


HISTORY = {"thinmargin.wrappers.History": {"lags": [5, 2]}}
HORIZON = 24


def residual(base: str = "plan", **more: Any) -> dict[str, Any]:
    return {"thinmargin.wrappers.Residual": {"base": base, **more}}


CASES = {
    "ppo": ("ppo", ECOSYSTEM, [SURPRISES, SCALED, residual("plan_with_feedback", bound=0.3)], {}),
    "ppo alone": ("ppo", ECOSYSTEM, [], {"use_sde": True}),
    "ppo grid": ("ppo", GRID, [SURPRISES], {}),
    "ppo corrections": ("ppo", ECOSYSTEM, [residual(levels=2)], {}),
    "ppo history": ("ppo", ECOSYSTEM, [HISTORY, SURPRISES, HISTORY, residual()], {}),
    "a2c": ("a2c", ECOSYSTEM, [residual("low_margin_ecosystem")], {}),
    "ppo_lstm": ("ppo_lstm", ECOSYSTEM, [SURPRISES, residual()], {"lstm": True}),
    "ppo_lstm history": ("ppo_lstm", ECOSYSTEM, [HISTORY], {"lstm": True}),
    "sac": ("sac", ECOSYSTEM, [SURPRISES, residual()], {}),
    "sac noise": ("sac", ECOSYSTEM, [], {"use_sde": True}),
    "td3": ("td3", ECOSYSTEM, [residual("low_margin_tuned")], {}),
    "tqc": ("tqc", ECOSYSTEM, [HISTORY], {}),
    "crossq": ("crossq", ECOSYSTEM, [SURPRISES], {}),
    "dqn": ("dqn", ECOSYSTEM, [SURPRISES, residual(levels=3)], {}),
    "dqn grid": ("dqn", GRID, [], {}),
}


def run_of(case: str) -> Run:
    algo, env_id, wrappers, more = CASES[case]
    values: dict[str, Any] = {"n_timesteps": 96, "n_envs": 2, "env_wrapper": wrappers}
    values["policy_kwargs"] = {"net_arch": [16], **({"lstm_hidden_size": 8} if more.get("lstm") else {})}
    values |= {name: value for name, value in more.items() if name != "lstm"}
    return Run(
        algo=algo, env_id=env_id, env_kwargs={"horizon": HORIZON}, seed=0, num_threads=1, device="cpu",
        eval_freq=96, n_eval_episodes=2, save_freq=96, hyperparameters=values,
    )  # fmt: skip


def network_of(run: Run) -> Any:
    """A network that is not what it starts as."""
    generator = torch.Generator().manual_seed(1)
    network = build_network(run)
    with torch.no_grad():
        for name, numbers in network.state_dict().items():
            if numbers.is_floating_point():
                noise = 0.2 * torch.randn(numbers.shape, generator=generator)
                numbers.add_(noise.abs() if name.endswith("ra_var") else noise)
    return network


def folder_of(case: str, parent: Path) -> Path:
    """A run folder with a policy that nobody trained."""
    run = run_of(case)
    folder = RunFolder.create(parent, run)
    folder.save("best", {"policy": weights(network_of(run)), "timesteps": 0, "J": 0.0})
    return folder.path


def random_observations(count: int, seed: int = 0) -> Any:
    """Whatever the space allows, with times on knots and at both ends among them."""
    space, generator = observation_space(), np.random.default_rng(seed)
    seen = generator.uniform(space.low, space.high, (count, len(FEATURES))).astype(np.float32)
    seen[: count // 4, 0] = generator.integers(0, 11, count // 4) / 10
    seen[count // 4 : count // 2, 0] = generator.integers(0, 181, count // 2 - count // 4) / 180
    seen[:2, 0] = 0.0, 1.0
    return seen
