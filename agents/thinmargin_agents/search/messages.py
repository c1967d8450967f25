"""The messages between a search and its workers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

from thinmargin_agents.config.run import Run

State: TypeAlias = Literal["complete", "pruned", "impossible", "failed"]


class TrialJob(NamedTuple):
    """A trial to train: its number in the study, and a run for each training seed."""

    number: int
    runs: tuple[Run, ...]


class TrialProgress(NamedTuple):
    """How far a trial is: the place of its current seed, and months of experience of that seed."""

    place: int
    months: int


class IntermediateValue(NamedTuple):
    """The value of a trial at an evaluation; its worker waits for the answer whether it goes on.

    `step` counts months over the seeds, `value` is the mean over the seeds that have got as far as this one.
    """

    place: int
    step: int
    value: float


class TrialEnd(NamedTuple):
    """The end of a trial; `impossible` if its hyper-parameters do not fit each other, or make weights diverge."""

    state: State
    value: float | None = None
    reason: str = ""
    details: Mapping[str, Any] = {}


class LostWorker(NamedTuple):
    """The loss of a trial's worker, and the reason as far as it is known."""

    reason: str


Message: TypeAlias = TrialProgress | IntermediateValue | TrialEnd | LostWorker


def first_line(error: Exception) -> str:
    """First line of an error's message, without the lines that libraries write below it."""
    return next(iter(str(error).splitlines()), "").rstrip(".")


class Workers(Protocol):
    """Processes that train trials, here or on a cluster."""

    count: int
    """Trials that they train at once."""

    def start(self, job: TrialJob) -> None:
        """Train a trial; at most `count` at once."""

    def news(self, seconds: float) -> list[tuple[int, Message]]:
        """New messages with the numbers of their trials; waits at most this long for the first."""

    def answer(self, number: int, *, proceed: bool) -> None:
        """Let a judged trial go on, or end it."""

    def close(self) -> None:
        """End every process."""
