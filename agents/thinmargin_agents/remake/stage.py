"""A stage: its commands, what it needs and makes, how long it may take; and which stages are chosen."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from thinmargin.shown import shown
from thinmargin_agents.cli.errors import UsageError
from thinmargin_agents.cli.markdown import PageError, text_of

Words = tuple[str, ...]
"""A command line; its first word `python` is the interpreter that runs this."""
MISSING = "missing"
"""Digest of what is not there."""


@dataclass(frozen=True)
class Output:
    """A file that a stage makes, or one place of a page: what is between `<!-- PLACE -->` and `<!-- end -->`."""

    path: str
    """From the top of the checkout."""
    place: str = ""

    @property
    def name(self) -> str:
        """Its name in messages and in the state."""
        return f"{self.path} ({self.place})" if self.place else self.path

    def digest(self, root: Path) -> str:
        """SHA-256 of the content, or MISSING."""
        path = root / self.path
        if not path.is_file():
            return MISSING
        if not self.place:
            return hashlib.sha256(path.read_bytes()).hexdigest()
        try:
            return hashlib.sha256(text_of(path, self.place).encode()).hexdigest()
        except (PageError, OSError):
            return MISSING


@dataclass(frozen=True)
class Stage:
    """One stage.

    Attributes:
        name: short, or GROUP.NAME for one of several alike.
        makes: what it makes, in words.
        commands: run one after the other at the top of the checkout.
        needs: names of earlier stages whose outputs it reads.
        reads: further files, and folders of code, that it depends on.
        outputs: what it makes.
        bound: seconds after which it is ended.
        scratch: folder that it works in, emptied when it begins anew.
        resumed: given the top of the checkout, the command that takes the place of the first one where an earlier try
            left something to go on with, or None.
        always: whether it is made in every call: it is quick, and reads more than can be watched.
    """

    name: str
    makes: str
    commands: tuple[Words, ...]
    needs: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    outputs: tuple[Output, ...] = ()
    bound: float = 600.0
    scratch: str | None = None
    resumed: Callable[[Path], Words | None] | None = None
    always: bool = False


@dataclass(frozen=True)
class Table:
    """All stages in their order; each needs earlier ones only.

    Attributes:
        root: top of the checkout.
        stages: in the order in which they run.
        equations: digest of the equations, which every stage depends on.
    """

    root: Path
    stages: tuple[Stage, ...]
    equations: Callable[[], str]

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for stage in self.stages:
            if stage.name in seen:
                raise ValueError(f"stage {stage.name} is there twice: it must be there once")
            later = sorted(set(stage.needs) - seen)
            if later:
                raise ValueError(f"stage {stage.name} needs {', '.join(later)}: it must come after what it needs")
            seen.add(stage.name)

    def parts(self, stage: Stage) -> dict[str, str]:
        """Digests of everything that a stage depends on, by name."""
        needed = [output for other in self.stages if other.name in stage.needs for output in other.outputs]
        return {
            "equations": self.equations(),
            "command": hashlib.sha256("\0".join(map("\0".join, stage.commands)).encode()).hexdigest(),
            **{path: digest_of(self.root / path) for path in stage.reads},
            **{output.name: output.digest(self.root) for output in needed},
        }

    def made(self, stage: Stage) -> dict[str, str]:
        """Digests of what a stage makes, as it is now."""
        return {output.name: output.digest(self.root) for output in stage.outputs}


SOURCES = ("*.py", "*.csv", "*.yml")
"""Files that count in a folder of code."""


def digest_of(path: Path) -> str:
    """SHA-256 of a file, or of the SOURCES in and below a folder; MISSING if it is not there."""
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    if not path.is_dir():
        return MISSING
    digest = hashlib.sha256()
    for file in sorted(found for pattern in SOURCES for found in path.rglob(pattern)):
        digest.update(str(file.relative_to(path)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def chosen(stages: Sequence[Stage], only: Sequence[str] | None, first: str | None) -> list[Stage]:
    """The stages that a command line chooses, in their order; all of them if it names none.

    Args:
        stages: all.
        only: names, or groups such as `tune` for `tune.plan` and the others; None for all.
        first: name or group of the first one; all from there on.

    Raises:
        UsageError: there is none of that name, or `only` has none; the message lists what is allowed.
    """
    if only is not None and not only:
        raise UsageError(f"--only has no name: {_allowed(stages)}")
    for flag, names in (("--only", only or ()), ("--from", [] if first is None else [first])):
        for name in names:
            if not any(_is_called(stage, name) for stage in stages):
                raise UsageError(f"{flag} has {shown(name)}: {_hint(stages, name)}")
    if first is not None:
        begin = next(number for number, stage in enumerate(stages) if _is_called(stage, first))
        return list(stages[begin:])
    return [stage for stage in stages if only is None or any(_is_called(stage, name) for name in only)]


def _is_called(stage: Stage, name: str) -> bool:
    return stage.name == name or stage.name.startswith(f"{name}.")


def _names(stages: Sequence[Stage]) -> tuple[list[str], list[str]]:
    """The names of all stages, and of their groups."""
    names = [stage.name for stage in stages]
    return names, list(dict.fromkeys(each.partition(".")[0] for each in names if "." in each))


def _allowed(stages: Sequence[Stage]) -> str:
    names, groups = _names(stages)
    return f"allowed are {', '.join(names)}" + (f", and the groups {', '.join(groups)}" if groups else "")


def _hint(stages: Sequence[Stage], name: str) -> str:
    names, groups = _names(stages)
    close = difflib.get_close_matches(name, [*names, *groups], n=1)
    return f"did you mean {close[0]}? {_allowed(stages)}" if close else _allowed(stages)
