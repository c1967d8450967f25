"""How `train.py` and `evaluate.py` are called here: scripts of a clone, or console scripts of an installed package."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

Script = Literal["train", "evaluate"]
CLONE = Path(__file__).parents[3]
"""Top of the clone that this package was loaded from, with its scripts; an installed package has none there."""
SOURCES = ("agents", "envs")
"""Folders of a clone with its packages."""


def program_name(name: Script) -> str:
    """What help and messages call the script.

    Args:
        name: of the script.
    """
    return f"thinmargin-{name}" if _is_console_script() else f"{name}.py"


def script_command(name: Script, arguments: Iterable[str] = ()) -> str:
    """A command line that can be typed here, quoted for a shell.

    `python train.py` where that script of the clone that this package was loaded from is in the working folder or
    beside the script that this process runs, or where it runs a module of that clone with `python -m`; else
    `thinmargin-train`. Many projects have a `train.py` of their own.

    Args:
        name: of the script.
        arguments: what follows it.
    """
    return shell_line([*_words(name), *arguments])


def shell_line(words: Iterable[str]) -> str:
    """Words as one line for a shell, quoted where they must be.

    Control codes are escaped in dollar quotes, which Bash, Zsh and POSIX.1-2024 read, so that the line is one.
    """
    return " ".join(shell_word(word) for word in words)


def shell_word(word: str) -> str:
    """One word of `shell_line`."""
    if word.isprintable():
        return shlex.quote(word)
    return f"$'{''.join(_escaped(character) for character in word)}'"


def _escaped(character: str) -> str:
    if character in "'\\":
        return f"\\{character}"
    if character.isprintable():
        return character
    return "\\n" if character == "\n" else "".join(f"\\x{byte:02x}" for byte in os.fsencode(character))


def _words(name: Script) -> list[str]:
    script = f"{name}.py"
    started = Path(sys.argv[0])
    if not _is_console_script() and _is_ours(Path(script)):
        return ["python", script]
    if started.name in {"train.py", "evaluate.py"} and _is_ours(started.with_name(script)):
        return ["python", str(started.with_name(script))]
    if any(CLONE / folder in started.parents for folder in SOURCES) and (CLONE / script).is_file():
        return ["python", str(CLONE / script)]
    return [f"thinmargin-{name}"]


def _is_ours(script: Path) -> bool:
    """Whether this is the script of that name of the clone that this package was loaded from."""
    own = CLONE / script.name
    return script.is_file() and own.is_file() and script.samefile(own)


def _is_console_script() -> bool:
    stem = Path(sys.argv[0]).stem
    return stem == "thinmargin" or stem.startswith("thinmargin-")
