"""Numbers inside a pickle, found by disassembling it: nothing in it is executed."""

from __future__ import annotations

import base64
import binascii
import pickletools
from typing import Any

import numpy as np
import numpy.typing as npt

LONGEST = 1 << 24
"""Characters of an encoded pickle that is looked into."""
DAMAGED = (binascii.Error, ValueError, EOFError, IndexError, KeyError, UnicodeDecodeError)
"""Errors of what is no pickle in base64."""
WHOLE = ("BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1")
"""Operations that put a whole number."""


def numbers_in(encoded: Any, kind: np.dtype[Any], columns: int) -> npt.NDArray[Any] | None:
    """The array of a pickled NumPy array, shape (rows, columns); None if there is none of that type and width.

    Args:
        encoded: the pickle in base64, as Stable-Baselines3 writes it beside a value that JSON cannot hold.
        kind: type of the numbers.
        columns: numbers in a row.
    """
    if not isinstance(encoded, str) or len(encoded) > LONGEST:
        return None
    width = columns * kind.itemsize
    try:
        content = base64.b64decode(encoded, validate=True)
        for _, argument, _ in pickletools.genops(content):
            if isinstance(argument, (bytes, bytearray)) and len(argument) >= width and len(argument) % width == 0:
                return np.frombuffer(argument, kind).reshape(-1, columns)
    except DAMAGED:
        return None
    return None


def train_freq_in(encoded: Any) -> tuple[int, str] | None:
    """The number and the unit, step or episode, of a pickled `TrainFreq`; None if they are not there.

    Args:
        encoded: as of `numbers_in`.
    """
    if not isinstance(encoded, str) or len(encoded) > LONGEST:
        return None
    number = unit = None
    try:
        for code, argument, _ in pickletools.genops(base64.b64decode(encoded, validate=True)):
            if number is None and code.name in WHOLE:
                number = argument
            if argument in ("step", "episode"):
                unit = argument
    except DAMAGED:
        return None
    return None if number is None or unit is None else (number, unit)
