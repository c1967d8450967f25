"""What is wrong with the words of a command line however its flags are declared: repeated, empty, endless."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple, get_type_hints

import tyro

from thinmargin_agents.cli.errors import UsageError

LONGEST_NAME = 255
"""Bytes of a file name that common file systems take."""
SHOWN = 40
"""Characters of a word that a message has."""


class Flag(NamedTuple):
    """One flag of a command line, as it is declared."""

    words: tuple[str, ...]
    """All ways to give it, its own name first."""
    several: bool
    """Whether any number of values may follow."""
    is_path: bool
    """Whether its values name files or folders."""


def check_arguments(kind: type[Any], argv: Sequence[str]) -> None:
    """Raise UsageError if a flag is given twice, or a value is missing, empty or too long to name a file.

    Args:
        kind: dataclass of the flags.
        argv: arguments of the process, without its name.
    """
    flags = {word: flag for flag in _flags(kind) for word in flag.words}
    given: dict[Flag, str] = {}
    for word, values in _groups(argv, flags):
        flag = flags.get(word)
        if flag is not None:
            if flag in given:
                raise UsageError(f"{word} is given after {given[flag]}: give it once")
            given[flag] = word
            if flag.several and not values:
                raise UsageError(f"{word} is given without a value: give one or more, or leave it out")
        for value in values:
            _check_value(word or "an argument", value, is_path=flag is not None and flag.is_path)


def _check_value(name: str, value: str, *, is_path: bool) -> None:
    """Raise UsageError for an empty value, or one that names a file and is too long for that."""
    if not value.strip():
        raise UsageError(f"{name} is {value[:SHOWN]!r}: must not be empty")
    if is_path and any(len(os.fsencode(part)) > LONGEST_NAME for part in Path(value).parts):
        raise UsageError(
            f"{name} is {value[:SHOWN]!r}... of {len(value):,} characters: the name of a file has at most"
            f" {LONGEST_NAME} bytes"
        )


def _groups(argv: Sequence[str], flags: Mapping[str, Flag]) -> Iterator[tuple[str, list[str]]]:
    """Every flag given with the words that follow it; words before the first one come with an empty name."""
    name, values = "", list[str]()
    for word in argv:
        flag, equals, value = word.partition("=")
        if flag not in flags:
            values.append(word)
            continue
        yield name, values
        name, values = flag, [value] if equals else []
    yield name, values


def _flags(kind: type[Any]) -> Iterator[Flag]:
    """The flags of a dataclass, as tyro reads them; positional arguments have none."""
    hints = get_type_hints(kind, include_extras=True)
    for item in fields(kind):
        hint, marks = hints[item.name], getattr(hints[item.name], "__metadata__", ())
        if tyro.conf.Positional in marks:
            continue
        name, aliases = item.name.replace("_", "-"), list[str]()
        for mark in marks:
            name = getattr(mark, "name", None) or name
            aliases += getattr(mark, "aliases", None) or ()
        words = [f"--{name}", *aliases]
        if item.default is True or item.default is False:
            words.append(f"--no-{name}")
        yield Flag(tuple(words), "tuple" in str(hint), "Path" in str(hint))
