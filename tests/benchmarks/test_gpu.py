"""The checks on a GPU, tried out in numba's simulator: the script runs, and notices what it is for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SIMULATED = {"NUMBA_ENABLE_CUDASIM": "1", "NUMBA_DISABLE_JIT": "1"}


def run(*words: str) -> str:
    """What a program of the benchmarks prints in the simulator."""
    done = subprocess.run(  # noqa: S603  # our own interpreter and our own code
        [sys.executable, "-W", "ignore:The given NumPy array is not writable", *words],
        cwd=ROOT,
        env={**os.environ, **SIMULATED},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_both_layouts_play_the_same_and_their_speeds_are_printed() -> None:
    program = """
import numpy as np
from benchmarks.gpu.__main__ import speed
from benchmarks.gpu.layouts import RecordFirms
from thinmargin.cuda.vector import CudaVectorEnv

both = [kind(3, "cuda", horizon=2, copy=False, info="lean") for kind in (CudaVectorEnv, RecordFirms)]
seen = [envs.reset(seed=4)[0].numpy().tobytes() for envs in both]
assert seen[0] == seen[1]
for month in range(5):
    actions = np.random.default_rng(month).uniform(-1, 1, (3, 4))
    ours, its = (envs.step(actions) for envs in both)
    assert all(mine.numpy().tobytes() == other.numpy().tobytes() for mine, other in zip(ours[:4], its[:4]))

class Arguments:
    sizes, device, turns, horizon = [3], "cuda", 1, 2

found = {}
speed(Arguments, found)
assert found["speed"][0]["firms"] == 3 and found["speed"][0]["columns"] > 0
"""
    assert "steps/s" in run("-c", program)


@pytest.mark.slow
def test_a_difference_is_counted_and_named() -> None:
    program = """
import numpy as np
from benchmarks.gpu import equality
from thinmargin.sources import SOURCE

found = equality.compare("benchmark", 3, 3, "cuda", horizon=2)
assert (found.months, found.episodes, found.ends, found.beyond) == (9, 3, 0, [])
plain = equality.CudaVectorEnv
class Wrong(plain):
    def step(self, actions):
        seen, rewards, *rest = super().step(actions)
        return seen + 1e-3, rewards + 1e-6, *rest
    def get_state(self):
        state = super().get_state()
        state["economies"]["price_slope"] *= 1.0 + 1e-9
        whole = next(name for name in SOURCE.names if SOURCE[name].base.kind == "i")
        state["sources"][whole] += 1
        return state
equality.CudaVectorEnv = Wrong
print(equality.compare("benchmark", 3, 3, "cuda", horizon=2).beyond)
"""
    assert run("-c", program).strip() == "['integers', 'constants', 'observations', 'rewards']"


def test_without_a_gpu_it_says_so() -> None:
    environ = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "NUMBA_ENABLE_CUDASIM": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu", "--only", "speed"],
        cwd=ROOT, env=environ, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "PyTorch finds no GPU here" in done.stderr
