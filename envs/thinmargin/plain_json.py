"""JSON in which no key stands twice: Python's own reader keeps the last of two values without a word."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from thinmargin.shown import shown


class RepeatedKeyError(ValueError):
    """A mapping has a key twice; the message names the key and both values."""


def read_json_text(text: str | bytes) -> Any:
    """What a JSON text says.

    Raises:
        RepeatedKeyError: a mapping in it has a key twice.
        ValueError: it is no JSON, or no text.
        RecursionError: it is nested too deeply.
    """
    return json.loads(text, object_pairs_hook=_mapping)


def _mapping(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict[str, Any]()
    for key, value in pairs:
        if key in found:
            raise RepeatedKeyError(f"the key {shown(key)} stands twice, with {shown(found[key])} and {shown(value)}")
        found[key] = value
    return found
