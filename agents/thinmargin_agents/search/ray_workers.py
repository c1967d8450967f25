"""Workers on a Ray cluster: a task a trial, and an actor through which tasks and search exchange messages."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from thinmargin_agents.parallel.ray_session import answer_of
from thinmargin_agents.search.messages import IntermediateValue, LostWorker, Message, TrialEnd, TrialJob, first_line

POLL = 0.1
"""Seconds between two looks for news."""


class Mailbox:
    """An actor between tasks and search: tasks post messages, the search collects and answers them."""

    def __init__(self) -> None:
        self._messages: list[tuple[int, Message]] = []
        self._answers: dict[int, asyncio.Future[bool]] = {}

    async def post(self, number: int, message: Message) -> bool:
        """Leave a message of a trial; returns whether it goes on, for which an IntermediateValue waits."""
        self._messages.append((number, message))
        if not isinstance(message, IntermediateValue):
            return True
        self._answers[number] = asyncio.get_running_loop().create_future()
        return await self._answers[number]

    async def collect(self) -> list[tuple[int, Message]]:
        """Messages since the last call."""
        messages, self._messages = self._messages, []
        return messages

    async def answer(self, number: int, proceed: bool) -> None:
        """Let a judged trial go on, or end it."""
        self._answers.pop(number).set_result(proceed)


def train(job: TrialJob, mailbox: Any) -> TrialEnd:
    """A task: one trial."""
    from thinmargin_agents.search.trial import end_of  # noqa: PLC0415  # torch takes seconds

    return end_of(job, lambda message: bool(answer_of(mailbox.post.remote(job.number, message))))


class RayWorkers:
    """Tasks of a cluster that this process is connected to.

    Args:
        ray: connected, as of `thinmargin_agents.parallel.ray_session.ray_session`.
        count: trials at once; None for one a processor core of the cluster.
        most: trials that are left to do.
        threads: of torch in each: so many cores a task asks for.
    """

    def __init__(self, ray: ModuleType, count: int | None, most: int, threads: int = 1) -> None:
        self._ray = ray
        cores = int(ray.cluster_resources().get("CPU", 1))
        self.count = min(count or max(1, cores // threads), most)
        self._mailbox = _begin_mailbox(ray)
        self._train: Any = ray.remote(train).options(num_cpus=threads, max_retries=0)
        self._running: dict[Any, int] = {}

    @contextlib.contextmanager
    def _connected(self) -> Iterator[None]:
        try:
            yield
        except self._ray.exceptions.RayError as error:
            raise ConnectionError(f"--engine is 'ray': the cluster is gone: {first_line(error)}") from error

    def start(self, job: TrialJob) -> None:
        """Train a trial."""
        self._running[self._train.remote(job, self._mailbox)] = job.number

    def news(self, seconds: float) -> list[tuple[int, Message]]:
        """New messages with the numbers of their trials; waits at most this long for the first."""
        until = time.monotonic() + seconds
        while True:
            with self._connected():
                done, _ = self._ray.wait(list(self._running), num_returns=len(self._running), timeout=POLL)
                messages: list[tuple[int, Message]] = self._ray.get(self._mailbox.collect.remote())
            left = set(self._running.values())  # messages of a lost worker may come after its end
            messages = [(number, message) for number, message in messages if number in left]
            messages += [(self._running.pop(task), self._end_of(task)) for task in done]
            if messages or time.monotonic() >= until:
                return messages

    def _end_of(self, task: Any) -> Message:
        try:
            ended: TrialEnd = self._ray.get(task)
        except self._ray.exceptions.RayError as error:
            return LostWorker(f"its worker was lost: {first_line(error)}")
        return ended

    def answer(self, number: int, *, proceed: bool) -> None:
        """Let a judged trial go on, or end it."""
        with self._connected():
            self._ray.get(self._mailbox.answer.remote(number, proceed))

    def close(self) -> None:
        """End every task."""
        with contextlib.suppress(self._ray.exceptions.RayError):  # they are gone with their cluster
            for task in self._running:
                self._ray.cancel(task, force=True)
            self._ray.kill(self._mailbox)


def _begin_mailbox(ray: ModuleType) -> Any:
    """The actor, on this machine: if the machine is lost, so is the search."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy  # noqa: PLC0415  # part of Ray

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return ray.remote(Mailbox).options(num_cpus=0, scheduling_strategy=here).remote()
