"""The environment for one firm at a time. A shell: no arithmetic happens here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, SupportsFloat

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium.error import ResetNeeded

from thinmargin.records import REPORT_FIELDS
from thinmargin.settings import (
    BOOK_NAMES,
    LEVER_NAMES,
    REWARD_NAMES,
    Reward,
    Settings,
    check_choices,
    check_numbers,
    check_options,
    discrete_actions,
    observation_space,
)
from thinmargin.simulation import BANKRUPT, CLOSED, RUNNING
from thinmargin.splits import Split, keys_of
from thinmargin.worlds import World


class EcosystemEnv(gymnasium.Env[npt.NDArray[np.float32], Any]):
    """DOCSTRING"""

    metadata = {  # noqa: RUF012  # the base class types it as an instance variable
        "render_modes": ["human", "rgb_array", "ansi"],
        "render_fps": 12,
    }

    def __init__(
        self,
        worlds: str = "benchmark",
        reward: Reward = "profit",
        closing: bool = True,
        horizon: int = 180,
        split: Split = "train",
        parameters: Mapping[str, Any] | None = None,
        discrete: bool = False,
        render_mode: str | None = None,
    ) -> None:
        self.settings = Settings(worlds, reward, closing, horizon, split, parameters, discrete)
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            allowed = ", ".join(self.metadata["render_modes"])
            raise ValueError(f"render_mode is {render_mode!r}: allowed are {allowed} and None")
        self.render_mode = render_mode
        self.action_space = self.settings.action_space()
        self.observation_space = observation_space()  # type: ignore[assignment]  # a Box of float32
        self._family = self.settings.family()
        self._keys = keys_of(split)
        self._batch = self.settings.batch(1)
        self._report = self._batch.reports.view(np.float64)[
            : len(REPORT_FIELDS)
        ]  # the same memory, without field names
        self._actions = np.zeros((1, len(LEVER_NAMES)))
        self._grid = discrete_actions() if discrete else None
        self._running = False
        self._world = 0
        self._history: list[np.record] = []
        self._window: Any = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """Draw a world and go back to January 2012.

        Args:
            seed: seeds the generator that draws world keys.
            options: `{"world": key}` or `{"world": World}` plays that world instead of a drawn one.

        Returns:
            The first observation, float32 of shape (28,), and info with `books` and `world`.

        Raises:
            ValueError, TypeError: an unknown option, or something that is no world key.
        """
        world = check_options(options)
        if isinstance(world, list):
            raise TypeError(f"reset option world is {world!r}: one key or World is wanted")
        super().reset(seed=seed)
        if world is None:
            world = int(self.np_random.integers(self._keys.start, self._keys.stop))
        if isinstance(world, World):
            self._batch.put(0, world)
        else:
            self._batch.draw(0, self._family, world)
        self._world = int(self._batch.keys[0])
        self._batch.begin(np.zeros(1, np.int64))
        self._running = True
        self._history = []
        self._remember()
        info = self._info()
        return self._observation(), {"books": info["books"], "world": info["world"]}

    def step(self, action: Any) -> tuple[npt.NDArray[np.float32], SupportsFloat, bool, bool, dict[str, Any]]:
        """Run one month.

        Args:
            action: four numbers in [-1, 1] (finite numbers beyond are cut to it), or a grid index.

        Returns:
            Observation, reward in RMB 10 bn, terminated, truncated, info.

        Raises:
            ValueError, TypeError: wrong shape, type or a number that is not finite; nothing changes.
            gymnasium.error.ResetNeeded: called before `reset` or after the end.
        """
        if not self._running:
            raise ResetNeeded("step needs a running episode: call reset first")
        if self._grid is not None:
            self._actions[0] = self._grid[check_choices(action, (), len(self._grid))]
        else:
            self._actions[0] = check_numbers(action, (len(LEVER_NAMES),))
        batch = self._batch
        batch.step(self._actions)
        end = int(batch.ends[0])
        self._running = end == RUNNING
        terminated = end == BANKRUPT or (end == CLOSED and self.settings.closing)
        truncated = end == CLOSED and not self.settings.closing
        self._remember()
        return self._observation(), float(batch.rewards[0]), terminated, truncated, self._info()

    def _observation(self) -> npt.NDArray[np.float32]:
        observation: npt.NDArray[np.float32] = self._batch.observations[0].copy()
        return observation

    def _info(self) -> dict[str, Any]:
        # One pass over the report in the order of REPORT_FIELDS: names run out before numbers do.
        numbers = iter(self._report.tolist())
        asked = dict(zip(LEVER_NAMES, numbers, strict=False))
        applied = dict(zip(LEVER_NAMES, numbers, strict=False))
        return {
            "books": dict(zip(BOOK_NAMES, numbers, strict=False)),
            "levers": {"asked": asked, "applied": applied},
            "reward_terms": dict(zip(REWARD_NAMES, numbers, strict=False)),
            "world": self._world,
        }

    def _remember(self) -> None:
        if self.render_mode is not None:
            self._history.append(self._batch.reports[0].copy())
            if self.render_mode == "human":
                self.render()

    def render(self) -> Any:
        """The month as text (`ansi`), the episode as a picture (`rgb_array`), or a window (`human`)."""
        if self.render_mode is None:
            gymnasium.logger.warn("render needs a render_mode: gymnasium.make(id, render_mode='rgb_array')")
            return None
        if not self._history:
            raise ResetNeeded("render needs a running episode: call reset first")
        from thinmargin import rendering  # noqa: PLC0415  # pictures are only paid for when drawn

        if self.render_mode == "ansi":
            return rendering.month_as_text(self._history)
        if self.render_mode == "rgb_array":
            return rendering.episode_as_picture(self._history)
        if self._window is None:
            self._window = rendering.Window()
        self._window.show(self._history)
        return None

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._window is not None:
            self._window.close()
            self._window = None

    def get_state(self) -> dict[str, Any]:
        """Everything that decides what comes next: plain arrays and the generator's state."""
        return {
            **self._batch.saved(),
            "running": self._running,
            "generator": self.np_random.bit_generator.state,
        }

    def set_state(self, state: Mapping[str, Any]) -> npt.NDArray[np.float32]:
        """Go back to a state of `get_state` and return its observation; a foreign one is a ValueError."""
        for name in ("running", "generator"):
            if name not in state:
                raise ValueError(f"state has no {name!r}: it must come from get_state")
        self._batch.restore(state)
        self.np_random.bit_generator.state = state["generator"]
        self._running = bool(state["running"])
        self._world = int(self._batch.keys[0])
        return self._observation()
