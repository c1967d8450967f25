"""Many firms in step, in one compiled batch. A shell: no arithmetic happens here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from thinmargin.batch import Batch
from thinmargin.generators import Generators
from thinmargin.infos import Info, check_info
from thinmargin.memory import check_memory
from thinmargin.records import BN, LEVER_NAMES, REPORT, REPORT_FIELDS
from thinmargin.settings import (
    APPLIED_VIEW,
    ASKED_VIEW,
    BOOKS_VIEW,
    REWARD_VIEW,
    SCORED,
    Closing,
    Reward,
    Settings,
    check_choices,
    check_flag,
    check_numbers,
    check_options,
    check_render_mode,
    check_seed,
    check_whole,
    closing_rule,
    discrete_actions,
    generator_from,
    observation_space,
)
from thinmargin.shown import shown
from thinmargin.simulation import BANKRUPT, CLOSED, RUNNING
from thinmargin.splits import Split, keys_of
from thinmargin.threads import check_threads
from thinmargin.versions import VERSION, check_state
from thinmargin.worlds import World

Array = npt.NDArray[Any]
MAX_ENVS = 1 << 20
BYTES_A_FIRM = Generators.bytes_a_row() + Batch.bytes_handed_out() + 100
"""Memory of a firm beside its rows of the batch: its generator, what a step hands out, and its entries in Python's
lists while all firms are reset."""


def make_vector(num_envs: int = 1, device: str = "cpu", **arguments: Any) -> VectorEnv[Any, Any, Any]:
    """Many firms in step, as `gymnasium.make_vec` makes them.

    Args:
        num_envs: how many, at least 1.
        device: "cpu" makes an `EcosystemVectorEnv`, "cuda" or "cuda:NUMBER" a `thinmargin.cuda.vector.CudaVectorEnv`.
        arguments: of the class.

    Raises:
        ValueError, TypeError, MemoryError: as of the class; a device that is none.
        ModuleNotFoundError: a library that the device needs is not installed.
    """
    if isinstance(device, str) and device == "cpu":
        return EcosystemVectorEnv(num_envs, **arguments)
    from thinmargin.cuda.devices import check_device  # noqa: PLC0415  # only where one is asked for

    check_device(device)
    from thinmargin.cuda.vector import CudaVectorEnv  # noqa: PLC0415

    for name in ("num_threads", "render_mode"):
        if arguments.pop(name, None) is not None:
            raise TypeError(f"{name} is given and device is {shown(device)}: it is for device='cpu' only")
    return CudaVectorEnv(num_envs, device=device, **arguments)


class EcosystemVectorEnv(VectorEnv[npt.NDArray[np.float32], Any, Array]):
    """`num_envs` copies of `EcosystemEnv`, stepped by one compiled call.

    Environment i with seed s equals `EcosystemEnv` reset with seed s + i, bit for bit, across autoreset.
    An episode that ends is reset in the same step (`AutoresetMode.SAME_STEP`): the last observation and
    info are in `infos["final_obs"]` and `infos["final_info"]`. `infos["books"]`, `infos["levers"]` and
    `infos["reward_terms"]` index by name like the scalar ones and hold one number an environment.
    `closing_values(rule)` prices all firms as they stand.

    Args:
        num_envs: how many, at least 1.
        copy: False hands out the buffers of observations and infos, which the next step overwrites. With True nothing
            that is held is ever overwritten: infos are views, and the next step writes elsewhere while one is held.
        num_threads: how many threads share the firms of a step, at most the processors there are. Results are the same
            bit for bit at any number.
        info: "lean" has `world` alone; "full" and "plain" are the same here.
        worlds, reward, closing, horizon, split, parameters, discrete: as of `EcosystemEnv`.

    Raises:
        ValueError, TypeError: an argument is not among what is allowed.
        MemoryError: so many environments need more memory than there is; nothing is allocated then.
    """

    metadata = {  # noqa: RUF012  # the base class types it as an instance variable
        "render_modes": ["rgb_array", "ansi"],
        "render_fps": 12,
        "autoreset_mode": AutoresetMode.SAME_STEP,
    }

    def __init__(
        self,
        num_envs: int = 1,
        worlds: str = "benchmark",
        reward: Reward = "profit",
        closing: Closing = SCORED,
        horizon: int = 180,
        split: Split = "train",
        parameters: Mapping[str, Any] | None = None,
        discrete: bool = False,
        render_mode: str | None = None,
        copy: bool = True,
        num_threads: int = 1,
        info: Info = "full",
    ) -> None:
        check_whole("num_envs", num_envs, MAX_ENVS)
        check_flag("copy", copy)
        check_threads(num_threads)
        check_info(info)
        check_render_mode(render_mode, self.metadata["render_modes"])
        self.settings = Settings(worlds, reward, closing, horizon, split, parameters, discrete)
        check_memory(f"num_envs is {num_envs}", num_envs * (Batch.bytes_a_row() + BYTES_A_FIRM))
        self.num_envs = num_envs
        self.render_mode = render_mode
        self.single_action_space = self.settings.action_space()
        self.single_observation_space = observation_space()
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.report_names = [field.name for field in REPORT_FIELDS]
        self._copy = copy
        self._lean = info == "lean"
        self._family = self.settings.family()
        self._keys = keys_of(split)
        self._batch = self.settings.batch(num_envs, num_threads)
        self._actions = np.zeros((num_envs, len(LEVER_NAMES)))
        self._grid = discrete_actions() if discrete else None
        self._generators: Generators | None = None
        self._histories: list[list[np.record]] = [[] for _ in range(num_envs if render_mode is not None else 0)]

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """Draw a world for every environment and go back to January 2012.

        Args:
            seed: environment i is seeded with seed + i, or with seed[i].
            options: `{"world": key or World}` for all, or a list of them, one an environment.

        Raises:
            ValueError, TypeError: an unknown option, something that is no world key or seed, or a list of the wrong
                length; nothing changes.
            gymnasium.error.Error: a negative seed; nothing changes.
            MemoryError: the tables of World objects need more memory than there is.
        """
        world = check_options(options, self.settings.horizon)
        worlds = world if isinstance(world, list) else [world] * self.num_envs
        if isinstance(seed, (list, tuple, range)):
            seeds = [check_seed(single) for single in seed]
        else:
            first = check_seed(seed, ", or a list of such, one an environment")
            seeds = [None if first is None else first + i for i in range(self.num_envs)]
        for name, count in (("world", len(worlds)), ("seed", len(seeds))):
            if count != self.num_envs:
                raise ValueError(f"{name} has {count} entries: must be {self.num_envs}")
        if any(isinstance(item, World) for item in worlds):
            self._batch.check_room()
        if self._generators is None:
            self._generators = Generators(seeds)
        else:
            self._generators.seed(seeds)
        self._renew()
        everyone = np.arange(self.num_envs)
        if world is None:
            self._draw(everyone, self._generators)
        else:
            self._place(worlds, self._generators)
        self._batch.begin(everyone)
        self._forget()
        self._remember()
        return self._observations(), self._infos()

    def _draw(self, rows: npt.NDArray[np.int64], generators: Generators) -> None:
        """Give each of these rows a world drawn by its generator."""
        self._batch.draw(rows, self._family, generators.draw(rows, self._keys))

    def _place(self, worlds: Sequence[World | int | None], generators: Generators) -> None:
        """Give every row a world: this one, that of this key, or one drawn by the row's generator."""
        keys = {row: world for row, world in enumerate(worlds) if isinstance(world, int)}
        self._batch.draw(list(keys), self._family, list(keys.values()))
        self._draw(np.array([row for row, world in enumerate(worlds) if world is None], np.int64), generators)
        for row, world in enumerate(worlds):
            if isinstance(world, World):
                self._batch.put(row, world)

    def step(self, actions: Any) -> tuple[npt.NDArray[np.float32], Array, Array, Array, dict[str, Any]]:
        """Run one month of every environment; those that end start anew in the same step.

        Args:
            actions: shape (num_envs, 4) in [-1, 1] (finite numbers beyond are cut), or grid indices.

        Raises:
            ValueError, TypeError: wrong shape, type or a number that is not finite; nothing changes.
            gymnasium.error.ResetNeeded: called before `reset`.
        """
        if self._generators is None:
            raise ResetNeeded("step needs running episodes: call reset first")
        if self._grid is not None:
            self._actions[:] = self._grid[check_choices(actions, (self.num_envs,), len(self._grid))]
        else:
            self._actions[:] = check_numbers(actions, self._actions.shape)
        batch = self._batch
        self._renew()
        batch.step(self._actions)
        self._remember()
        closed = batch.ends == CLOSED
        bankrupt = batch.ends == BANKRUPT
        terminated = bankrupt | closed if self.settings.pays_closing else bankrupt
        truncated = np.zeros_like(closed) if self.settings.pays_closing else closed
        ended = np.flatnonzero(batch.ends != RUNNING)
        final = self._start_again(ended, self._generators) if len(ended) else {}
        return self._observations(), batch.rewards.copy(), terminated, truncated, {**self._infos(), **final}

    def _start_again(self, ended: npt.NDArray[np.int64], generators: Generators) -> dict[str, Any]:
        mask = np.zeros(self.num_envs, np.bool_)
        mask[ended] = True
        last = np.full(self.num_envs, None, dtype=object)
        for row, seen in zip(ended.tolist(), self._batch.observations[ended], strict=True):
            last[row] = seen
        infos = self._infos(ended)
        for name in infos:
            if name.startswith("_"):
                infos[name] = mask
        self._draw(ended, generators)
        self._batch.begin(ended)
        if self.render_mode is not None:
            for row in ended:
                self._histories[row] = [self._batch.reports[row].copy()]
        return {"final_obs": last, "_final_obs": mask, "final_info": infos, "_final_info": mask.copy()}

    @property
    def asked(self) -> npt.NDArray[np.float64]:
        """The actions of the last step, shape (num_envs, 4), those behind the numbers of a grid too."""
        return self._actions

    def _observations(self) -> npt.NDArray[np.float32]:
        return self._batch.observations.copy() if self._copy else self._batch.observations

    def _renew(self) -> None:
        """Leave the infos that were handed out to whoever holds them still, before the batch is written."""
        if self._copy:
            self._batch.renew_reports()

    def _infos(self, rows: npt.NDArray[np.int64] | None = None) -> dict[str, Any]:
        """Infos of all environments, or copies with only these rows filled in."""
        everyone = np.ones(self.num_envs, np.bool_)
        world = {"world": self._batch.keys.copy(), "_world": everyone}
        if self._lean:
            return world
        report = self._batch.reports
        if rows is not None:
            numbers = self._batch.report_numbers  # as plain numbers: NumPy copies records far slower
            some = np.zeros(numbers.shape)
            some[rows] = numbers[rows]
            report = some.view(REPORT).reshape(self.num_envs)
        return {
            "books": report.view(BOOKS_VIEW),
            "_books": everyone,
            "levers": {"asked": report.view(ASKED_VIEW), "applied": report.view(APPLIED_VIEW)},
            "_levers": everyone,
            "reward_terms": report.view(REWARD_VIEW),
            "_reward_terms": everyone,
            **world,
        }

    def _remember(self) -> None:
        for row, history in enumerate(self._histories):
            history.append(self._batch.reports[row].copy())

    def _forget(self) -> None:
        for history in self._histories:
            history.clear()

    def close_extras(self, **kwargs: Any) -> None:
        """End the threads that share the firms."""
        del kwargs
        self._batch.close()

    def render(self) -> tuple[Any, ...] | None:
        """One text or picture an environment."""
        if self.render_mode is None:
            return None
        if self._generators is None:
            raise ResetNeeded("render needs running episodes: call reset first")
        from thinmargin import rendering  # noqa: PLC0415  # pictures are only paid for when drawn

        draw = rendering.month_as_text if self.render_mode == "ansi" else rendering.episode_as_picture
        return tuple(draw(history) for history in self._histories)

    def closing_values(self, rule: Closing) -> npt.NDArray[np.float64]:
        """Worth of each firm, RMB bn, if its episode closed with the month just run: shape (num_envs,).

        As `EcosystemEnv.closing_value`; nan where no month has been run since the episode began, as in the step that
        ends an episode and begins the next.

        Raises:
            ValueError: no such rule.
            gymnasium.error.ResetNeeded: called before `reset`.
        """
        number = closing_rule("rule", rule)
        if self._generators is None:
            raise ResetNeeded("closing_values needs running episodes: call reset first")
        rows = np.flatnonzero(self._batch.states["month"] >= 1.0)
        worth = np.full(self.num_envs, np.nan)
        worth[rows] = self._batch.closing_values(rows, number) / BN
        return worth

    def get_state(self) -> dict[str, Any]:
        """Everything that decides what comes next: plain arrays and the generators' states."""
        return {
            **self._batch.saved(),
            "version": VERSION,
            "generators": [] if self._generators is None else self._generators.states(),
        }

    def set_state(self, state: Mapping[str, Any]) -> npt.NDArray[np.float32]:
        """Go back to a state of `get_state` and return its observations; a foreign one is a ValueError."""
        if not isinstance(state, Mapping):
            raise ValueError(f"state is {shown(state)}: must be what get_state returned")
        check_state(state)
        states = state.get("generators")
        if not isinstance(states, list) or len(states) != self.num_envs:
            raise ValueError(
                f"state['generators'] is {shown(states)}: must be a list of {self.num_envs}, as of get_state"
            )
        generators = Generators.in_states(
            [generator_from(f"generators[{k}]", saved).bit_generator.state for k, saved in enumerate(states)]
        )
        self._batch.restore(state)
        self._generators = generators
        self._forget()
        self._remember()
        return self._observations()
