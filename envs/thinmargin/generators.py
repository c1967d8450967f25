"""The generators of the rows of a batch: NumPy's PCG64 as ten numbers a row, so that no row holds an object.

A row draws the keys that `np.random.Generator(np.random.PCG64(seed)).integers(start, stop)` draws, in their order.

Sources: O'Neill 2014, "PCG: a family of simple fast space-efficient statistically good algorithms for random number
generation"; Lemire 2019, "Fast random integer generation in an interval", which NumPy uses for bounded numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from gymnasium.utils import seeding

from thinmargin.counter import HALF, WORD
from thinmargin.economics.compiled import entry_point, mechanism, source_digest

Word: TypeAlias = np.uint64
Row: TypeAlias = npt.NDArray[np.uint32]
"""State and increment, four words of 32 bits each and the lowest first; whether half a number is kept; that half."""

STATE, INCREMENT, KEPT, HALF_KEPT, NUMBERS = 0, 4, 8, 9, 10
MULTIPLIER = tuple(np.uint64(0x2360ED051FC65DA44385DF649FCCF645 >> shift & 0xFFFFFFFF) for shift in (0, 32, 64, 96))
TURN = np.uint64(58)
"""Bits of the upper half of the state below those that say how far the output is turned."""
ONE, LAST_BIT, ALL = np.uint64(1), np.uint64(63), np.uint64(0xFFFFFFFFFFFFFFFF)


class Generators:
    """One PCG64 a row.

    Args:
        seeds: a seed a row, as Gymnasium seeds an environment; None takes one from the operating system.

    Attributes:
        numbers: uint32 of shape (size, 10), see `Row`.
    """

    def __init__(self, seeds: Sequence[int | None]) -> None:
        self.numbers: npt.NDArray[np.uint32] = np.zeros((len(seeds), NUMBERS), np.uint32)
        for row, seed in enumerate(seeds):
            self._put(row, seeding.np_random(seed)[0].bit_generator.state)

    @classmethod
    def in_states(cls, states: Sequence[Any]) -> Generators:
        """The generators in these states, a row each, as NumPy's PCG64 tells them."""
        made = cls([])
        made.numbers = np.zeros((len(states), NUMBERS), np.uint32)
        for row, state in enumerate(states):
            made._put(row, state)
        return made

    @staticmethod
    def bytes_a_row() -> int:
        """Memory of a row, bytes."""
        return NUMBERS * np.dtype(np.uint32).itemsize

    def seed(self, seeds: Sequence[int | None]) -> None:
        """Seed the rows anew, but for those whose seed is None: they go on."""
        for row, seed in enumerate(seeds):
            if seed is not None:
                self._put(row, seeding.np_random(seed)[0].bit_generator.state)

    def _put(self, row: int, state: Any) -> None:
        numbers = self.numbers[row]
        for place, whole in ((STATE, state["state"]["state"]), (INCREMENT, state["state"]["inc"])):
            numbers[place : place + 4] = [whole >> shift & 0xFFFFFFFF for shift in (0, 32, 64, 96)]
        numbers[KEPT], numbers[HALF_KEPT] = state["has_uint32"], state["uinteger"]

    def states(self) -> list[dict[str, Any]]:
        """The state of each row as NumPy's PCG64 tells and takes it."""
        return [
            {
                "bit_generator": "PCG64",
                "state": {"state": _whole(row[STATE:INCREMENT]), "inc": _whole(row[INCREMENT:KEPT])},
                "has_uint32": row[KEPT],
                "uinteger": row[HALF_KEPT],
            }
            for row in self.numbers.tolist()
        ]

    def draw(self, rows: npt.NDArray[np.int64], keys: range) -> npt.NDArray[np.int64]:
        """Draw one of `keys` with the generator of each of these rows: shape (len(rows),)."""
        drawn = np.empty(len(rows), np.int64)
        _DRAW(rows, self.numbers, keys.start, np.uint64(len(keys)), drawn)
        return drawn


def _whole(words: Sequence[int]) -> int:
    """The whole number of four words, the lowest first."""
    return sum(word << 32 * place for place, word in enumerate(words))


@mechanism
def product_and_sum(a: Word, b: Word, c: Word, carried: Word) -> tuple[Word, Word]:
    """Lower and upper word of a * b + c + carried, all of them words: the sum is below 2**64."""
    whole = a * b + c + carried
    return whole & WORD, whole >> HALF


@mechanism
def next_state(row: Row) -> None:
    """Move a row on by one: state * MULTIPLIER + increment, modulo 2**128, word by word so that nothing overflows."""
    a, b = np.uint64(row[0]), np.uint64(row[1])
    c, d = np.uint64(row[2]), np.uint64(row[3])
    zero = np.uint64(0)
    first, carried = product_and_sum(a, MULTIPLIER[0], np.uint64(row[4]), zero)
    second, carried = product_and_sum(a, MULTIPLIER[1], np.uint64(row[5]), carried)
    third, carried = product_and_sum(a, MULTIPLIER[2], np.uint64(row[6]), carried)
    fourth, _ = product_and_sum(a, MULTIPLIER[3], np.uint64(row[7]), carried)
    second, carried = product_and_sum(b, MULTIPLIER[0], second, zero)
    third, carried = product_and_sum(b, MULTIPLIER[1], third, carried)
    fourth, _ = product_and_sum(b, MULTIPLIER[2], fourth, carried)
    third, carried = product_and_sum(c, MULTIPLIER[0], third, zero)
    fourth, _ = product_and_sum(c, MULTIPLIER[1], fourth, carried)
    fourth, _ = product_and_sum(d, MULTIPLIER[0], fourth, zero)
    row[0], row[1], row[2], row[3] = first, second, third, fourth


@mechanism
def next_64(row: Row) -> Word:
    """The next 64 random bits of a row: the halves of its state, one over the other, turned (XSL-RR)."""
    next_state(row)
    high = np.uint64(row[3]) << HALF | np.uint64(row[2])
    mixed = high ^ (np.uint64(row[1]) << HALF | np.uint64(row[0]))
    turn = high >> TURN
    return mixed >> turn | mixed << (np.uint64(64) - turn & LAST_BIT)


@mechanism
def next_32(row: Row) -> Word:
    """The next 32 random bits of a row: the lower half of 64, then the upper one, which is kept."""
    if row[8] > 0:
        row[8] = 0
        return np.uint64(row[9])
    both = next_64(row)
    row[8], row[9] = 1, both >> HALF
    return both & WORD


@mechanism
def below(row: Row, count: Word) -> Word:
    """A number from 0 to count - 1, all as likely (Lemire 2019); nothing is drawn for a count of 1."""
    if count == ONE:
        return np.uint64(0)
    if count <= WORD:
        product = next_32(row) * count
        if product & WORD < count:
            threshold = (WORD - (count - ONE)) % count
            while product & WORD < threshold:
                product = next_32(row) * count
        return product >> HALF
    if count - ONE == WORD:
        return next_32(row)
    high, low = wide_product(next_64(row), count)
    if low < count:
        threshold = (ALL - (count - ONE)) % count
        while low < threshold:
            high, low = wide_product(next_64(row), count)
    return high


@mechanism
def wide_product(a: Word, b: Word) -> tuple[Word, Word]:
    """Upper and lower 64 bits of a * b."""
    zero = np.uint64(0)
    first, carried = product_and_sum(a & WORD, b & WORD, zero, zero)
    second, third = product_and_sum(a >> HALF, b & WORD, zero, carried)
    second, carried = product_and_sum(a & WORD, b >> HALF, second, zero)
    return (a >> HALF) * (b >> HALF) + third + carried, second << HALF | first


def _entry_point(digest: str) -> Callable[..., None]:
    @entry_point
    def draw_keys(
        rows: npt.NDArray[np.int64],
        numbers: npt.NDArray[np.uint32],
        start: int,
        count: Word,
        keys: npt.NDArray[np.int64],
    ) -> None:
        _ = digest
        for k in range(rows.shape[0]):
            keys[k] = start + np.int64(below(numbers[rows[k]], count))

    return draw_keys


_DRAW = _entry_point(source_digest())
