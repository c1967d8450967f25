"""Named arrays as the bytes of a safetensors file: the same arrays and texts always give the same bytes.

The library writes the memory of an array as it lies there, so that a transposed one would be read back with its numbers
in other places; and it writes texts about a file in an order of its own, another one in every process.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save

LENGTH = 8
"""Bytes of the length of the header, which also is a multiple of so many."""
TEXTS = "__metadata__"
"""Entry of the header with the texts."""


def tensor_bytes(tensors: Mapping[str, npt.NDArray[Any]], texts: Mapping[str, str]) -> bytes:
    """The content of a safetensors file.

    Args:
        tensors: arrays by name, in any order of their numbers in memory.
        texts: about the file, by name.
    """
    content = save({name: np.asarray(array, order="C") for name, array in tensors.items()}, metadata=dict(texts))
    end = LENGTH + int.from_bytes(content[:LENGTH], "little")
    header = json.loads(content[LENGTH:end])
    header[TEXTS] = dict(sorted(texts.items()))
    written = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    written += b" " * (-len(written) % LENGTH)
    return len(written).to_bytes(LENGTH, "little") + written + content[end:]
