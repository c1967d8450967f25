"""Random numbers that are functions of where they are used: Philox4x32-10, uniform and normal numbers from it.

Source: Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3". A counter of four words is
enciphered under a key of two: there is no state, no order of drawing, and nothing to store. A word is 32 bits in an
unsigned 64-bit integer: the product of two words fits, so nothing overflows, compiled or in plain Python.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np

from thinmargin.economics.compiled import mechanism

Word: TypeAlias = np.uint64

ROUNDS = 10
WORD = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)
MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
STEPS = (np.uint64(0x9E3779B9), np.uint64(0xBB67AE85))
"""Added to the words of the key after each round: the golden ratio and the square root of three."""
TURN = 2.0 * math.pi


@mechanism
def philox(
    first: int, second: int, third: int, fourth: int, low_key: int | Word, high_key: int | Word
) -> tuple[Word, Word, Word, Word]:
    """Four random words of a counter of four words under a key of two; every argument is 0 to 2**32 - 1."""
    a, b, c, d = np.uint64(first), np.uint64(second), np.uint64(third), np.uint64(fourth)
    low, high = np.uint64(low_key), np.uint64(high_key)
    for _ in range(ROUNDS):
        even, odd = MULTIPLIERS[0] * a, MULTIPLIERS[1] * c
        a, b, c, d = (odd >> HALF) ^ b ^ low, odd & WORD, (even >> HALF) ^ d ^ high, even & WORD
        low, high = (low + STEPS[0]) & WORD, (high + STEPS[1]) & WORD
    return a, b, c, d


@mechanism
def words(key: int, stream: int, month: int, block: int) -> tuple[Word, Word, Word, Word]:
    """Four random words of a world: counter (block, month, stream, 0) under its key, low word first.

    Args:
        key: of the world, 0 to 2**62.
        stream: what the numbers are for.
        month: 0 = January 2012; 0 for what has no month.
        block: 0, 1, ... where four words are not enough.
    """
    wide = np.uint64(key)
    return philox(block, month, stream, 0, wide & WORD, wide >> HALF)


@mechanism
def uniform(word: Word) -> float:
    """A number between 0 and 1, never either: (word + 0.5) / 2**32."""
    return (word + 0.5) * 2.0**-32


@mechanism
def normal_pair(first: Word, second: Word) -> tuple[float, float]:
    """Two independent standard normal numbers from two words (Box & Muller 1958).

    Cosine and sine, in this order, of an angle from the second word, times a radius from the first:
    sqrt(-2 ln u). No number is beyond 6.8.
    """
    radius = math.sqrt(-2.0 * math.log(uniform(first)))
    angle = TURN * uniform(second)
    return radius * math.cos(angle), radius * math.sin(angle)
