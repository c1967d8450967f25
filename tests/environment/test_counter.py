"""The generator of worlds: the published test vectors, in both modes, and numbers that are spread as they should be."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from thinmargin.counter import normal_pair, philox, uniform, words

ALL = 0xFFFFFFFF
KNOWN = {
    (0, 0, 0, 0, 0, 0): (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8),
    (ALL, ALL, ALL, ALL, ALL, ALL): (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344, 0xA4093822, 0x299F31D0): (
        0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1,
    ),
}  # fmt: skip
"""Counter and key to what they give: the known answers of Random123 for philox4x32 with ten rounds."""
COUNT = 100_000

PRINT_NUMBERS = """
from thinmargin.counter import normal_pair, philox, words
print([int(word) for counter in %r for word in philox(*counter)])
for key, stream, month, block in ((0, 0, 0, 0), (2**62, 1, 599, 2), (2**40 + 3, 2, 7, 10)):
    found = words(key, stream, month, block)
    print([int(word) for word in found], [float(z).hex() for z in normal_pair(*found[:2])])
"""


@pytest.mark.parametrize("counter", list(KNOWN), ids=lambda counter: f"{counter[0]:x}")
def test_the_generator_gives_the_published_answers(counter: tuple[int, ...]) -> None:
    assert tuple(int(word) for word in philox(*counter)) == KNOWN[counter]


def test_plain_python_gives_the_same_numbers_without_a_warning(fresh_python: Any) -> None:
    program = PRINT_NUMBERS % (list(KNOWN),)
    assert fresh_python(program) == fresh_python(program, NUMBA_DISABLE_JIT="1")


def test_a_world_key_is_both_words_of_the_generators_key_and_the_rest_is_the_counter() -> None:
    key = 0x299F31D0A4093822
    assert words(key, 0x13198A2E, 0x85A308D3, 0x243F6A88) == philox(
        0x243F6A88, 0x85A308D3, 0x13198A2E, 0, 0xA4093822, 0x299F31D0
    )
    drawn = {words(*place) for place in np.ndindex(3, 3, 3, 3)}
    assert len(drawn) == 3**4, "every key, stream, month and block has numbers of its own"


def test_no_uniform_number_is_0_or_1() -> None:
    assert uniform(np.uint64(0)) == 2.0**-33
    assert uniform(np.uint64(ALL)) == 1.0 - 2.0**-33


def test_normal_numbers_are_never_further_than_the_smallest_uniform_number_allows() -> None:
    furthest = math.sqrt(2.0 * 33.0 * math.log(2.0))
    for second in (0, ALL // 4, ALL // 2, ALL):
        one, two = normal_pair(np.uint64(0), np.uint64(second))
        assert math.hypot(one, two) == pytest.approx(furthest)
        assert math.hypot(*normal_pair(np.uint64(ALL), np.uint64(second))) < 1e-4


def test_numbers_have_the_moments_of_their_distributions_and_tell_nothing_of_one_another() -> None:
    drawn = np.array([words(7, 1, month, 0) for month in range(COUNT)], np.uint64)
    numbers = (drawn + 0.5) / 2.0**32
    assert abs(numbers.mean(axis=0) - 0.5).max() < 4.5 / (12.0 * COUNT) ** 0.5
    assert abs(np.corrcoef(numbers, rowvar=False) - np.eye(4)).max() < 4.5 / COUNT**0.5
    assert abs(np.corrcoef(numbers[:-1, 0], numbers[1:, 0])[0, 1]) < 4.5 / COUNT**0.5
    z = np.array([normal_pair(first, second) for first, second in drawn[:, :2]])
    for power, moment, spread in ((1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0)):
        assert abs((z**power).mean(axis=0) - moment).max() < 4.5 * (spread / COUNT) ** 0.5
    assert abs(np.corrcoef(z, rowvar=False)[0, 1]) < 4.5 / COUNT**0.5
    assert abs(np.corrcoef(z**2, rowvar=False)[0, 1]) < 4.5 / COUNT**0.5
