"""A network of every algorithm and kind, as runs that build it."""

from __future__ import annotations

from typing import Any

from thinmargin_agents.config.run import Run

LEVELS = {"thinmargin.wrappers.Residual": {"base": "plan", "bound": 0.1, "levels": 2}}
HISTORY = {"thinmargin.wrappers.History": {"lags": [2]}}
NETWORKS: dict[str, dict[str, Any]] = {
    "ppo": {"env_wrapper": [HISTORY]},
    "ppo, noise that depends on the state": {"use_sde": True},
    "a2c": {"policy_kwargs": {"net_arch": {"pi": [8], "vf": [16]}}},
    "ppo_lstm": {"policy_kwargs": {"net_arch": [8], "lstm_hidden_size": 8}},
    "ppo_lstm, one memory": {
        "policy_kwargs": {"net_arch": [8], "lstm_hidden_size": 8, "n_lstm_layers": 2, "enable_critic_lstm": False}
    },
    "sac": {},
    "sac, noise that depends on the state": {"use_sde": True},
    "td3": {},
    "tqc": {},
    "crossq": {},
    "dqn": {"env_wrapper": [LEVELS]},
}


def network_run(kind: str) -> Run:
    values = {"n_timesteps": 100, "n_envs": 2, "policy_kwargs": {"net_arch": [8]}, **NETWORKS[kind]}
    return Run(
        algo=kind.partition(",")[0], env_id="ThinMargin/Ecosystem-v1", env_kwargs={}, seed=0, num_threads=1,
        device="cpu", eval_freq=10, n_eval_episodes=2, save_freq=10, hyperparameters=values,
    )  # fmt: skip
