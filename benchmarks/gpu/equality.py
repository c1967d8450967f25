"""Whole episodes on a GPU beside the same on a CPU, world by world and month by month."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from thinmargin.cuda.vector import CudaVectorEnv
from thinmargin.families import FAMILY_TABLE
from thinmargin.vector import EcosystemVectorEnv

CONSTANTS, REWARDS = 1e-12, 1e-9
"""Most that constants of a world may differ, as a share of their size, and rewards, in RMB 10 bn."""
STEPS = 1.0
"""Most that observations may differ, in steps of float32."""


@dataclass
class Differences:
    """What was found in one family of worlds.

    Attributes:
        months: of all firms that were compared.
        integers: whole numbers of states and worlds, keys and generators that differ.
        constants: greatest difference of a constant, as a share of its size.
        observations: greatest difference, in steps of float32.
        rewards: greatest difference, RMB 10 bn.
        ends: episodes that ended in one place and not in the other; such a firm is compared no more.
        episodes: that ended.
    """

    worlds: str
    months: int = 0
    integers: int = 0
    constants: float = 0.0
    observations: float = 0.0
    rewards: float = 0.0
    ends: int = 0
    episodes: int = 0
    beyond: list[str] = field(default_factory=list)

    def close(self) -> Differences:
        """Say which bounds are passed."""
        bounds = {"integers": 0, "constants": CONSTANTS, "observations": STEPS, "rewards": REWARDS}
        self.beyond = [name for name, most in bounds.items() if not getattr(self, name) <= most]
        return self


def compare(worlds: str, firms: int, months: int, device: str, horizon: int = 180) -> Differences:
    """Play random actions on both and compare every month.

    Args:
        worlds: a family.
        firms: side by side.
        months: to play.
        device: of the GPU.
        horizon: of an episode.
    """
    found = Differences(worlds)
    cpu = EcosystemVectorEnv(firms, worlds=worlds, horizon=horizon, reward="shaped", copy=False)
    gpu = CudaVectorEnv(firms, device, worlds=worlds, horizon=horizon, reward="shaped", copy=False, info="lean")
    here = gpu.device.array
    seen, _ = cpu.reset(seed=0)
    there, _ = gpu.reset(seed=0)
    same = np.ones(firms, np.bool_)
    _observations(found, seen, here(there), same)
    _records(found, cpu, gpu, same)
    for month in range(months):
        actions = np.random.default_rng(month).uniform(-1.0, 1.0, (firms, 4)).astype(np.float32)
        seen, rewards, terminated, truncated, infos = cpu.step(actions)
        there, paid, finished, cut, others = gpu.step(actions)
        ended, its = terminated | truncated, here(finished) | here(cut)
        found.ends += int((same & (ended != its)).sum())
        same &= ended == its
        found.episodes += int((same & ended).sum())
        found.months += int(same.sum())
        found.rewards = max(found.rewards, float(np.abs(rewards - here(paid))[same].max(initial=0.0)))
        both = same & ended
        if both.any():
            last = np.stack([infos["final_obs"][row] for row in np.flatnonzero(both)])
            _observations(found, last, here(others["final_obs"])[both], np.ones(len(last), np.bool_))
        _observations(found, seen, here(there), same)
        if month % 60 == 59 or month == months - 1:
            _records(found, cpu, gpu, same)
    return found.close()


def _observations(found: Differences, ours: Any, its: Any, rows: npt.NDArray[np.bool_]) -> None:
    """Distances in steps of float32 at the size of the number."""
    mine, other = ours[rows].astype(np.float64), its[rows].astype(np.float64)
    steps = np.abs(mine - other) / np.spacing(np.maximum(np.abs(ours[rows]), np.float32(1e-6)))
    found.observations = max(found.observations, float(steps.max(initial=0.0)))


def _records(found: Differences, cpu: EcosystemVectorEnv, gpu: CudaVectorEnv, rows: npt.NDArray[np.bool_]) -> None:
    """Whole numbers of states, constants of worlds, keys and generators."""
    ours, its = cpu.get_state(), gpu.get_state()
    for table in ("states", "sources", "economies"):
        mine, other = ours[table][rows], its[table][rows]
        for name in mine.dtype.names or ():
            if mine.dtype[name].base.kind == "i":
                found.integers += int((mine[name] != other[name]).sum())
            elif table != "states":
                unequal = mine[name] != other[name]  # infinities are equal, and are not subtracted
                apart = np.abs(mine[name][unequal] / other[name][unequal] - 1.0)
                found.constants = max(found.constants, float(apart.max(initial=0.0)))
    generators = zip(ours["generators"], its["generators"], rows, strict=True)
    found.integers += sum(bool(compared) and mine != other for mine, other, compared in generators)


def report(firms: int, months: int, device: str, horizon: int = 180) -> tuple[list[str], list[str]]:
    """Lines of a table, a family each, and the bounds that were passed."""
    names = (("worlds", -20), ("months", 9), ("episodes", 9), ("integers", 9), ("constants", 10))
    names += (("observations", 13), ("rewards", 9), ("ends", 5))
    lines, passed = [" ".join(f"{name:{'<' if width < 0 else '>'}{abs(width)}}" for name, width in names)], []
    for worlds in FAMILY_TABLE:
        found = compare(worlds, firms, months, device, horizon)
        lines.append(
            f"{worlds:20} {found.months:9,} {found.episodes:9,} {found.integers:9} {found.constants:10.1e}"
            f" {found.observations:13.2f} {found.rewards:9.1e} {found.ends:5}"
        )
        passed += [f"{worlds}: {name}" for name in found.beyond]
    return lines, passed
