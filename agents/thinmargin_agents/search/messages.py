"""What a search and its workers say to each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

from thinmargin_agents.config.run import Run

State: TypeAlias = Literal["complete", "pruned", "impossible", "failed"]


class Job(NamedTuple):
    """A trial to train: its number in the study, and a run for each training seed."""

    number: int
    runs: tuple[Run, ...]


class Went(NamedTuple):
    """How far a trial is: which of its seeds, and months of experience of that seed."""

    place: int
    months: int


class Judged(NamedTuple):
    """A trial was judged; its worker waits to hear whether it goes on.

    `step` counts months over the seeds, `value` is the mean over the seeds that have got as far as this one.
    """

    place: int
    step: int
    value: float


class Ended(NamedTuple):
    """A trial's end: `impossible` are hyper-parameters that do not fit each other, or that make weights diverge."""

    state: State
    value: float | None = None
    reason: str = ""
    details: Mapping[str, Any] = {}


class Lost(NamedTuple):
    """A trial's worker is gone, and why as far as is known."""

    reason: str


Message: TypeAlias = Went | Judged | Ended | Lost


def first_line(error: Exception) -> str:
    """What an error says, without what libraries write below it."""
    return next(iter(str(error).splitlines()), "").rstrip(".")


class Workers(Protocol):
    """Processes that train trials, here or on a cluster."""

    count: int
    """How many trials they train at once."""

    def start(self, job: Job) -> None:
        """Train a trial; at most `count` at once."""

    def news(self, seconds: float) -> list[tuple[int, Message]]:
        """What was said of which trial, waiting at most so long for the first."""

    def answer(self, number: int, *, proceed: bool) -> None:
        """Let a judged trial go on, or end it."""

    def close(self) -> None:
        """End every process."""
