"""The generators of a batch draw what NumPy's PCG64 draws, and go where it goes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from thinmargin.generators import Generators
from thinmargin.splits import KEYS

ROWS = 20
RANGES = {
    **KEYS,
    "one key": range(5, 6),
    "all of 32 bits but one": range(2**32 - 1),
    "all of 32 bits": range(3, 2**32 + 3),
    "half of 32 bits and one: many draws are thrown away": range(2**31 + 1),
    "three quarters of 63 bits: many draws are thrown away": range(3 * 2**61),
}


@pytest.mark.parametrize("keys", RANGES.values(), ids=RANGES)
def test_keys_are_those_that_numpy_draws(keys: range) -> None:
    ours = Generators(list(range(ROWS)))
    theirs = [np.random.default_rng(seed) for seed in range(ROWS)]
    for turn in range(30):
        rows = np.arange(turn % 3, ROWS, 1 + turn % 2)
        drawn = ours.draw(rows, keys)
        assert drawn.tolist() == [int(theirs[row].integers(keys.start, keys.stop)) for row in rows]
    assert ours.states() == [generator.bit_generator.state for generator in theirs]


def test_ranges_of_32_and_of_64_bits_take_turns() -> None:
    ours, theirs = Generators([3]), np.random.default_rng(3)
    for name in ("test", "train", "test", "test", "train", "validation"):
        keys = RANGES[name]
        assert ours.draw(np.zeros(1, np.int64), keys)[0] == theirs.integers(keys.start, keys.stop)
        assert ours.states() == [theirs.bit_generator.state], "half a number is kept"


def test_a_state_is_taken_as_it_was_told() -> None:
    one = Generators([1, 2, 3])
    one.draw(np.arange(3), KEYS["test"])
    other = Generators.in_states(one.states())
    assert other.states() == one.states()
    assert other.draw(np.arange(3), KEYS["train"]).tolist() == one.draw(np.arange(3), KEYS["train"]).tolist()


def test_rows_without_a_seed_go_on_and_begin_differently() -> None:
    generators = Generators([None, None, 7])
    before = generators.states()
    assert before[0] != before[1]
    generators.seed([None, 7, None])
    assert generators.states() == [before[0], before[2], before[2]]


def test_plain_python_draws_the_same_without_a_warning(fresh_python: Any) -> None:
    program = f"""
import numpy
from thinmargin.generators import Generators
generators = Generators([0, 1, 2])
for keys in {[keys for name, keys in RANGES.items() if "one key" not in name]}:
    print([generators.draw(numpy.arange(3), keys).tolist() for _ in range(4)])
print(generators.states())
"""
    assert fresh_python(program) == fresh_python(program, NUMBA_DISABLE_JIT="1")
