"""Seeds of a run: each use of chance has a stream of its own, and no two seeds share one."""

from __future__ import annotations

import itertools

import numpy as np

from thinmargin_agents.config.limits import LIMITS
from thinmargin_agents.config.seeds import Use, seeds_of, sequence

FIRMS = 512


def test_neighbouring_seeds_and_uses_of_one_seed_have_no_seed_in_common() -> None:
    drawn = [set(seeds_of(seed, use, FIRMS)) for seed in (*range(20), *LIMITS["seed"]) for use in Use]
    assert all(len(each) == FIRMS for each in drawn)
    drawn = [set(seeds_of(seed, use, FIRMS)) for seed in range(20) for use in Use]
    assert not any(one & other for one, other in itertools.combinations(drawn, 2))


def test_a_seed_gives_the_same_seeds_again_and_more_of_them_begin_alike() -> None:
    assert seeds_of(7, Use.WORLDS, 5) == seeds_of(7, Use.WORLDS, 8)[:5]


def test_they_are_those_that_numpy_makes_of_the_documented_keys() -> None:
    assert [(use.name, use.value) for use in Use] == [
        ("LEARNING", 0), ("WORLDS", 1), ("PAIRED_WORLDS", 2), ("RANDOM_ACTIONS", 3),
    ]  # fmt: skip
    expected = np.random.SeedSequence(3, spawn_key=(1,)).generate_state(4, np.uint64)
    assert seeds_of(3, Use.WORLDS, 4) == expected.tolist()
    assert sequence(3, Use.PAIRED_WORLDS).spawn_key == (2,)


def test_seeds_for_libraries_that_take_32_bits_have_no_more() -> None:
    drawn = seeds_of(0, Use.LEARNING, 1000, bits=32)
    assert 1 << 31 < max(drawn) < 1 << 32
