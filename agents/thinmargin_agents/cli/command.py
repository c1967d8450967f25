"""Common code of the command lines: reading and checking flags, a clean end on Ctrl-C, the command to repeat a run."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

import tyro

from thinmargin_agents.cli import programs
from thinmargin_agents.cli.arguments import check_arguments, check_no_value_is_empty
from thinmargin_agents.cli.errors import FailedError, UsageError
from thinmargin_agents.cli.reading import read_flags

if TYPE_CHECKING:
    from rich.console import Console

C = TypeVar("C")
LONGEST = 4000
"""Characters of a message, which is one line: more than a list of all hyper-parameters has."""


def run(
    program: str,
    kind: type[C],
    argv: Sequence[str] | None,
    check: Callable[[C], None],
    act: Callable[[C, Console], int],
) -> int:
    """Read the flags, check them, act, and return the exit status.

    1: a process that works for the command was killed, a file of the package is damaged, the memory is not enough, or
    the output cannot be written; 2: a flag cannot be used, and nothing was done; 130: interrupted; 141: nobody reads
    the output any more; else what `act` returns.

    Args:
        program: what the command is called in help and messages.
        kind: dataclass of the flags.
        argv: arguments; those of the process by default.
        check: raises UsageError, or another ValueError, for flags that cannot be used.
        act: gets the flags and a console for errors; it too may raise UsageError.
    """
    words = sys.argv[1:] if argv is None else argv
    if None in (sys.stdout, sys.stderr):  # tyro asks both whether they are terminals
        from thinmargin.command_line import open_outputs

        open_outputs()
    refused: ValueError | None = None
    try:
        try:
            config = read_flags(program, kind, words)
        finally:
            sys.stdout.flush()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except OSError as error:  # of the output: reading flags opens nothing
        from thinmargin.command_line import unread

        return unread(program, error, sys.stdout)
    except KeyboardInterrupt:
        return _interrupted()
    except ValueError as error:
        refused = error
    from thinmargin.command_line import answered

    if refused is not None:
        return answered(program, lambda: _refuse(program, refused))
    return answered(program, lambda: _run(program, config, words, check, act))


def _refuse(program: str, why: Exception, status: int = 2) -> int:
    """Say why a command was not done, or did not end well; returns the exit status."""
    from thinmargin.shown import plain
    from thinmargin_agents.cli.console import plain_console

    plain_console(stderr=True).print(f"{program}: {plain(str(why), LONGEST)}", style="red")
    return status


def _interrupted() -> int:
    from thinmargin_agents.cli.console import plain_console

    plain_console(stderr=True).print("interrupted")
    return 130


def _run(
    program: str,
    config: C,
    words: Sequence[str],
    check: Callable[[C], None],
    act: Callable[[C, Console], int],
) -> int:
    """Check the flags and act: the exit status, with every refusal and failure said."""
    kind = type(config)
    from thinmargin_agents.cli.console import plain_console

    errors = plain_console(stderr=True)
    try:
        try:
            check_arguments(kind, words)
            check(config)
            check_no_value_is_empty(kind, words)
        except (ValueError, MemoryError) as error:
            raise UsageError(str(error)) from error
        return _act(act, config, errors)
    except UsageError as error:
        return _refuse(program, error)
    except (FailedError, MemoryError) as error:
        return _refuse(program, error, 1)
    except KeyboardInterrupt:
        return _interrupted()


def _act(act: Callable[[C, Console], int], config: C, errors: Console) -> int:
    """Do the work; a damaged file of the package, which may be noticed while it is imported, is a FailedError."""
    try:
        return act(config, errors)
    except UsageError:
        raise
    except ValueError as error:
        from thinmargin.files import DamagedFileError

        if not isinstance(error, DamagedFileError):
            raise
        raise FailedError(str(error)) from error


def check_ranges(config: Any, allowed: Mapping[str, tuple[int, int]]) -> None:
    """Raise UsageError unless every named whole number of `config` is in its range or None."""
    for name, (low, high) in allowed.items():
        value = getattr(config, name)
        if value is not None and not low <= value <= high:
            raise UsageError(f"{flag_of(name)} is {value}: allowed are {low} to {high}")


def check_output(flag: str, path: Path | None) -> None:
    """Raise UsageError unless a file can be written there, or none is asked for."""
    from thinmargin.files import check_writable
    from thinmargin.shown import shown  # --help needs no NumPy

    if path is not None:
        try:
            check_writable(path)
        except OSError as error:
            raise UsageError(
                f"{flag} is {shown(path)}: {error}; it must be a file in a folder that can be written to"
            ) from error


def check_folder(flag: str, path: Path | None) -> None:
    """Raise UsageError unless a folder is there that can be written to, or can be made, or none is asked for."""
    from thinmargin import files
    from thinmargin.shown import shown  # --help needs no NumPy

    if path is not None:
        try:
            files.check_folder(path)
        except OSError as error:
            raise UsageError(
                f"{flag} is {shown(path)}: {error}; it must be a folder that can be written to, or can be made"
            ) from error


def check_libraries(what: str, libraries: Sequence[str], extra: str, hint: str = "") -> None:
    """Raise UsageError unless these libraries are installed.

    Args:
        what: subject of the message: a flag, or words.
        libraries: names as they are imported.
        extra: of this package, which installs them.
        hint: what else helps.
    """
    missing = [name for name in libraries if find_spec(name) is None]
    if missing:
        raise UsageError(f"{what} needs {' and '.join(missing)}: pip install 'thinmargin[{extra}]'{hint}")


def command_of(program: str, config: Any, *, without: Collection[str] = (), always: Collection[str] = ()) -> str:
    """The command line that does the same: positional arguments, and flags that differ from their defaults.

    Args:
        program: what the command is called, quoted for a shell.
        config: dataclass of the flags.
        without: fields that do not change what comes out.
        always: fields that are written out although they have their defaults.
    """
    types = get_type_hints(type(config), include_extras=True)
    words = shlex.split(program)
    for item in fields(config):
        value = getattr(config, item.name)
        if item.name in without or (value == item.default and item.name not in always):
            continue
        if value is False:
            words.append(f"--no-{item.name.replace('_', '-')}")
            continue
        if tyro.conf.Positional not in getattr(types[item.name], "__metadata__", ()):
            words.append(flag_of(item.name))
        if value is not True:
            words += [_word(part) for part in (value if isinstance(value, tuple) else (value,))]
    return programs.shell_line(words)


def path_word(path: Path) -> str:
    """A path as an argument: one that begins with a hyphen would be taken for a flag."""
    text = str(path)
    return f".{os.sep}{text}" if text.startswith("-") else text


def _word(value: object) -> str:
    """A value as it is typed: 600 for 600.0."""
    if isinstance(value, Path):
        return path_word(value)
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def flag_of(name: str) -> str:
    """The flag of a field."""
    return f"--{name.replace('_', '-')}"
