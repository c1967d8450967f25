"""Keyword arguments, spaces and checks that both environment shells share."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from thinmargin.batch import Batch
from thinmargin.levers import action_of
from thinmargin.memory import check_memory
from thinmargin.parameters import ECONOMY
from thinmargin.record_checks import check_economies, check_shocks
from thinmargin.records import (
    BOOK_NAMES,
    FEATURES,
    LEVER_NAMES,
    LEVER_REPORT,
    LEVERS,
    REPORT,
    REWARD_NAMES,
    SHOCKS,
    group_type,
)
from thinmargin.scenarios import family_of
from thinmargin.shown import shown
from thinmargin.simulation import CLOSING_RULES
from thinmargin.splits import Split, check_key, keys_of
from thinmargin.versions import VERSION
from thinmargin.worlds import MAX_HORIZON, Family, World

Reward: TypeAlias = Literal["profit", "shaped"]
Closing: TypeAlias = Literal["own_levers", "playbook", "none"]
"""What is played behind the horizon to price what the firm is worth: see `EcosystemEnv`."""
SCORED: Closing = "own_levers"
"""The closing rule of the benchmark."""
LEVER_GRID = (
    (-0.05, 0.0, 0.05, 0.10, 0.20, 0.35),
    (0.0, 0.004, 0.015, 0.04),
    (0.01, 0.03, 0.08, 0.20),
    (1.0, 2.5, 4.33),
)
"""Levels of each lever behind a discrete action: markup, tickets, selling spend, releases."""

WIDEST = np.dtype(np.float64).itemsize
"""Bytes of the numbers that levers are computed in."""

ASKED_NAMES = [field.name for field in LEVER_REPORT[: len(LEVERS)]]
APPLIED_NAMES = [field.name for field in LEVER_REPORT[len(LEVERS) :]]
BOOKS_VIEW = group_type(REPORT, BOOK_NAMES, BOOK_NAMES)
ASKED_VIEW = group_type(REPORT, ASKED_NAMES, LEVER_NAMES)
APPLIED_VIEW = group_type(REPORT, APPLIED_NAMES, LEVER_NAMES)
REWARD_VIEW = group_type(REPORT, REWARD_NAMES, REWARD_NAMES)


def discrete_actions() -> npt.NDArray[np.float64]:
    """The actions in [-1, 1] behind each discrete action, shape (288, 4); the last lever varies fastest."""
    return np.array([action_of(*levels) for levels in itertools.product(*LEVER_GRID)], dtype=np.float64)


def observation_space() -> spaces.Box:
    """The Box of features in the order and ranges of `thinmargin.records.FEATURES`."""
    low = np.array([feature.low for feature in FEATURES], np.float32)
    high = np.array([feature.high for feature in FEATURES], np.float32)
    return spaces.Box(low, high, dtype=np.float32)


@dataclass(frozen=True)
class Settings:
    """Keyword arguments of an environment, checked.

    Raises:
        ValueError: an argument is not among what is allowed; the message names it.
        TypeError: an argument has the wrong type.
    """

    worlds: str = "benchmark"
    reward: Reward = "profit"
    closing: Closing = SCORED
    horizon: int = 180
    split: Split = "train"
    parameters: Mapping[str, Any] | None = None
    discrete: bool = False

    def __post_init__(self) -> None:
        family_of(self.worlds)
        keys_of(self.split)
        if not isinstance(self.reward, str) or self.reward not in get_args(Reward):
            raise ValueError(f"reward is {shown(self.reward)}: allowed are {', '.join(get_args(Reward))}")
        closing_rule("closing", self.closing)
        check_flag("discrete", self.discrete)
        check_whole("horizon", self.horizon, MAX_HORIZON)
        if self.parameters is not None and not isinstance(self.parameters, Mapping):
            raise TypeError(f"parameters is {shown(self.parameters)}: must be a dictionary of name and value")
        self.family()

    def family(self) -> Family:
        """The family of worlds, with the overridden parameters."""
        return family_of(self.worlds).with_parameters(self.parameters)

    def batch(self, size: int, num_threads: int = 1) -> Batch:
        """Arrays for `size` environments; a MemoryError if they need more memory than there is."""
        check_memory(f"{size:,} environments side by side", size * Batch.bytes_a_row())
        return Batch(size, self.horizon, closing_rule("closing", self.closing), self.reward == "shaped", num_threads)

    @property
    def pays_closing(self) -> bool:
        """Whether the last month pays a closing value and terminates; else it truncates."""
        return self.closing != "none"

    def action_space(self) -> spaces.Box | spaces.Discrete:
        """`Box(-1, 1, (4,))`, or the grid when discrete."""
        if self.discrete:
            return spaces.Discrete(len(discrete_actions()))
        return spaces.Box(-1.0, 1.0, (len(LEVERS),), np.float32)


def closing_rule(name: str, rule: object) -> int:
    """The number of a closing rule, for compiled code; raise ValueError unless `rule` is the name of one."""
    if not isinstance(rule, str) or rule not in get_args(Closing):
        raise ValueError(f"{name} is {shown(rule)}: allowed are {', '.join(get_args(Closing))}")
    return CLOSING_RULES.index(rule)


def check_whole(name: str, value: object, high: int) -> None:
    """Raise TypeError or ValueError unless `value` is a whole number from 1 to `high`."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} is {shown(value)}: must be a whole number from 1 to {high}")
    if not 1 <= value <= high:
        raise ValueError(f"{name} is {shown(value)}: allowed are 1 to {high}")


def check_render_mode(mode: object, modes: Sequence[str]) -> None:
    """Raise ValueError unless `mode` is None or among `modes`."""
    if mode is not None and not (isinstance(mode, str) and mode in modes):
        raise ValueError(f"render_mode is {shown(mode)}: allowed are {', '.join(modes)} and None")


def check_flag(name: str, value: object) -> None:
    """Raise TypeError unless `value` is True or False."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} is {shown(value)}: must be True or False")


def check_seed(seed: object, also: str = "") -> int | None:
    """Return `seed` as Gymnasium takes it; raise gymnasium.error.Error or TypeError unless it is 0 or more, or None.

    Args:
        seed: whatever was given.
        also: what the caller takes besides, for the message.
    """
    if seed is None:
        return None
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise TypeError(f"seed is {shown(seed)}: must be a whole number from 0, or None{also}")
    if seed < 0:
        raise gymnasium.error.Error(f"seed is {shown(seed)}: allowed are whole numbers from 0, and None{also}")
    return int(seed)


def array_of(name: str, value: Any) -> npt.NDArray[Any]:
    """Return `value` as an array; TypeError for what is none: lists of several lengths, or with numbers left out."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} is {shown(value)}: must be an array without a mask")
    try:
        return np.asarray(value)
    except MemoryError:
        raise
    except Exception as error:
        raise TypeError(f"{name} is {shown(value)}: must be an array of numbers, every row as long") from error


def check_numbers(action: Any, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Return `action` as an array; raise ValueError or TypeError unless it has this shape and finite real numbers.

    Numbers that float64 does not hold are not finite either.
    """
    numbers = array_of("action", action)
    if numbers.dtype.kind not in "fiu":
        raise TypeError(f"action has type {numbers.dtype.name}: must be real numbers (float32), got {shown(action)}")
    if numbers.shape != shape:
        raise ValueError(f"action has shape {numbers.shape}: must be {shape}")
    if numbers.itemsize > WIDEST:
        with np.errstate(over="ignore"):
            numbers = numbers.astype(np.float64)
    few = numbers.ndim == 1  # Python is faster than NumPy for four numbers
    if not (all(map(math.isfinite, numbers.tolist())) if few else np.isfinite(numbers).all()):
        place = tuple(np.argwhere(~np.isfinite(numbers))[0].tolist())
        raise ValueError(
            f"action is {shown(action)}, with {numbers[place]:g} in place {shown(place)}: every number must be finite"
        )
    return numbers


def check_choices(action: Any, shape: tuple[int, ...], count: int) -> npt.NDArray[np.int64]:
    """Return `action` as integers; raise ValueError or TypeError unless it has this shape and 0 to `count` - 1."""
    choices = array_of("action", action)
    if choices.dtype.kind not in "iu":
        raise TypeError(f"action has type {choices.dtype.name}: must be a whole number, got {shown(action)}")
    if choices.shape != shape:
        raise ValueError(f"action has shape {choices.shape}: must be {shape}")
    outside = choices[(choices < 0) | (choices >= count)]
    if outside.size:
        raise ValueError(f"action is {shown(action)}, with {outside[0]}: allowed are 0 to {count - 1}")
    return choices.astype(np.int64)


def check_options(options: object, horizon: int) -> World | int | list[World | int] | None:
    """The world that `options` of a reset asks for: one, a list of them, or None.

    Raises:
        ValueError: an unknown option, a key out of range, or a World shorter than `horizon`.
        TypeError: `options` is no dictionary, or something is neither a key nor a World.
    """
    if options is None:
        return None
    if not isinstance(options, Mapping):
        raise TypeError(f"options is {shown(options)}: must be a dictionary such as {{'world': 7}}")
    for name in options:
        if not isinstance(name, str) or name != "world":
            raise ValueError(f"reset option {shown(name)} is unknown: allowed is 'world' (a key or a World)")
    if not options:
        return None
    world = options["world"]
    if isinstance(world, (list, tuple)) or (isinstance(world, np.ndarray) and world.ndim):
        return [check_world(item, horizon) for item in world]
    return check_world(world, horizon)


def check_world(world: object, horizon: int) -> World | int:
    """Return `world`; raise ValueError or TypeError unless it is a world key or a World of `horizon` months or more."""
    if not isinstance(world, World):
        return check_key(world)
    key = check_key(world.key)
    if not isinstance(world.family, str):
        raise TypeError(
            f"world {key}: its family is {shown(world.family)}: must be the name of one, as Family.draw gives"
        )
    for name, item, kind in (("economy", world.economy, ECONOMY), ("shocks", world.shocks, SHOCKS)):
        if not isinstance(item, (np.ndarray, np.void)) or item.dtype != kind or isinstance(item, np.ma.MaskedArray):
            raise ValueError(
                f"world {key}: its {name} is not of the type that Family.draw makes in version {VERSION} of the"
                f" environments; one that another version drew must be drawn anew: options={{'world': {key}}}"
            )
    if world.economy.shape != () or world.shocks.ndim != 1:
        raise ValueError(
            f"world {key}: its economy and shocks have shapes {shown(world.economy.shape)} and"
            f" {shown(world.shocks.shape)}: they must be () and (months,)"
        )
    if len(world.shocks) < horizon:
        raise ValueError(f"world {key} has {len(world.shocks)} months of shocks: must be at least {horizon}")
    check_economies(f"world {key}", np.array([world.economy]), begun=False)
    check_shocks(f"world {key}", world.shocks)
    return world


def generator_from(name: str, state: object) -> np.random.Generator:
    """A generator in this state of its bit generator; a foreign one is a ValueError that says which."""
    generator = np.random.Generator(np.random.PCG64(0))
    try:
        generator.bit_generator.state = state  # type: ignore[assignment]  # whatever it is, it is checked here
    except Exception as error:
        raise ValueError(
            f"state['{name}'] is not the state of a PCG64 generator: it must come from get_state"
        ) from error
    return generator
