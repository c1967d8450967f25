"""Many firms in step on one GPU. A shell: no arithmetic happens here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from thinmargin.batch import Batch
from thinmargin.cuda.columns import records_of, rows_of, table_of
from thinmargin.cuda.devices import MOST_HIDDEN, Device
from thinmargin.generators import NUMBERS, Generators
from thinmargin.infos import Info, check_info
from thinmargin.observation import FEATURE_COUNT
from thinmargin.parameters import ECONOMY
from thinmargin.records import BN, BOOK_NAMES, FLOWS, LEVER_NAMES, REPORT, REPORT_FIELDS, SHOCKS, STATE
from thinmargin.settings import (
    SCORED,
    Closing,
    Reward,
    Settings,
    check_choices,
    check_flag,
    check_options,
    check_seed,
    check_whole,
    closing_rule,
    discrete_actions,
    generator_from,
    observation_space,
)
from thinmargin.shown import shown
from thinmargin.simulation import BANKRUPT, CLOSED, NO_CLOSING, RUNNING
from thinmargin.sources import SOURCE
from thinmargin.splits import Split, keys_of
from thinmargin.versions import VERSION, check_state
from thinmargin.worlds import World

MAX_ENVS = 1 << 22
NUMBERS_A_FIRM = sum(map(rows_of, (STATE, ECONOMY, SOURCE, REPORT))) + 4
"""Numbers of eight bytes that a firm has on the device, its reward, end, key and action among them."""
HANDED_OUT = 8 * (2 * rows_of(REPORT) + 4) + 2 * 4 * FEATURE_COUNT
"""Bytes a firm of what a step hands out, the last reports and observations of episodes that ended too."""
BYTES_A_FIRM = 8 * (NUMBERS_A_FIRM + NUMBERS) + 4 * FEATURE_COUNT + HANDED_OUT
BYTES_A_THREAD = 8 * sum(map(rows_of, (FLOWS, SHOCKS, SHOCKS, STATE)))
REPORT_PLACES = {field.name: place for place, field in enumerate(REPORT_FIELDS)}


class CudaVectorEnv(VectorEnv[Any, Any, Any]):
    """`num_envs` firms on a GPU: what `EcosystemVectorEnv` does, with tensors of torch that stay on the device.

    States, worlds, observations and rewards are on the device. What is copied to the machine in a step is whether an
    episode has ended and whether actions are finite, and the numbers of a grid of actions where there is one.
    Environment i with seed s plays the world that `EcosystemEnv` plays after a reset with seed s + i, across autoreset;
    its numbers are those of a CPU but for the last digits, since a GPU rounds a product and a sum at once and has
    functions of its own.

    `infos["books"]` and `infos["reward_terms"]` are dictionaries of tensors of shape (num_envs,), by name;
    `infos["levers"]` has two of them, `asked` and `applied`. What is in `final_obs`, a tensor of shape
    (num_envs, features), and in `final_info` counts where `_final_obs` is True.

    Attributes:
        device: where the tensors are.
        reports: all numbers of the month just run, in the order of `thinmargin.records.REPORT_FIELDS`, of firms that
            ended in it too: a tensor of shape (fields, num_envs), which the next step may overwrite.

    Args:
        num_envs: how many, at least 1.
        device: "cuda", or "cuda:1" and so on.
        copy: False hands out the buffers of observations and infos, which the next step overwrites.
        info: as of `EcosystemVectorEnv`.
        worlds, reward, closing, horizon, split, parameters, discrete: as of `EcosystemEnv`.

    Raises:
        ValueError, TypeError: an argument is not among what is allowed, or there is no such device here.
        ModuleNotFoundError: numba-cuda or torch is not installed.
        MemoryError: so many environments need more memory than the device has left; nothing is allocated then.
    """

    metadata = {  # noqa: RUF012  # the base class types it as an instance variable
        "render_modes": [],
        "autoreset_mode": AutoresetMode.SAME_STEP,
    }

    def __init__(
        self,
        num_envs: int = 1,
        device: str = "cuda",
        worlds: str = "benchmark",
        reward: Reward = "profit",
        closing: Closing = SCORED,
        horizon: int = 180,
        split: Split = "train",
        parameters: Mapping[str, Any] | None = None,
        discrete: bool = False,
        copy: bool = True,
        info: Info = "full",
    ) -> None:
        check_whole("num_envs", num_envs, MAX_ENVS)
        check_flag("copy", copy)
        check_info(info)
        self.settings = Settings(worlds, reward, closing, horizon, split, parameters, discrete)
        self.device = Device(device)
        needed = num_envs * BYTES_A_FIRM + self.device.threads(num_envs) * BYTES_A_THREAD
        self.device.check_room(f"num_envs is {num_envs}", needed)
        self.num_envs = num_envs
        self.render_mode = None
        self.single_action_space = self.settings.action_space()
        self.single_observation_space = observation_space()
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self._copy, self._lean = copy, info == "lean"
        self._keys = keys_of(split)
        self._rule = closing_rule("closing", closing)
        self._shaped = reward == "shaped"
        self._recipe = self.settings.family().recipe
        if len(self._recipe.columns) > MOST_HIDDEN:
            raise ValueError(
                f"worlds is {shown(worlds)}: {len(self._recipe.columns)} constants are hidden in them, and on a device"
                f" at most {MOST_HIDDEN} may be"
            )
        self._grid = self.device.tensor(discrete_actions()) if discrete else None
        self._begun = False
        self._everyone = self.device.tensor(np.ones(num_envs, np.bool_))
        self._make_tables()
        self.reports = self._reports

    def _make_tables(self) -> None:
        """Allocate everything that stays on the device."""
        device, size = self.device, self.num_envs
        self._states, self._economies, self._sources, self._reports = (
            device.zeros((rows_of(kind), size)) for kind in (STATE, ECONOMY, SOURCE, REPORT)
        )
        self._seen = device.zeros((FEATURE_COUNT, size), np.float32)
        self._rewards, self._ends = device.zeros((size,)), device.zeros((size,), np.int64)
        self._world_keys = device.zeros((size,), np.int64)
        self._generators = device.zeros((size,), np.int64)  # made at the first reset
        threads = device.threads(size)
        self._flows, self._shocks, self._shocks_off, self._spare_states = (
            device.zeros((rows_of(kind), threads)) for kind in (FLOWS, SHOCKS, SHOCKS, STATE)
        )
        recipe = self._recipe
        self._world = tuple(
            device.tensor(item)
            for item in (recipe.base, recipe.columns, recipe.rules, recipe.weights, recipe.spans,
                         recipe.source.view(np.float64).reshape(-1, 1))
        )  # fmt: skip

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Draw a world for every environment and go back to January 2012.

        Args:
            seed: environment i is seeded with seed + i, or with seed[i].
            options: `{"world": key}` for all, or a list of keys, one an environment. `World` objects, whose shocks are
                tables, are played on a CPU only.

        Raises:
            ValueError, TypeError: an unknown option, something that is no world key or seed, or a list of the wrong
                length; nothing changes.
            gymnasium.error.Error: a negative seed; nothing changes.
        """
        world = check_options(options, self.settings.horizon)
        worlds = world if isinstance(world, list) else [world] * self.num_envs
        if any(isinstance(item, World) for item in worlds):
            raise TypeError("reset option world is a World: on a device it must be a key, or a list of keys")
        if isinstance(seed, (list, tuple, range)):
            seeds = [check_seed(single) for single in seed]
        else:
            first = check_seed(seed, ", or a list of such, one an environment")
            seeds = [None if first is None else first + i for i in range(self.num_envs)]
        for name, count in (("world", len(worlds)), ("seed", len(seeds))):
            if count != self.num_envs:
                raise ValueError(f"{name} has {count} entries: must be {self.num_envs}")
        self._seed(seeds)
        drawn = np.array([item is None for item in worlds])
        keys = np.array([item if isinstance(item, int) else 0 for item in worlds], np.int64)
        device = self.device
        self._world_keys.copy_(device.tensor(keys))
        self._start(device.tensor(np.ones(self.num_envs, np.bool_)), device.tensor(drawn))
        self._begun, self.reports = True, self._reports
        return self._observations(), self._infos(self._handed_out())

    def _seed(self, seeds: list[int | None]) -> None:
        if not self._begun:
            self._put_generators(Generators(seeds))
        elif any(single is not None for single in seeds):
            generators = self._get_generators()
            generators.seed(seeds)
            self._put_generators(generators)

    def _put_generators(self, generators: Generators) -> None:
        # words of 32 bits in 64: torch does little with uint32
        self._generators = self.device.tensor(generators.numbers.T.astype(np.int64))

    def _get_generators(self) -> Generators:
        generators = Generators([])
        generators.numbers = self.device.array(self._generators).T.astype(np.uint32, order="C")
        return generators

    def _start(self, chosen: Any, drawn: Any) -> None:
        """Begin anew where `chosen`: in a world drawn by the row's generator where `drawn`, else of the row's key."""
        self.device.launch(
            "start", self.num_envs, chosen, drawn, self._world_keys, self._generators, self._keys.start,
            np.uint64(len(self._keys)), *self._world, self._states, self._economies, self._sources, self._flows,
            self._reports, self._seen, float(self.settings.horizon),
        )  # fmt: skip

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Run one month of every environment; those that end start anew in the same step.

        Args:
            actions: a tensor on the device or an array, shape (num_envs, 4) in [-1, 1] (finite numbers beyond are cut),
                or grid indices of shape (num_envs,).

        Returns:
            Observations, float32 of shape (num_envs, features); rewards, float64, RMB 10 bn; terminated and truncated,
            bool, all of shape (num_envs,) and on the device; infos.

        Raises:
            ValueError, TypeError: wrong shape, type or a number that is not finite; nothing changes.
            gymnasium.error.ResetNeeded: called before `reset`.
        """
        if not self._begun:
            raise ResetNeeded("step needs running episodes: call reset first")
        asked = self._checked(actions)
        self.device.launch(
            "month", self.num_envs, asked, self._states, self._economies, self._sources, self._flows, self._shocks,
            self._reports, self._seen, self._rewards, self._ends, float(self.settings.horizon), self._rule,
            self._shaped,
        )  # fmt: skip
        ended = self._ends != RUNNING
        closed, bankrupt = self._ends == CLOSED, self._ends == BANKRUPT
        terminated = ended.clone() if self.settings.pays_closing else bankrupt
        truncated = closed & ~closed if self.settings.pays_closing else closed
        self.reports = self._reports
        if not bool(ended.any()):
            return self._observations(), self._rewards.clone(), terminated, truncated, self._infos(self._handed_out())
        if self._rule != NO_CLOSING:
            self.device.launch(
                "close", self.num_envs, self._states, self._economies, self._sources, self._flows, self._shocks,
                self._shocks_off, self._spare_states, self._reports, self._rewards, self._ends, self._rule,
            )  # fmt: skip
        rewards, self.reports = self._rewards.clone(), self._reports.clone()
        last = {
            "final_obs": self._seen.T.clone(), "_final_obs": ended,
            "final_info": self._infos(self.reports), "_final_info": ended.clone(),
        }  # fmt: skip
        self._start(ended, ended)
        return self._observations(), rewards, terminated, truncated, {**self._infos(self._handed_out()), **last}

    def _checked(self, actions: Any) -> Any:
        """The actions as float64 on the device."""
        device = self.device
        if self._grid is not None:
            choices = actions if not device.is_tensor(actions) else device.array(actions)
            return self._grid[device.tensor(check_choices(choices, (self.num_envs,), len(self._grid)))]
        return device.numbers("action", actions, (self.num_envs, len(LEVER_NAMES)))

    def _observations(self) -> Any:
        return self._seen.T.clone() if self._copy else self._seen.T

    def _handed_out(self) -> Any:
        return self._reports.clone() if self._copy and not self._lean else self._reports

    def _infos(self, reports: Any) -> dict[str, Any]:
        everyone = self._everyone.clone() if self._copy else self._everyone
        world = {"world": self._world_keys.clone(), "_world": everyone}
        if self._lean:
            return world
        by_name = {name: reports[place] for name, place in REPORT_PLACES.items()}
        levers = {
            when: {name: by_name[f"{when}_{name}"] for name in LEVER_NAMES} for when in ("asked", "applied")
        }  # fmt: skip
        return {
            "books": {name: by_name[name] for name in BOOK_NAMES},
            "_books": everyone,
            "levers": levers,
            "_levers": everyone,
            "reward_terms": {name: by_name[name] for name in ("profit_term", "closing_term", "shaping_term")},
            "_reward_terms": everyone,
            **world,
        }

    def __getstate__(self) -> Any:
        """Raise TypeError: tensors and kernels stay on their device."""
        raise TypeError("a batch on a device cannot be copied or pickled: make another one, and hand over get_state()")

    def closing_values(self, rule: Closing) -> Any:
        """Worth of each firm, RMB bn, if its episode closed with the month just run: a tensor, shape (num_envs,).

        As `EcosystemVectorEnv.closing_values`: nan where no month has been run since the episode began.

        Raises:
            ValueError: no such rule.
            gymnasium.error.ResetNeeded: called before `reset`.
        """
        number = closing_rule("rule", rule)
        if not self._begun:
            raise ResetNeeded("closing_values needs running episodes: call reset first")
        values = self.device.zeros((self.num_envs,))
        self.device.launch(
            "price", self.num_envs, self._states, self._economies, self._sources, self._flows, self._shocks,
            self._shocks_off, self._spare_states, values, number,
        )  # fmt: skip
        values /= BN
        month = self._states[STATE.fields["month"][1] // 8]  # type: ignore[index]  # it has fields
        values[month < 1.0] = float("nan")
        return values

    def get_state(self) -> dict[str, Any]:
        """Everything that decides what comes next, as plain arrays: what `EcosystemVectorEnv.get_state` has."""
        device = self.device
        tables = {"states": STATE, "economies": ECONOMY, "sources": SOURCE, "reports": REPORT}
        return {
            **{name: records_of(device.array(getattr(self, f"_{name}")), kind) for name, kind in tables.items()},
            "observations": np.ascontiguousarray(device.array(self._seen).T),
            "shocks": np.zeros((0, self.settings.horizon), SHOCKS),
            "version": VERSION,
            "generators": self._get_generators().states() if self._begun else [],
        }

    def set_state(self, state: Mapping[str, Any]) -> Any:
        """Go back to a state of `get_state`, of this class or of a CPU's batch, and return its observations.

        Raises:
            ValueError: the state is foreign, or a world in it has a table of its own; nothing changes.
        """
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
        batch = self.settings.batch(self.num_envs)
        batch.restore(state)
        if batch.sources["tabled"].any():
            raise ValueError("state['sources'] has worlds with tables of their own: they are played on a CPU only")
        self._take(batch, generators)
        return self._observations()

    def _take(self, batch: Batch, generators: Generators) -> None:
        """Take over the firms of a batch of a CPU."""
        for name in ("states", "economies", "sources", "reports"):
            getattr(self, f"_{name}").copy_(self.device.tensor(table_of(getattr(batch, name))))
        self._seen.copy_(self.device.tensor(np.ascontiguousarray(batch.observations.T)))
        self._world_keys.copy_(self.device.tensor(batch.keys.copy()))
        self._put_generators(generators)
        self._begun, self.reports = True, self._reports
