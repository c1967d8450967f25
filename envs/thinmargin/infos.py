"""The infos of a month, filled when they are read: most steps of most programs read none of them.

`Books`, `Levers` and `RewardTerms` are dictionaries. They hold the numbers of their month, and turn them into entries
the first time that anything is asked of them; a copy, pickled ones too, is an ordinary dictionary. Trees of JAX take
only what is exactly a `dict` apart, and Minari 0.5.4 records infos with them: once one of the two is loaded, infos are
ordinary dictionaries.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from thinmargin.records import BOOK_NAMES, LEVER_NAMES, REWARD_NAMES
from thinmargin.shown import shown

Info: TypeAlias = Literal["full", "plain", "lean"]
"""What `info` has besides the world: see `EcosystemEnv`."""

READING = (
    "__contains__", "__delitem__", "__eq__", "__ge__", "__getitem__", "__gt__", "__ior__", "__iter__", "__le__",
    "__len__", "__lt__", "__ne__", "__or__", "__repr__", "__reversed__", "__ror__", "__setitem__", "__sizeof__",
    "clear", "copy", "get", "items", "keys", "pop", "popitem", "setdefault", "update", "values",
)  # fmt: skip
"""What asks something of a dictionary, or changes it."""
UNREAD = {"not read yet": "copy it with dict(...), or make the environment with info='plain'"}
"""What code sees that looks into the memory of a dictionary past all its methods, as some written in C does."""


def check_info(info: object) -> None:
    """Raise ValueError unless `info` is one of the kinds of infos."""
    if not isinstance(info, str) or info not in get_args(Info):
        raise ValueError(f"info is {shown(info)}: allowed are {', '.join(get_args(Info))}")


def plain_info(report: bytes, world: int) -> dict[str, Any]:
    """The infos of a month as ordinary dictionaries; `report` is a REPORT record."""
    numbers = _numbers(report)  # in the order of REPORT_FIELDS: names run out before numbers do
    asked = dict(zip(LEVER_NAMES, numbers, strict=False))
    applied = dict(zip(LEVER_NAMES, numbers, strict=False))
    return {
        "books": dict(zip(BOOK_NAMES, numbers, strict=False)),
        "levers": {"asked": asked, "applied": applied},
        "reward_terms": dict(zip(REWARD_NAMES, numbers, strict=False)),
        "world": world,
    }


def _numbers(report: bytes) -> Iterator[float]:
    return iter(np.frombuffer(report).tolist())


class FilledWhenRead(dict[str, Any]):
    """A part of a month's infos.

    Attributes:
        report: the bytes of a REPORT record; None once the entries are there.
    """

    __slots__ = ("report",)
    report: bytes | None
    group = ""
    """The entry of an info that this is."""

    def fill(self) -> None:
        """Take the entries of this group, once."""
        report = getattr(self, "report", None)  # one that others make has none
        if report is not None:
            entries = plain_info(report, 0)[self.group]
            self.report = None
            dict.clear(self)
            dict.update(self, entries)

    def __reduce_ex__(self, _: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Copy and pickle as an ordinary dictionary."""
        return dict, (dict(self),)


def _reading(name: str) -> Callable[..., Any]:
    method = getattr(dict, name)

    def read(self: FilledWhenRead, *arguments: Any, **named: Any) -> Any:
        self.fill()
        for other in arguments:
            if isinstance(other, FilledWhenRead):
                other.fill()
        return method(self, *arguments, **named)

    read.__name__, read.__doc__ = name, method.__doc__
    return read


for _name in READING:
    setattr(FilledWhenRead, _name, _reading(_name))


class Books(FilledWhenRead):
    """The books of a month by name."""

    __slots__ = ()
    group = "books"


class Levers(FilledWhenRead):
    """The levers of a month, asked and applied."""

    __slots__ = ()
    group = "levers"


class RewardTerms(FilledWhenRead):
    """The terms of a month's reward by name."""

    __slots__ = ()
    group = "reward_terms"


def full_info(report: bytes, world: int) -> dict[str, Any]:
    """The infos of a month, filled when they are read if nothing forbids it; `report` is a REPORT record."""
    if "jax" in sys.modules or "minari" in sys.modules:
        return plain_info(report, world)
    books, levers, terms = Books(UNREAD), Levers(UNREAD), RewardTerms(UNREAD)
    books.report = levers.report = terms.report = report
    return {"books": books, "levers": levers, "reward_terms": terms, "world": world}


def lean_info(report: bytes, world: int) -> dict[str, Any]:
    """The world alone."""
    del report
    return {"world": world}


MAKERS: dict[str, Callable[[bytes, int], dict[str, Any]]] = {
    "full": full_info,
    "plain": plain_info,
    "lean": lean_info,
}
