"""What the command lines of benchmarks have in common: whole numbers within bounds, commits, files to write."""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Callable
from pathlib import Path

from benchmarks.checkouts import ROOT

SHOWN = 60
"""Characters of a value that a message has."""


def whole(low: int, high: int) -> Callable[[str], int]:
    """A type of argparse: whole numbers from `low` to `high`."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"is {_shown(text)}: allowed are whole numbers from {low:,} to {high:,}")
        return value

    return read


def seconds(text: str) -> float:
    """A type of argparse: above 0 to an hour."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value <= 3600.0:
        raise argparse.ArgumentTypeError(f"is {_shown(text)}: allowed are numbers above 0 to 3,600")
    return value


def commit(text: str) -> str:
    """A type of argparse: a commit of this repository, by any name that git has for it; its hash."""
    words = ["git", "-C", str(ROOT), "rev-parse", "--verify", "--quiet", "--end-of-options", f"{text}^{{commit}}"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603  # no shell, no options
    if done.returncode:
        raise argparse.ArgumentTypeError(f"is {_shown(text)}: allowed is a commit of this repository")
    return done.stdout.strip()


def new_file(text: str) -> Path:
    """A type of argparse: a file in a folder that is there."""
    path = Path(text)
    if not path.parent.is_dir() or path.is_dir():
        raise argparse.ArgumentTypeError(f"is {_shown(text)}: allowed is a file in a folder that is there")
    return path


def parser_of(module: str, page: str | None) -> argparse.ArgumentParser:
    """A parser of `python -m benchmarks.MODULE` whose help begins as its page does."""
    return argparse.ArgumentParser(prog=f"python -m benchmarks.{module}", description=(page or "").splitlines()[0])


def _shown(text: str) -> str:
    quoted = ascii(text)
    return quoted if len(quoted) <= SHOWN else f"{quoted[:SHOWN]}..."
