"""Firms on a GPU for a learner whose memory of experience is NumPy's, as Stable-Baselines3's is.

A month takes the actions there and brings observations, rewards and ends back, no more: states, worlds and books stay
on the device, and so do the sums that TensorBoard's curves are made of until somebody asks for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.vector import VectorWrapper

from thinmargin.cuda.vector import CudaVectorEnv
from thinmargin.records import LEVERS, REPORT_FIELDS
from thinmargin.settings import Settings, discrete_actions
from thinmargin_agents.sb3.earnings import Earnings


class DeviceFirms(VectorWrapper[npt.NDArray[np.float32], Any, Any]):
    """A batch on a device with arrays of NumPy at its edges.

    Args:
        n_envs: how many firms.
        device: "cuda" or "cuda:NUMBER".
        env_kwargs: of `CudaVectorEnv`.

    Attributes:
        earnings: what running episodes have earned, kept on the device.
        asked: actions of the last step, float64 of shape (n_envs, 4), those behind the numbers of a grid too.

    Raises:
        ValueError, TypeError, ModuleNotFoundError, MemoryError: as `CudaVectorEnv`.
    """

    def __init__(self, n_envs: int, device: str, **env_kwargs: Any) -> None:
        self.batch = CudaVectorEnv(n_envs, device, copy=False, info="lean", **env_kwargs)
        super().__init__(self.batch)
        self.earnings = Earnings(n_envs, self.batch.device)
        self._sums = self.batch.device.zeros((len(REPORT_FIELDS),))
        self._grid = discrete_actions() if self.batch.settings.discrete else None
        self.asked: npt.NDArray[np.float64] = np.zeros((n_envs, len(LEVERS)))

    @property
    def settings(self) -> Settings:
        """Of the worlds."""
        return self.batch.settings

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """As of `CudaVectorEnv`, with an array of observations and no infos."""
        observations, _ = self.batch.reset(seed=seed, options=options)
        return self._here(observations), {}

    def step(self, actions: Any) -> tuple[npt.NDArray[np.float32], Any, Any, Any, dict[str, Any]]:
        """As of `CudaVectorEnv`, with arrays; infos have `final_obs` where episodes ended."""
        observations, rewards, terminated, truncated, infos = self.batch.step(actions)
        self.asked = np.asarray(actions if self._grid is None else self._grid[actions], np.float64)
        self.earnings.add(self.batch.reports)
        self._sums += self.batch.reports.mean(axis=1)
        host = self.batch.device.array
        last: dict[str, Any] = {name: host(infos[name]) for name in ("final_obs", "_final_obs") if name in infos}
        return self._here(observations), host(rewards), host(terminated), host(truncated), last

    def take_reports(self) -> npt.NDArray[np.float64]:
        """The sums of the reports' means over firms since the last call, shape (fields of a report,)."""
        taken = self.batch.device.array(self._sums)
        self._sums[:] = 0.0
        return taken

    def _here(self, observations: Any) -> npt.NDArray[np.float32]:
        return np.ascontiguousarray(self.batch.device.array(observations))

    def get_state(self) -> dict[str, Any]:
        """As of `CudaVectorEnv`."""
        return self.batch.get_state()

    def set_state(self, state: Mapping[str, Any]) -> npt.NDArray[np.float32]:
        """As of `CudaVectorEnv`, with an array of observations."""
        return self._here(self.batch.set_state(state))
