"""Firms on a GPU behind Stable-Baselines3's interface: in numba's simulator they are those of a CPU, bit for bit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.preset import resolve
from thinmargin_agents.config.train_config import TrainConfig
from thinmargin_agents.sb3.building import build_environment

SIMULATED = {"NUMBA_ENABLE_CUDASIM": "1", "NUMBA_DISABLE_JIT": "1"}
BESIDE = """
import numpy as np
from thinmargin.wrappers import adapters_of
from thinmargin_agents.monitoring.tags import TRAINING, values_of
from thinmargin_agents.sb3.vec_env import EcosystemVecEnv

ID = "ThinMargin/Ecosystem-v1"
WRAPPED = adapters_of([
    "thinmargin.wrappers.Surprises", {"thinmargin.wrappers.ScaledReward": {"factor": 0.1}},
    {"thinmargin.wrappers.Residual": {"base": "plan_with_feedback", "bound": 0.5}},
])

def both(firms, adapters, **settings):
    pair = [EcosystemVecEnv(ID, firms, adapters, device=device, **settings) for device in ("cpu", "cuda")]
    for vec in pair:
        vec.seed(5)
    return pair

def same(ours, its):
    for mine, other in zip(ours[:3], its[:3]):
        assert mine.tobytes() == other.tobytes() and mine.dtype == other.dtype
    for mine, other in zip(ours[3], its[3]):
        assert set(mine) == set(other)
        if mine:
            assert mine["terminal_observation"].tobytes() == other["terminal_observation"].tobytes()
            assert mine["TimeLimit.truncated"] == other["TimeLimit.truncated"]
            assert {**mine["episode"], "t": 0} == {**other["episode"], "t": 0}
    return sum(map(bool, ours[3]))
"""


def simulated(program: str, folder: Path) -> str:
    """What a program prints in a process of its own, in the simulator."""
    done = subprocess.run(  # noqa: S603  # our own interpreter and our own code
        [sys.executable, "-W", "error", "-W", "ignore:The given NumPy array is not writable", "-c", BESIDE + program],
        cwd=folder,
        env={**os.environ, **SIMULATED},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.slow
@pytest.mark.parametrize("discrete", [False, True])
def test_months_ends_statistics_and_saved_states_are_those_of_a_cpu(discrete: bool, tmp_path: Path) -> None:
    program = f"""
discrete = {discrete}
cpu, gpu = both(6, [] if discrete else WRAPPED, copies=2, horizon=3, reward="shaped", discrete=discrete)
assert cpu.reset().tobytes() == gpu.reset().tobytes()
ended = 0
for month in range(8):
    actions = np.random.default_rng(month).uniform(-1, 1, (6, 4)).astype(np.float32)
    if discrete:
        actions = np.arange(6) * (month + 3)
    ended += same(cpu.step(actions), gpu.step(actions))
assert ended == 12
ours, its = (values_of(TRAINING, vec.statistics.means()) for vec in (cpu, gpu))
assert set(ours) == set(its) and "firm/bankrupt_share" in ours
assert np.allclose(list(ours.values()), [its[name] for name in ours], rtol=1e-12, atol=1e-15, equal_nan=True)
states = cpu.get_state(), gpu.get_state()
cpu.set_state(states[1])
gpu.set_state(states[0])
for _ in range(4):
    same(cpu.step(actions), gpu.step(actions))
gpu.statistics.clear()
assert not any(values_of(TRAINING, gpu.statistics.means()).values())
print("same")
"""
    assert simulated(program, tmp_path) == "same"


@pytest.mark.slow
def test_a_learner_learns_the_same(tmp_path: Path) -> None:
    program = """
from stable_baselines3 import PPO
import torch

torch.set_num_threads(1)
learnt = []
for vec in both(4, WRAPPED, horizon=4):
    model = PPO("MlpPolicy", vec, n_steps=6, batch_size=12, n_epochs=2, seed=0, device="cpu")
    vec.seed(5)
    model.learn(48)
    learnt.append(b"".join(tensor.numpy().tobytes() for tensor in model.policy.state_dict().values()))
assert learnt[0] == learnt[1]
print("same")
"""
    assert simulated(program, tmp_path) == "same"


def test_without_a_gpu_a_run_says_so_before_anything_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="--device is 'cuda': PyTorch finds no GPU here; 'cpu' is allowed"):
        build_environment(resolve(TrainConfig(device="cuda", n_envs=16)))


def test_without_numba_cuda_a_run_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr("thinmargin.cuda.devices.find_spec", lambda name: name if name == "torch" else None)
    with pytest.raises(ConfigError, match=r"--device is 'cuda': numba-cuda is not installed: pip install .*cuda"):
        build_environment(resolve(TrainConfig(device="cuda", n_envs=16)))


def test_too_little_memory_on_the_device_is_told_with_the_firms_that_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise MemoryError("num_envs is 16: needs about 3.0 GiB of memory on cuda, and 1.0 GiB are left")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr("thinmargin_agents.sb3.device_firms.CudaVectorEnv", refuse)
    with pytest.raises(ConfigError, match="n_envs is 16: num_envs is 16: needs about 3"):
        build_environment(resolve(TrainConfig(device="cuda", n_envs=16)))
