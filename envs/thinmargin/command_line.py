"""What every command line has in common: words that cannot be used, and an answer that nobody can read."""

from __future__ import annotations

import argparse
import errno
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, TextIO

from thinmargin.shown import printable, shown

PIPE_CLOSED = 128 + 13
"""Exit status of a command whose reader has gone: that of one ended by SIGPIPE."""
UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
"""Numbers of errors of an output that takes no more."""
STREAMS = ("stdout", "stderr")
"""Outputs of a process."""
LONGEST_NAME = 255
"""Bytes of a file name that common file systems take."""


class Flag(NamedTuple):
    """One flag of a command line, as it is declared."""

    words: tuple[str, ...]
    """All ways to give it, its own name first."""
    several: bool
    """Whether any number of values may follow."""
    is_path: bool
    """Whether its values name files or folders."""
    meaning: str = ""
    """What its help says, for messages; may be empty."""
    alone: bool = False
    """Whether it takes no value: what follows belongs to no flag."""

    @property
    def most(self) -> float:
        """Values that may follow it."""
        return 0 if self.alone else math.inf if self.several else 1


class WordsError(ValueError):
    """A word of a command line that cannot be used; the message names the flag."""


class _Watched:
    """An output of the process that remembers the errors which it met itself: another file's are none of its own."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.met: list[OSError] = []

    def write(self, text: str) -> int:
        """As the output does."""
        return int(self._do(self.stream.write, text))

    def writelines(self, lines: Iterable[str]) -> None:
        """As the output does."""
        self._do(self.stream.writelines, lines)

    def flush(self) -> None:
        """As the output does."""
        self._do(self.stream.flush)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def _do(self, act: Callable[..., Any], *arguments: object) -> Any:
        try:
            return act(*arguments)
        except OSError as error:
            self.met.append(error)
            raise


def answered(program: str, act: Callable[[], int]) -> int:
    """The exit status of a command; what it printed has arrived, or why not is said in one sentence.

    A reader that has gone, as in `... | head`, is no error of this command: it ends without a word, with the status
    that shells give to such an end. An error of another pipe or file is raised as it is.

    Args:
        program: begins the sentence.
        act: does the command's work, prints and returns the exit status; it may raise SystemExit.
    """
    open_outputs()
    outputs = {name: _Watched(getattr(sys, name)) for name in STREAMS}
    for name, output in outputs.items():
        setattr(sys, name, output)
    try:
        try:
            return act()
        finally:
            for output in outputs.values():
                output.flush()
    except OSError as error:
        broken = [output.stream for output in outputs.values() if any(one is error for one in output.met)]
        if not broken:
            raise
        return unread(program, error, broken[0])
    finally:
        for name, output in outputs.items():
            if getattr(sys, name) is output:
                setattr(sys, name, output.stream)


def open_outputs() -> None:
    """Where the process was started with an output closed, as by `>&-`, let what is printed there go nowhere."""
    for name in STREAMS:
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            setattr(sys, name, os.fdopen(nowhere, "w", encoding="utf-8", closefd=False))  # as the process's own are


def is_of_output(error: OSError) -> bool:
    """Whether an output of the process has met this error itself; inside of `answered`, which answers for it."""
    return any(one is error for name in STREAMS for one in getattr(getattr(sys, name), "met", ()))


def unread(program: str, error: OSError, stream: TextIO) -> int:
    """The exit status of a command whose output met this error, which is raised again if it is of another kind.

    Args:
        program: begins the sentence.
        error: that the output met itself.
        stream: the output, of this process.
    """
    gone = isinstance(error, BrokenPipeError)
    if not gone and error.errno not in UNWRITABLE:
        raise error
    _answer_nobody(stream)
    if gone:
        return PIPE_CLOSED
    if stream is not getattr(sys.stderr, "stream", sys.stderr):  # there is where it can be said
        print(f"{program}: the output cannot be written: {error.strerror}", file=sys.stderr)  # noqa: T201  # its own answer
    return 1


def _answer_nobody(stream: TextIO) -> None:
    """Let Python write what is left to nowhere when it ends: it would fail once more."""
    try:
        number = stream.fileno()
    except (OSError, ValueError):  # a stand-in of a test, which is no file
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)


class Parser(argparse.ArgumentParser):
    """A parser of argparse that looks at the words first, and takes no abbreviation of a flag."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(allow_abbrev=False, **arguments)

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """As argparse does; the process ends with status 2 for words that cannot be used."""
        words = sys.argv[1:] if args is None else list(args)
        flags = [
            Flag(
                tuple(action.option_strings),
                action.nargs in ("*", "+"),
                action.type is Path,
                action.help or "",
                action.nargs == 0,
            )
            for action in self._actions
            if action.option_strings
        ]
        try:
            check_words(flags, words)
            check_values(flags, words)
        except WordsError as error:
            self.error(str(error))
        return super().parse_args(words, namespace)

    def error(self, message: str) -> NoReturn:
        """As argparse does, with the control codes of a value escaped."""
        super().error(printable(message))


def check_words(flags: Iterable[Flag], words: Sequence[str]) -> None:
    """Raise WordsError if a flag is given twice, or a value that names a file is empty or too long.

    Args:
        flags: that the command has.
        words: arguments of the process, without its name.
    """
    by_word = {word: flag for flag in flags for word in flag.words}
    given: dict[Flag, str] = {}
    for word, values in groups(words, by_word):
        flag = by_word.get(word)
        if flag is not None:
            if flag in given:
                raise WordsError(f"{word} is given after {given[flag]}: give it once")
            given[flag] = word
        if flag is None or not flag.is_path:
            continue
        for value in values:
            _check_not_empty(word, value, flag)
            if any(len(os.fsencode(part)) > LONGEST_NAME for part in Path(value).parts):
                raise WordsError(
                    f"{word} is {shown(value)} of {len(value):,} characters: the name of a file has at most"
                    f" {LONGEST_NAME} bytes"
                )


def check_values(flags: Iterable[Flag], words: Sequence[str], argument: str = "an argument") -> None:
    """Raise WordsError if a value is missing or empty.

    A command that knows better what is allowed says so before.

    Args:
        flags: that the command has.
        words: arguments of the process, without its name.
        argument: what messages call a value that belongs to no flag.
    """
    by_word = {word: flag for flag in flags for word in flag.words}
    for word, values in groups(words, by_word):
        flag = by_word.get(word)
        if flag is not None and flag.several and not values:
            raise WordsError(f"{word} is given without a value: give one or more, or leave it out{_meaning(flag)}")
        for value in values:
            _check_not_empty(word or argument, value, flag)


def _check_not_empty(name: str, value: str, flag: Flag | None) -> None:
    if not value.strip():
        raise WordsError(f"{name} is {shown(value)}: must not be empty{_meaning(flag)}")


def _meaning(flag: Flag | None) -> str:
    return f" ({flag.meaning})" if flag is not None and flag.meaning else ""


def groups(words: Sequence[str], flags: Mapping[str, Flag]) -> Iterator[tuple[str, list[str]]]:
    """Every flag given with its values; words that belong to none come with an empty name.

    Args:
        words: arguments of the process, without its name.
        flags: the flags of the command, by each of their words.
    """
    name, values, most = "", list[str](), math.inf
    for word in words:
        flag, equals, value = word.partition("=")
        if flag in flags:
            yield name, values
            name, values, most = flag, [value] if equals else [], flags[flag].most
        elif len(values) < most:
            values.append(word)
        else:
            yield name, values
            name, values, most = "", [word], math.inf
    yield name, values
