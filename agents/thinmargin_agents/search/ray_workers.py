"""Workers on a Ray cluster: a task a trial, and an actor at which tasks and search leave word for each other."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from thinmargin_agents.parallel.ray_session import answer_of
from thinmargin_agents.search.messages import Ended, Job, Judged, Lost, Message, first_line

POLL = 0.1
"""Seconds between two looks for news."""


class Desk:
    """Where word is left: tasks say how they do, the search picks it up and answers."""

    def __init__(self) -> None:
        self._said: list[tuple[int, Message]] = []
        self._answers: dict[int, asyncio.Future[bool]] = {}

    async def say(self, number: int, message: Message) -> bool:
        """Leave word of a trial; of a judgement, wait whether it goes on."""
        self._said.append((number, message))
        if not isinstance(message, Judged):
            return True
        self._answers[number] = asyncio.get_running_loop().create_future()
        return await self._answers[number]

    async def heard(self) -> list[tuple[int, Message]]:
        """What was said since the last time."""
        said, self._said = self._said, []
        return said

    async def answer(self, number: int, proceed: bool) -> None:
        """Let a judged trial go on, or end it."""
        self._answers.pop(number).set_result(proceed)


def train(job: Job, desk: Any) -> Ended:
    """A task: one trial."""
    from thinmargin_agents.search.trial import end_of  # noqa: PLC0415  # torch takes seconds

    return end_of(job, lambda message: bool(answer_of(desk.say.remote(job.number, message))))


class RayWorkers:
    """Tasks of a cluster that this process is connected to.

    Args:
        ray: connected, as of `thinmargin_agents.parallel.ray_session.ray_session`.
        count: trials at once; None for one a processor core of the cluster.
        most: trials that are left.
        threads: of torch in each: so many cores a task asks for.
    """

    def __init__(self, ray: ModuleType, count: int | None, most: int, threads: int = 1) -> None:
        self._ray = ray
        cores = int(ray.cluster_resources().get("CPU", 1))
        self.count = min(count or max(1, cores // threads), most)
        self._desk = _begin_desk(ray)
        self._train: Any = ray.remote(train).options(num_cpus=threads, max_retries=0)
        self._running: dict[Any, int] = {}

    @contextlib.contextmanager
    def _connected(self) -> Iterator[None]:
        try:
            yield
        except self._ray.exceptions.RayError as error:
            raise ConnectionError(f"--engine is 'ray': the cluster is gone: {first_line(error)}") from error

    def start(self, job: Job) -> None:
        """Train a trial."""
        self._running[self._train.remote(job, self._desk)] = job.number

    def news(self, seconds: float) -> list[tuple[int, Message]]:
        """What was said of which trial, waiting at most so long for the first."""
        until = time.monotonic() + seconds
        while True:
            with self._connected():
                done, _ = self._ray.wait(list(self._running), num_returns=len(self._running), timeout=POLL)
                said: list[tuple[int, Message]] = self._ray.get(self._desk.heard.remote())
            left = set(self._running.values())  # what a lost worker said may come after its end
            said = [(number, message) for number, message in said if number in left]
            said += [(self._running.pop(task), self._end_of(task)) for task in done]
            if said or time.monotonic() >= until:
                return said

    def _end_of(self, task: Any) -> Message:
        try:
            ended: Ended = self._ray.get(task)
        except self._ray.exceptions.RayError as error:
            return Lost(f"its worker was lost: {first_line(error)}")
        return ended

    def answer(self, number: int, *, proceed: bool) -> None:
        """Let a judged trial go on, or end it."""
        with self._connected():
            self._ray.get(self._desk.answer.remote(number, proceed))

    def close(self) -> None:
        """End every task."""
        with contextlib.suppress(self._ray.exceptions.RayError):  # they are gone with their cluster
            for task in self._running:
                self._ray.cancel(task, force=True)
            self._ray.kill(self._desk)


def _begin_desk(ray: ModuleType) -> Any:
    """The actor, on this machine: if it goes, the search has gone too."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy  # noqa: PLC0415  # part of Ray

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return ray.remote(Desk).options(num_cpus=0, scheduling_strategy=here).remote()
