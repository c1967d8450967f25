#!/usr/bin/env bash
# Expected of Minari 0.5.4 with JAX 0.10.2: DataCollector(env, record_infos=True) records the infos of any Gymnasium
# environment. Gymnasium's type of an info is dict, and an instance of a subclass of dict is one; NumPy, json, copy and
# pickle take it for one.
#
# Seen: an entry of the info that is an instance of a subclass of dict is not taken apart, but held as one object: JAX's
# trees, which Minari records with, take only what is exactly a dict apart. The dataset's file then has no type for it,
# and recording ends at the episode's end with an error that names neither the info nor its entry.
#
# Printed: "dict: recorded; a subclass of dict: TypeError: Object dtype dtype('O') has no native HDF5 equivalent"
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "minari[create,hdf5]==0.5.4" jax==0.10.2 gymnasium==1.4.0 numpy==2.4.6 pillow==13.0.0
MINARI_DATASETS_PATH="$folder/datasets" "$folder/venv/bin/python" - <<'PY'
import gymnasium
import minari
import numpy as np


class Entries(dict):
    """A dict with another name."""


class Shop(gymnasium.Env):
    """Three days, with the till in the info."""

    observation_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, kind):
        self.kind = kind

    def seen(self):
        return np.zeros(2, np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.day = 0
        return self.seen(), {"till": self.kind(cash=0.0)}

    def step(self, action):
        self.day += 1
        return self.seen(), 0.0, self.day == 3, False, {"till": self.kind(cash=float(self.day))}


def record(kind):
    collector = minari.DataCollector(Shop(kind), record_infos=True)
    try:
        collector.reset(seed=0)
        while not collector.step(0)[2]:
            pass
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "recorded"


found = record(dict), record(Entries)
print(f"dict: {found[0]}; a subclass of dict: {found[1]}")
assert found == ("recorded", "TypeError: Object dtype dtype('O') has no native HDF5 equivalent"), found
PY
