"""The words of a command line whose flags are a dataclass, looked at before they are used."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import Field, fields
from typing import TYPE_CHECKING, Any, get_type_hints

import tyro

from thinmargin_agents.cli.errors import UsageError

if TYPE_CHECKING:
    from thinmargin.command_line import Flag


def check_arguments(kind: type[Any], argv: Sequence[str]) -> None:
    """Raise UsageError if a flag is given twice, or a value that names a file is empty or too long.

    Args:
        kind: dataclass of the flags.
        argv: arguments of the process, without its name.
    """
    from thinmargin.command_line import WordsError, check_words  # noqa: PLC0415  # --help needs no NumPy

    try:
        check_words(list(_flags(kind).values()), _as_declared(argv))
    except WordsError as error:
        raise UsageError(str(error)) from error


def check_no_value_is_empty(kind: type[Any], argv: Sequence[str]) -> None:
    """Raise UsageError if a value is missing or empty; for those about which a command says nothing better.

    Args:
        kind: dataclass of the flags.
        argv: arguments of the process, without its name.
    """
    from thinmargin.command_line import WordsError, check_values  # noqa: PLC0415  # --help needs no NumPy

    try:
        check_values(_flags(kind).values(), _as_declared(argv), " or ".join(_positional_names(kind)) or "an argument")
    except WordsError as error:
        raise UsageError(str(error)) from error


def given_fields(kind: type[Any], argv: Sequence[str]) -> list[str]:
    """The fields of a dataclass whose flags are among these words, also where their value is the default.

    Args:
        kind: dataclass of the flags.
        argv: arguments of the process, without its name.
    """
    words = {word.partition("=")[0] for word in _as_declared(argv)}
    return [name for name, flag in _flags(kind).items() if words & set(flag.words)]


def flag_with(kind: type[Any], argv: Sequence[str], value: str, holds: type[float]) -> str:
    """The flag that this value follows, as it was typed; what the help calls a positional argument otherwise.

    Args:
        kind: dataclass of the flags.
        argv: arguments of the process, without its name.
        value: one of them, or what follows an equals sign in one.
        holds: what the flag takes, int or float.
    """
    from thinmargin.command_line import groups  # noqa: PLC0415  # --help needs no NumPy

    flags = _flags(kind)
    fitting = {item.name for item, hint, _ in _fields(kind) if re.search(rf"\b{holds.__name__}\b", str(hint))}
    numbers = {word for name in fitting & flags.keys() for word in flags[name].words}
    known = {word: flag for flag in flags.values() for word in flag.words}
    for word, values in groups(_as_declared(argv), known):
        if word in numbers and value in values:
            return word
    return " or ".join(_positional_names(kind)) or "an argument"


def _as_declared(argv: Sequence[str]) -> list[str]:
    """The words with hyphens in flags: tyro takes underscores for them."""
    return [_hyphens(word) if word.startswith("-") else word for word in argv]


def _hyphens(word: str) -> str:
    flag, equals, value = word.partition("=")
    return flag.replace("_", "-") + equals + value


def _flags(kind: type[Any]) -> dict[str, Flag]:
    """The flags of a dataclass by its fields, as tyro reads them; positional arguments have none."""
    from thinmargin.command_line import Flag  # noqa: PLC0415  # --help needs no NumPy

    found = dict[str, Flag]()
    for item, hint, marks in _fields(kind):
        if tyro.conf.Positional in marks:
            continue
        name, aliases = item.name.replace("_", "-"), list[str]()
        for mark in marks:
            name = getattr(mark, "name", None) or name
            aliases += getattr(mark, "aliases", None) or ()
        words = [f"--{name}", *aliases]
        if item.default is True or item.default is False:
            words.append(f"--no-{name}")
        alone = item.default is True or item.default is False
        found[item.name] = Flag(tuple(words), "tuple" in str(hint), "Path" in str(hint), alone=alone)
    return found


def _positional_names(kind: type[Any]) -> Iterator[str]:
    """What the help calls the positional arguments of a dataclass, without the brackets and dots of several."""
    for item, _, marks in _fields(kind):
        if tyro.conf.Positional in marks:
            named = [mark.metavar for mark in marks if getattr(mark, "metavar", None)]
            yield (named[0] if named else item.name.upper()).strip("[]").split()[0]


def _fields(kind: type[Any]) -> Iterator[tuple[Field[Any], Any, tuple[Any, ...]]]:
    """Every field with its type and the marks that tyro reads."""
    hints = get_type_hints(kind, include_extras=True)
    for item in fields(kind):
        hint = hints[item.name]
        yield item, hint, getattr(hint, "__metadata__", ())
