"""The native vector environment as a Stable-Baselines3 VecEnv, without a Python loop over environments."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvObs, VecEnvStepReturn

from thinmargin.records import LEVERS, REPORT_FIELDS
from thinmargin.settings import generator_from
from thinmargin.shown import shown
from thinmargin.splits import keys_of
from thinmargin.vector import EcosystemVectorEnv
from thinmargin.wrappers import AdaptedVectorEnv, Adapter
from thinmargin.wrappers.adapters import ResidualAdapter
from thinmargin_agents.config.seeds import Use, seeds_of, sequence
from thinmargin_agents.monitoring.training_statistics import TrainingStatistics
from thinmargin_agents.sb3.device_firms import DeviceFirms
from thinmargin_agents.sb3.earnings import Cpu, Earnings, reports_of


class EcosystemVecEnv(VecEnv):
    """`n_envs` firms behind Stable-Baselines3's interface.

    The `episode` entry of an ended environment's info has the return as the agent gets it, its length, and
    `J`, the discounted profit and closing value in RMB bn, whatever the reward mode.

    Args:
        env_id: a registered ThinMargin id.
        n_envs: how many firms run in step.
        adapters: between the agent and the firms, innermost first.
        copies: neighbours that live through the same world side by side. Every `horizon` months all firms
            start anew together; one that went bankrupt before plays another world until then.
        device: "cpu", or "cuda" for firms that live on a GPU.
        num_threads: threads that share the firms on a CPU; results are the same at any number.
        env_kwargs: further keyword arguments of the environment.

    Raises:
        ValueError: `n_envs` is no multiple of `copies`, or an adapter does not fit the environment.
    """

    def __init__(
        self,
        env_id: str,
        n_envs: int,
        adapters: Sequence[Adapter] = (),
        copies: int = 1,
        device: str = "cpu",
        num_threads: int = 1,
        **env_kwargs: Any,
    ) -> None:
        if n_envs % copies:
            raise ValueError(f"n_envs is {n_envs}: it must be a multiple of copies, {copies}")
        kwargs = {**gymnasium.spec(env_id).kwargs, **env_kwargs}
        self.firms: EcosystemVectorEnv | DeviceFirms
        take_reports: Callable[[], npt.NDArray[np.float64]] | None = None
        if device == "cpu":
            self.firms = EcosystemVectorEnv(n_envs, copy=False, num_threads=num_threads, **kwargs)
            self._earnings = Earnings(n_envs, Cpu())
        else:
            self.firms = DeviceFirms(n_envs, device, **kwargs)
            self._earnings = self.firms.earnings
            take_reports = self.firms.take_reports
        self.vector: Any = self.firms
        for adapter in adapters:
            self.vector = AdaptedVectorEnv(self.vector, adapter)
        self.copies, self.horizon = copies, self.firms.settings.horizon
        self._keys = keys_of(self.firms.settings.split)
        self._generator = np.random.default_rng(0)
        self._next_generator: np.random.Generator | None = None
        self._month = 0
        self.render_mode = None
        super().__init__(n_envs, self.vector.single_observation_space, self.vector.single_action_space)
        self._returns = np.zeros(n_envs)
        self._lengths = np.zeros(n_envs, np.int64)
        self._started = time.time()
        self._no_info: dict[str, Any] = {}
        self._actions: npt.NDArray[Any] = np.zeros((n_envs, len(LEVERS)), np.float32)
        self._residual = next((item for item in reversed(adapters) if isinstance(item, ResidualAdapter)), None)
        self.statistics = TrainingStatistics(
            [field.name for field in REPORT_FIELDS],
            corrected=self._residual is not None,
            take_reports=take_reports,
        )

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Seed the worlds, from the next `reset` on: each firm's by a stream of its own, not by seed + i.

        Args:
            seed: streams of two seeds have nothing in common; None takes one from the operating system.

        Returns:
            The seed of each firm.
        """
        entropy = int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else seed
        self._seeds = [*seeds_of(entropy, Use.WORLDS, self.num_envs)]
        self._next_generator = np.random.default_rng(sequence(entropy, Use.PAIRED_WORLDS))
        return self._seeds

    def reset(self) -> VecEnvObs:
        """Start every firm anew; the first call after `seed` uses its seeds."""
        observations, _ = self.vector.reset(seed=None if self._seeds[0] is None else list(self._seeds))
        self._generator, self._next_generator = self._next_generator or self._generator, None
        if self.copies > 1:
            observations = self._pair()
        self._reset_seeds()
        self._returns[:] = 0.0
        self._earnings.begin(slice(None))
        self._lengths[:] = 0
        return np.array(observations)

    def _pair(self) -> npt.NDArray[np.float32]:
        """Start all firms in new worlds, neighbours in the same one."""
        keys = self._generator.integers(self._keys.start, self._keys.stop, self.num_envs // self.copies)
        observations, _ = self.vector.reset(options={"world": np.repeat(keys, self.copies).tolist()})
        self._month = 0
        return np.asarray(observations)

    def step_async(self, actions: npt.NDArray[Any]) -> None:
        """Store the actions for `step_wait`."""
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        """Run a month of every firm."""
        observations, rewards, terminated, truncated, infos = self.vector.step(self._actions)
        self._returns += rewards
        reports = None
        if isinstance(self.firms, EcosystemVectorEnv):  # a device has counted already
            reports = reports_of(infos)
            self._earnings.add(reports)
        self._lengths += 1
        self._month += 1
        together = self.copies > 1 and self._month == self.horizon
        dones = terminated | truncated | together
        added = None if self._residual is None else self._residual.correction(self.num_envs, self._actions)
        self.statistics.add(None if reports is None else reports.T, self.firms.asked, added)
        env_infos: list[dict[str, Any]] = [self._no_info] * self.num_envs
        over = np.flatnonzero(dones)
        values, bankrupt = self._earnings.end(over) if len(over) else (dones, dones)
        for place, row in enumerate(over):
            env_infos[row] = {
                "terminal_observation": self._last_seen(row, observations, terminated | truncated, infos),
                "TimeLimit.truncated": bool(dones[row] and not terminated[row]),
                "episode": {
                    "r": float(self._returns[row]),
                    "l": int(self._lengths[row]),
                    "t": round(time.time() - self._started, 6),
                    "J": float(values[place]),
                },
            }
            self._returns[row] = 0.0
            self._lengths[row] = 0
            self.statistics.add_episode_ends(1, float(bankrupt[place]))
        if together:
            observations = self._pair()
        return observations.copy(), rewards.astype(np.float32), dones, env_infos

    @staticmethod
    def _last_seen(row: Any, observations: Any, ended: Any, infos: dict[str, Any]) -> Any:
        """The last observation of an episode; one that is cut short so that all start together has not ended."""
        return infos["final_obs"][row] if ended[row] else observations[row].copy()

    def get_state(self) -> dict[str, Any]:
        """Everything that decides what comes next: the worlds, their months, the running returns."""
        return {
            "vector": self.vector.get_state(),
            "generator": self._generator.bit_generator.state,
            "month": self._month,
            "dice": self.action_space.np_random.bit_generator.state,
            "returns": self._returns.copy(),
            **self._earnings.get_state(),
            "lengths": self._lengths.copy(),
            "tally": self.statistics.get_state(),
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore a state of `get_state`; a foreign one is a ValueError or KeyError."""
        running = {}
        for name in ("returns", "values", "discounts", "lengths"):
            running[name] = np.asarray(state[name])
            if running[name].shape != (self.num_envs,):
                raise ValueError(f"state[{shown(name)}] has shape {running[name].shape}: it must be ({self.num_envs},)")
        self._generator = generator_from("generator", state["generator"])
        self.action_space.np_random.bit_generator.state = generator_from("dice", state["dice"]).bit_generator.state
        self._month = int(state["month"])
        self.statistics.set_state(state["tally"])
        self.vector.set_state(state["vector"])
        self._returns[:], self._lengths[:] = running["returns"], running["lengths"]
        self._earnings.set_state(running)

    def close(self) -> None:
        """End the threads that share the firms."""
        self.firms.close()

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """An attribute of the vector environment, repeated for every environment asked for."""
        return [getattr(self.vector, attr_name)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Set an attribute of the vector environment, for all environments at once."""
        if indices is not None:
            raise NotImplementedError("the environments are one batch: set_attr works for all of them only")
        setattr(self.vector, attr_name, value)

    def env_method(
        self, method_name: str, *method_args: Any, indices: VecEnvIndices = None, **method_kwargs: Any
    ) -> list[Any]:
        """Call a method of the vector environment once; its answer is repeated for every environment asked for."""
        answer = getattr(self.vector, method_name)(*method_args, **method_kwargs)
        return [answer] * len(list(self._get_indices(indices)))

    def env_is_wrapped(
        self, wrapper_class: type[gymnasium.Wrapper[Any, Any, Any, Any]], indices: VecEnvIndices = None
    ) -> list[bool]:
        """No environment is wrapped, by `wrapper_class` or any other."""
        del wrapper_class
        return [False] * len(list(self._get_indices(indices)))

    def get_images(self) -> Sequence[npt.NDArray[np.uint8] | None]:
        """No pictures while training."""
        return [None] * self.num_envs
