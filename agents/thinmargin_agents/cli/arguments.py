"""The words of a command line whose flags are a dataclass, looked at before they are used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, get_type_hints

import tyro

from thinmargin_agents.cli.errors import UsageError

if TYPE_CHECKING:
    from thinmargin.command_line import Flag


def check_arguments(kind: type[Any], argv: Sequence[str]) -> None:
    """Raise UsageError if a flag is given twice, or a value is missing, empty or too long to name a file.

    Args:
        kind: dataclass of the flags.
        argv: arguments of the process, without its name.
    """
    from thinmargin.command_line import WordsError, check_words  # noqa: PLC0415  # --help needs no NumPy

    try:
        check_words(_flags(kind), argv)
    except WordsError as error:
        raise UsageError(str(error)) from error


def _flags(kind: type[Any]) -> Iterator[Flag]:
    """The flags of a dataclass, as tyro reads them; positional arguments have none."""
    from thinmargin.command_line import Flag  # noqa: PLC0415  # --help needs no NumPy

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
