#!/usr/bin/env bash
# Expected of Stable-Baselines3 2.9.2: with VecNormalize(norm_obs=False) nothing about observations is normalised, so
# after learn() an on-policy model keeps the same observation as `_last_obs` and as its unnormalised twin
# `_last_original_obs`, and a saved model does too.
#
# Seen: PPO sets `_last_original_obs` when learning begins and never again. After 64 steps of CartPole `_last_obs` is the
# newest observation and `_last_original_obs` the first one. Whoever tells from the two whether a saved model saw
# normalised observations is misled.
#
# Printed: "ppo: original is that of the start True, newest False"
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 stable-baselines3==2.9.2 gymnasium==1.4.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import gymnasium
import numpy as np
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize


class Start(BaseCallback):
    """Keeps the observation that learning begins with."""

    def _on_training_start(self):
        self.first = self.model._last_obs.copy()

    def _on_step(self):
        return True


envs = VecNormalize(DummyVecEnv([lambda: gymnasium.make("CartPole-v1")]), norm_obs=False)
model, start = PPO("MlpPolicy", envs, n_steps=64, batch_size=64, seed=0), Start()
model.learn(64, callback=start)
of_start = np.array_equal(model._last_original_obs, start.first)
newest = np.array_equal(model._last_original_obs, model._last_obs)
print(f"ppo: original is that of the start {of_start}, newest {newest}")
assert of_start and not newest
PY
