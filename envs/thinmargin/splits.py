"""Which world keys are for training, which for tuning, and which for reporting only."""

from __future__ import annotations

import operator
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from thinmargin.shown import shown

Split: TypeAlias = Literal["train", "validation", "test"]

MOST = 1 << 62
"""The largest world key."""
KEYS: dict[Split, range] = {
    "validation": range(1_000_000, 2_000_000),
    "test": range(2_000_000, 3_000_000),
    "train": range(1 << 32, 1 << 62),
}
"""Disjoint ranges of world keys. Environments draw from `train` unless another split is given."""


def keys_of(split: Split) -> range:
    """The range of world keys of a split; an unknown name is a ValueError."""
    if not isinstance(split, str) or split not in KEYS:
        raise ValueError(f"split is {shown(split)}: allowed are {', '.join(get_args(Split))}")
    return KEYS[split]


def check_key(key: object) -> int:
    """Return `key` as an int; raise ValueError or TypeError unless it is a world key (0 to 2**62)."""
    if isinstance(key, bool) or not hasattr(key, "__index__"):
        raise TypeError(f"world key is {shown(key)}: must be an integer from 0 to 2**62")
    try:
        number = operator.index(key)
    except Exception as error:
        raise TypeError(f"world key is {shown(key)}: must be an integer from 0 to 2**62") from error
    if not 0 <= number <= MOST:
        raise ValueError(f"world key is {shown(number)}: allowed are 0 to 2**62")
    return number


def check_keys(keys: Any) -> npt.NDArray[np.int64]:
    """Return `keys` as a new array of the same length; raise as `check_key` does for the first that is none."""
    if isinstance(keys, np.ndarray) and keys.ndim == 1 and keys.dtype.kind in "iu":
        wrong = keys[(keys < 0) | (keys > MOST)]
        if wrong.size:
            check_key(wrong[0])
        return np.array(keys, np.int64)
    return np.array([check_key(key) for key in keys], np.int64)
