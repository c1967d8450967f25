#!/usr/bin/env bash
# Expected of Stable-Baselines3 2.9.2: `policy_kwargs` is read, so that one dictionary describes the network of several
# algorithms that are compared, and PPO built from it has its usual optimizer, Adam, whatever was built before.
#
# Seen: A2C (use_rms_prop=True, its default) puts its own optimizer into the caller's dictionary. PPO built from the same
# dictionary afterwards is trained with RMSprop, without a word; built before it, with Adam. The comparison hangs on the
# order of two lines.
#
# Printed: "before A2C: Adam, after A2C: RMSprop, keys now ['net_arch', 'optimizer_class', 'optimizer_kwargs']"
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 stable-baselines3==2.9.2 gymnasium==1.4.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
from stable_baselines3 import A2C, PPO

network = {"net_arch": [16]}
before = PPO("MlpPolicy", "CartPole-v1", policy_kwargs=network)
A2C("MlpPolicy", "CartPole-v1", policy_kwargs=network)
after = PPO("MlpPolicy", "CartPole-v1", policy_kwargs=network)
names = [type(model.policy.optimizer).__name__ for model in (before, after)]
print(f"before A2C: {names[0]}, after A2C: {names[1]}, keys now {sorted(network)}")
assert names == ["Adam", "RMSprop"]
assert sorted(network) == ["net_arch", "optimizer_class", "optimizer_kwargs"]
PY
