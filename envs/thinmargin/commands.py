"""Every command by one name, `thinmargin COMMAND ...`: usable wherever the package is installed, without its clone.

`thinmargin` alone lists them. Those that train, judge and study are of the package `thinmargin_agents`, which comes
along but whose libraries are an extra: without them they are listed all the same, and say what to install.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple

from thinmargin.command_line import answered
from thinmargin.shown import shown

PROGRAM = "thinmargin"
AGENTS = "thinmargin_agents"
EXTRA = "pip install 'thinmargin[agents]'"


class Command(NamedTuple):
    """A command of the package."""

    module: str
    """Whose `main` takes the arguments and returns the exit status."""
    sentence: str
    """What it does."""
    needs_clone: bool = False
    """Whether it works on files that only a clone of the repository has."""

    @property
    def is_installed(self) -> bool:
        """Whether the libraries that every command of its package needs are there."""
        return not self.module.startswith(AGENTS) or _can_import(AGENTS)


COMMANDS = {
    "train": Command(f"{AGENTS}.train", "Train an agent or several seeds of one, search for settings, resume."),
    "evaluate": Command(f"{AGENTS}.evaluate.command", "Compare policies on the same unseen worlds; tables, a report."),
    "years": Command(f"{AGENTS}.years.__main__", "Show policies year by year, beside what the firm reported."),
    "phase-map": Command(f"{AGENTS}.phase_map.__main__", "Map when the thin margin wins."),
    "mechanisms": Command(f"{AGENTS}.mechanisms.__main__", "Measure what each mechanism of the model is worth."),
    "backtest": Command("thinmargin.backtest.__main__", "Say how wrong the model is about the reported years."),
    "data": Command("thinmargin.data.table", "Print the reported figures, or an empty file for newer ones."),
    "calibration": Command("thinmargin.calibration.__main__", "Fit the constants of the economy to the figures."),
    "audit": Command(f"{AGENTS}.audit.__main__", "Look for holes in the model: earnings that nobody earned."),
    "exact": Command(f"{AGENTS}.exact.__main__", "Compute the optimum of a small world, and who reaches it."),
    "tuning": Command(f"{AGENTS}.tuning.__main__", "Tune a rule or a plan with CMA-ES."),
    "foresight": Command(f"{AGENTS}.foresight.__main__", "Look for the best plan of every world given its future."),
    "import-sb3": Command(f"{AGENTS}.import_sb3.command", "Import a zip of Stable-Baselines3 as a run folder."),
    "warm-up": Command("thinmargin.warm_up", "Compile the equations now, so that no first step waits for it."),
    "export": Command(f"{AGENTS}.export.__main__", "Write a trained policy as one ONNX file."),
    "shipping": Command(f"{AGENTS}.shipping.__main__", "Make an agent that evaluate knows by name, of finished runs."),
    "curves": Command(f"{AGENTS}.curves.__main__", "Draw the learning curves of the shipped agents.", needs_clone=True),
    "remake": Command(
        f"{AGENTS}.remake.__main__", "Make everything anew that hangs on the economics; takes hours.", needs_clone=True
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that the first argument names, with the others; list all commands if there is none.

    Args:
        argv: arguments; those of the process by default.

    Returns:
        The exit status of the command; 2 for a command that is not known, or whose libraries are not installed.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["help"] and len(words) > 1:
        words = [words[1], "--help"]
    name = words[0].replace("_", "-") if words else ""
    if name in COMMANDS:
        return run(name, words[1:])
    return answered(PROGRAM, lambda: _answer(words))


def _answer(words: Sequence[str]) -> int:
    """What this command says itself: the list, the version, or that there is no such command."""
    if not words or words[0] in {"-h", "--help", "help"}:
        _say("\n".join(_listing()))
        return 0
    if words[0] in {"-V", "--version"}:
        from importlib.metadata import version  # noqa: PLC0415  # asked for once in a while

        _say(f"{PROGRAM} {version(PROGRAM)}")
        return 0
    return _refuse(_unknown(words[0]))


def train(argv: Sequence[str] | None = None) -> int:
    """The console script `thinmargin-train`: that of `train.py`."""
    return run("train", sys.argv[1:] if argv is None else argv)


def evaluate(argv: Sequence[str] | None = None) -> int:
    """The console script `thinmargin-evaluate`: that of `evaluate.py`."""
    return run("evaluate", sys.argv[1:] if argv is None else argv)


def run(name: str, arguments: Sequence[str]) -> int:
    """Run a command of the table.

    Args:
        name: a key of COMMANDS.
        arguments: what it gets.

    Returns:
        Its exit status; 2 where its libraries are not installed.
    """
    command = COMMANDS[name]
    if not command.is_installed:
        return _refuse(f"{name} needs libraries that are not installed: {EXTRA}")
    status: int = import_module(command.module).main(list(arguments))
    return status


def _listing() -> Iterator[str]:
    yield f"usage: {PROGRAM} COMMAND [ARGUMENT ...]    {PROGRAM} COMMAND --help    {PROGRAM} --version"
    yield ""
    wide = max(map(len, COMMANDS))
    for name, command in COMMANDS.items():
        clone = " (In a clone.)" if command.needs_clone else ""
        yield f"  {name:{wide}}  {command.sentence}{clone}"
    missing = [name for name, command in COMMANDS.items() if not command.is_installed]
    if missing:
        yield ""
        yield f"Libraries are missing here for {', '.join(missing)}: {EXTRA}"


def _unknown(word: str) -> str:
    close = get_close_matches(word, COMMANDS, n=1)
    hint = f", did you mean {close[0]}?" if close else ":"
    return f"COMMAND is {shown(word)}{hint} allowed are {', '.join(COMMANDS)}"


def _can_import(package: str) -> bool:
    """Whether a package is there, and the libraries that it asks for when it is imported."""
    try:
        return find_spec(f"{package}.cli") is not None
    except ModuleNotFoundError:
        return False


def _refuse(why: str) -> int:
    print(f"{PROGRAM}: {why}", file=sys.stderr)  # noqa: T201  # the answer of a command line
    return 2


def _say(text: str) -> None:
    print(text)  # noqa: T201  # the answer of a command line
