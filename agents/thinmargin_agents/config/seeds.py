"""The seeds of a run: every use of chance draws from a stream of its own, mixed from the seed that the user types.

Gymnasium and Stable-Baselines3 seed environment i with seed + i, so that of 64 firms runs with seeds 0 and 1 share 63
streams of worlds. NumPy's `SeedSequence` mixes the seed with a key of the use instead: streams of two seeds, or of two
uses of one seed, have nothing in common but by chance: one in 10^12 that two of the firms of ten runs of 512 share one.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

SEEDING = "numpy.random.SeedSequence(seed, spawn_key=(use,))"
"""How seeds are made: values of runs whose seeds are made in another way are not those of the same seed."""


class Use(IntEnum):
    """What chance is used for, and its spawn key. Keys stay as they are: a new use gets the next number."""

    LEARNING = 0
    """Weights at the start, exploration and batches: PyTorch's generator, NumPy's and Python's global ones."""
    WORLDS = 1
    """One seed a firm, of the worlds of its episodes."""
    PAIRED_WORLDS = 2
    """Worlds that several firms live through side by side."""
    RANDOM_ACTIONS = 3
    """Actions drawn from the action space, before an algorithm learns or where it explores."""


def sequence(seed: int, use: Use) -> np.random.SeedSequence:
    """The source of the seeds of one use."""
    return np.random.SeedSequence(seed, spawn_key=(int(use),))


def seeds_of(seed: int, use: Use, count: int = 1, bits: int = 64) -> list[int]:
    """Seeds of one use; more of them begin with the same ones.

    Args:
        seed: what the user types.
        use: what they are for.
        count: how many.
        bits: 32 or 64; some libraries take no more than 32.
    """
    words = sequence(seed, use).generate_state(count, np.uint64 if bits == 64 else np.uint32)
    return [int(word) for word in words]
