"""Which world keys are for training, which for tuning, and which for reporting only."""

from __future__ import annotations

import operator
from typing import Literal, TypeAlias, get_args

Split: TypeAlias = Literal["train", "validation", "test"]

KEYS: dict[Split, range] = {
    "validation": range(1_000_000, 2_000_000),
    "test": range(2_000_000, 3_000_000),
    "train": range(1 << 32, 1 << 62),
}
"""Disjoint ranges of world keys. Environments draw from `train` unless another split is given."""


def keys_of(split: Split) -> range:
    """The range of world keys of a split; an unknown name is a ValueError."""
    if not isinstance(split, str) or split not in KEYS:
        raise ValueError(f"split is {split!r}: allowed are {', '.join(get_args(Split))}")
    return KEYS[split]


def check_key(key: object) -> int:
    """Return `key` as an int; raise ValueError or TypeError unless it is a world key (0 to 2**62)."""
    if isinstance(key, bool) or not hasattr(key, "__index__"):
        raise TypeError(f"world key is {key!r}: must be an integer from 0 to 2**62")
    number = operator.index(key)
    if not 0 <= number <= 1 << 62:
        raise ValueError(f"world key is {number}: allowed are 0 to 2**62")
    return number
