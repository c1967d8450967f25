"""Values of others as messages show them: short, on one line, without control codes; nothing of theirs is run.

A message must not become a page because a value is a whole world, move the cursor of a terminal because a text has
control codes in it, or fail because an object's own `__repr__` does.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterable
from pathlib import PurePath
from typing import Any

LONGEST = 60
"""Characters of a value that a message shows."""
LONGEST_PATH = 300
"""Characters of a path that a message shows: the folder of a test or of a home is longer than a value may be."""
LONGEST_MESSAGE = 2000
"""Characters of a whole message of somebody else's error."""
MOST_ITEMS = 12
"""Items of a list, numbers of an array."""
DEEPEST = 3
"""Lists in lists that are shown; what lies deeper is named by its type."""
MOST_BITS = 14_000
"""Bits of a whole number whose first digits are shown; Python writes no more than 4,300 of them."""
CUT = "..."
_PRINTED_BY = ("builtins", "pathlib", "datetime", "decimal", "uuid", "gymnasium")
"""Modules whose objects say themselves what they are: their words are known and cut; others are named by type."""


def shown(value: object, longest: int = LONGEST) -> str:
    """A value as Python writes it, in at most `longest` characters; a path has at most LONGEST_PATH.

    Texts come in quotes with control codes escaped, lists with their first items, small arrays with their numbers;
    larger arrays with shape and type, objects of other classes as `<Class>`. Never raises, whatever the value does.
    """
    if issubclass(type(value), PurePath):
        longest = max(longest, LONGEST_PATH)
    try:
        return _cut(_written(value, longest, DEEPEST), longest)
    except Exception:  # noqa: BLE001  # a foreign class may do anything when it is looked at
        return "<object that cannot be shown>"


def plain(value: object, longest: int | None = None) -> str:
    """A name, path or message without quotes, control codes escaped.

    Args:
        value: a text, a path or an error; anything else is written as of `shown`.
        longest: characters, LONGEST for a text, LONGEST_PATH for a path and LONGEST_MESSAGE for an error by default.
    """
    kind = type(value)  # asking an object for its class would run its code
    if issubclass(kind, str):
        return _cut(_escaped(value, longest or LONGEST), longest or LONGEST)  # type: ignore[arg-type]  # it is one
    if issubclass(kind, PurePath):
        return _cut(_escaped(str(value), longest or LONGEST_PATH), longest or LONGEST_PATH)
    if issubclass(kind, BaseException):
        try:
            return _cut(_escaped(str(value), longest or LONGEST_MESSAGE), longest or LONGEST_MESSAGE)
        except Exception:  # noqa: BLE001  # its class may be anybody's
            return class_name(kind)
    return shown(value, longest or LONGEST)


def class_name(kind: type) -> str:
    """The name of a class, control codes escaped, in at most LONGEST characters; nothing of its own is run."""
    return _cut(_escaped(type.__dict__["__name__"].__get__(kind), LONGEST), LONGEST)


def quoted(name: object) -> str:
    """A name that may be a path, as of `shown` and as long as a path may be."""
    return shown(name, LONGEST_PATH)


def listed(names: Iterable[object]) -> str:
    """The first MOST_ITEMS of some names, each as of `plain`, with commas between them."""
    first = list(itertools.islice(names, MOST_ITEMS + 1))
    return ", ".join([*map(plain, first[:MOST_ITEMS]), *([CUT] if len(first) > MOST_ITEMS else [])])


def printable(text: str) -> str:
    """A whole text, however long, with its control codes escaped; lines stay lines, and tabs tabs."""
    if text.isprintable():
        return text
    return "".join(c if c in "\n\t" or c.isprintable() else _code(c) for c in text)


def _escaped(text: str, longest: int) -> str:
    """The beginning of a text with control codes escaped, a little longer than is shown so that the cut is seen."""
    some = str.__getitem__(text, slice(longest + 1))
    return some if some.isprintable() else "".join(c if c.isprintable() else _code(c) for c in some)


def _code(character: str) -> str:
    """As Python writes a character that cannot be printed."""
    return repr(character)[1:-1]


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: max(longest - len(CUT), 0)] + CUT


def _written(value: Any, longest: int, depth: int) -> str:
    """What `shown` cuts; `depth` is how many lists in lists may follow."""
    kind = type(value)
    if kind in BRACKETS:
        return _items(value, longest, depth)
    of_numpy = _of_numpy(value, longest, depth) if "numpy" in sys.modules else None
    if of_numpy is not None:
        return of_numpy
    for base, write in _WRITERS:
        if issubclass(kind, base):
            return write(value, longest)
    return _by_itself(value)


def _text(value: Any, longest: int) -> str:
    return repr(str.__getitem__(value, slice(longest + 1)))


def _whole(value: Any, longest: int) -> str:
    del longest
    number = int.__index__(value)
    return repr(number) if number.bit_length() <= MOST_BITS else f"<{number.bit_length():,}-bit whole number>"


_WRITERS: tuple[tuple[type, Callable[[Any, int], str]], ...] = (
    (str, _text),
    (bool, lambda value, _: repr(value)),
    (int, _whole),
    (float, lambda value, _: float.__repr__(value)),
    (complex, lambda value, _: complex.__repr__(value)),
    (bytes, lambda value, longest: repr(bytes.__getitem__(value, slice(longest + 1)))),
    (bytearray, lambda value, longest: repr(bytearray.__getitem__(value, slice(longest + 1)))),
    (PurePath, lambda value, longest: _text(str(value), longest)),
    (BaseException, lambda value, longest: f"{class_name(type(value))}({plain(value, longest)})"),
    (type, lambda value, _: f"<class {class_name(value)}>"),
)
"""How values of these types and of those made from them are written, by the type's own function."""
BRACKETS: dict[object, str] = {list: "[]", tuple: "()", set: "{}", frozenset: "{}", dict: "{}"}


def _items(value: Any, longest: int, depth: int) -> str:
    """The first items of a list, tuple, set or dictionary."""
    kind = type(value)
    if depth <= 0:
        return f"<{class_name(kind)} of {len(value)}>"
    left, right = tuple(BRACKETS[kind])
    parts, room = list[str](), longest
    for at, item in enumerate(value.items() if kind is dict else value):
        if at == MOST_ITEMS or room <= 0:
            parts.append(CUT)
            break
        each = item if kind is dict else (item,)
        parts.append(": ".join(_written(one, longest, depth - 1) for one in each))
        room -= len(parts[-1]) + 2
    alone = "," if kind is tuple and len(parts) == 1 else ""
    return left + ", ".join(parts) + alone + right


def _of_numpy(value: Any, longest: int, depth: int) -> str | None:
    """A number, array, record or type of NumPy; None for anything else."""
    import numpy as np  # noqa: PLC0415  # loaded already, or there is no such value

    kind = type(value)
    if issubclass(kind, np.dtype):
        return f"<type {value.name}>"
    if issubclass(kind, np.generic) and kind.__module__ == "numpy":
        if value.dtype.kind in "biufcmM":
            return repr(value)
        if value.dtype.kind == "V":
            return f"<{class_name(kind)} of type {value.dtype.name}>"
    if not issubclass(kind, np.ndarray):
        return None
    if kind is np.ndarray and value.size <= MOST_ITEMS and value.dtype.kind in "biufcSU":
        numbers = value.tolist()
        return f"array({_written(numbers, longest, depth + value.ndim)})"
    return f"<{class_name(kind)} of shape {value.shape} and type {value.dtype.name}>"


def _by_itself(value: Any) -> str:
    """What an object of a known library calls itself, on one line; others, and what fails to, by type."""
    kind = type(value)
    root = kind.__module__.partition(".")[0]
    by_type = f"<{class_name(kind)}>"
    if root not in _PRINTED_BY:
        return by_type
    words = " ".join(repr(value).split())
    return by_type if " at 0x" in words else printable(words)
