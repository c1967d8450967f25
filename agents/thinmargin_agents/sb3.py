"""The native vector environment as a Stable-Baselines3 VecEnv, without a Python loop over environments."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvObs, VecEnvStepReturn

from thinmargin import MONTHLY_DISCOUNT
from thinmargin.records import BOOK_FIELDS, LEVERS
from thinmargin.vector import EcosystemVectorEnv
from thinmargin_agents.rollout import SATURATED
from thinmargin_agents.trials import REWARD_UNIT


class EcosystemVecEnv(VecEnv):
    """`n_envs` firms behind Stable-Baselines3's interface.

    Rewards are multiplied by `reward_scale`, so that values are of order one for the network; the
    `episode` entry of an ended environment's info has the return in the environment's own unit, its
    length, and `J`, the discounted profit and closing value in RMB bn, whatever the reward mode.

    Args:
        env_id: a registered ThinMargin id.
        n_envs: how many firms run in step.
        reward_scale: factor on rewards.
        env_kwargs: further keyword arguments of the environment.
    """

    def __init__(self, env_id: str, n_envs: int, reward_scale: float = 1.0, **env_kwargs: Any) -> None:
        kwargs = {**gymnasium.spec(env_id).kwargs, **env_kwargs}
        self.vector = EcosystemVectorEnv(n_envs, copy=False, **kwargs)
        self.reward_scale = reward_scale
        self.render_mode = None
        super().__init__(n_envs, self.vector.single_observation_space, self.vector.single_action_space)
        self._returns = np.zeros(n_envs)
        self._values = np.zeros(n_envs)
        self._discounts = np.ones(n_envs)
        self._lengths = np.zeros(n_envs, np.int64)
        self._started = time.time()
        self._quiet: dict[str, Any] = {}
        self._actions: npt.NDArray[Any] = np.zeros((n_envs, len(LEVERS)), np.float32)
        self.clear_statistics()

    def reset(self) -> VecEnvObs:
        """Start every firm anew; the first call after `seed` uses its seeds."""
        seeds = None if self._seeds[0] is None else list(self._seeds)
        observations, _ = self.vector.reset(seed=seeds)
        self._reset_seeds()
        self._returns[:] = 0.0
        self._values[:] = 0.0
        self._discounts[:] = 1.0
        self._lengths[:] = 0
        return observations.copy()

    def step_async(self, actions: npt.NDArray[Any]) -> None:
        """Keep the actions for `step_wait`."""
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        """Run a month of every firm."""
        observations, rewards, terminated, truncated, infos = self.vector.step(self._actions)
        terms = infos["final_info"]["reward_terms"] if "final_info" in infos else infos["reward_terms"]
        self._returns += rewards
        self._values += self._discounts * (terms["profit_term"] + terms["closing_term"]) * REWARD_UNIT
        self._discounts *= MONTHLY_DISCOUNT
        self._lengths += 1
        dones = terminated | truncated
        self._count(infos["final_info"]["books"] if "final_info" in infos else infos["books"])
        every: list[dict[str, Any]] = [self._quiet] * self.num_envs
        for row in np.flatnonzero(dones):
            every[row] = {
                "terminal_observation": infos["final_obs"][row],
                "TimeLimit.truncated": bool(truncated[row]),
                "episode": {
                    "r": float(self._returns[row]),
                    "l": int(self._lengths[row]),
                    "t": round(time.time() - self._started, 6),
                    "J": float(self._values[row]),
                },
            }
            self._returns[row] = self._values[row] = 0.0
            self._discounts[row] = 1.0
            self._lengths[row] = 0
            self._bankrupt += float(infos["final_info"]["books"]["bankrupt"][row])
            self._episodes += 1
        scaled = (rewards * self.reward_scale).astype(np.float32)
        return observations.copy(), scaled, dones, every

    def _count(self, books: Any) -> None:
        self._months += 1
        # Records of one number type: summed as a plain table, a column a field.
        table = books.view(np.float64).reshape(self.num_envs, -1)
        self._book_sums += table.mean(axis=0)
        if self._actions.ndim == 2:
            self._lever_sums += self._actions.mean(axis=0)
            self._lever_squares += np.square(self._actions).mean(axis=0)
            self._lever_edges += (np.abs(self._actions) >= SATURATED).mean(axis=0)

    def clear_statistics(self) -> None:
        """Forget what `statistics` would tell."""
        self._months = 0
        self._book_sums = np.zeros(len(self.vector.report_names))
        self._lever_sums = np.zeros(len(LEVERS))
        self._lever_squares = np.zeros(len(LEVERS))
        self._lever_edges = np.zeros(len(LEVERS))
        self._bankrupt = 0.0
        self._episodes = 0

    def statistics(self) -> dict[str, float]:
        """Means since `clear_statistics`: `business/*` of all months, `levers/*` of all actions."""
        months = max(self._months, 1)
        means = dict(zip(self.vector.report_names, (self._book_sums / months).tolist(), strict=True))
        told = {f"business/{field.name}": means[field.name] for field in BOOK_FIELDS}
        revenue = max(means["revenue"], 1e-9)
        for line in ("device", "accessory", "services", "gross"):
            below = means["revenue"] if line == "gross" else means[f"{line}_revenue"]
            told[f"business/{line}_margin"] = means[f"{line}_profit"] / max(below, 1e-9)
        told["business/marketing_share"] = means["marketing"] / revenue
        told["business/accessories_share"] = means["tickets"] / revenue
        del told["business/month"], told["business/bankrupt"]
        if self._episodes:
            told["business/bankrupt_share"] = self._bankrupt / self._episodes
        told |= {f"levers/{lever.name}_applied": means[f"applied_{lever.name}"] for lever in LEVERS}
        if self._actions.ndim == 2:
            for k, lever in enumerate(LEVERS):
                mean = float(self._lever_sums[k] / months)
                variance = float(self._lever_squares[k] / months) - mean * mean
                told[f"levers/{lever.name}_mean"] = mean
                told[f"levers/{lever.name}_spread"] = max(variance, 0.0) ** 0.5
                told[f"levers/{lever.name}_saturation"] = float(self._lever_edges[k] / months)
        return told

    def get_state(self) -> dict[str, Any]:
        """Everything that decides what comes next: the worlds, their months, the running returns."""
        return {
            "vector": self.vector.get_state(),
            "returns": self._returns.copy(),
            "values": self._values.copy(),
            "discounts": self._discounts.copy(),
            "lengths": self._lengths.copy(),
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Go back to a state of `get_state`; a foreign one is a ValueError."""
        running = {}
        for name in ("returns", "values", "discounts", "lengths"):
            running[name] = np.asarray(state[name])
            if running[name].shape != (self.num_envs,):
                raise ValueError(f"state[{name!r}] has shape {running[name].shape}: ({self.num_envs},) is wanted")
        self.vector.set_state(state["vector"])
        for name, numbers in running.items():
            getattr(self, f"_{name}")[:] = numbers

    def close(self) -> None:
        """Nothing to close: no process, no window."""

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """An attribute of the vector environment, once an environment asked for."""
        return [getattr(self.vector, attr_name)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Set an attribute of the vector environment, for all environments at once."""
        if indices is not None:
            raise NotImplementedError("the environments are one batch: set_attr works for all of them only")
        setattr(self.vector, attr_name, value)

    def env_method(
        self, method_name: str, *method_args: Any, indices: VecEnvIndices = None, **method_kwargs: Any
    ) -> list[Any]:
        """Call a method of the vector environment once; its answer, once an environment asked for."""
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
