"""The seeds as tasks of a Ray cluster: one processor each, begun again from the checkpoint where a machine is lost.

Ray places the tasks and begins them again. This module adds the exchange, where workers report their progress and
learn that they are to stop.
"""

from __future__ import annotations

import dataclasses
import os
import socket
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thinmargin_agents.parallel.jobs import SeedEnd, SeedJob, work
from thinmargin_agents.parallel.ray_session import answer_of
from thinmargin_agents.parallel.stop_signals import Stop
from thinmargin_agents.runs.lock import LockedError, locked

if TYPE_CHECKING:  # takes seconds to import, and the exchange needs none of it
    from thinmargin_agents.parallel.progress import SeedsProgress
    from thinmargin_agents.training.callbacks.progress import Step

PULSE = 0.5
"""Seconds between two looks at the exchange, and between two reports of a worker."""
TRIES = 5
"""Processes that may be lost at the same checkpoint before the run counts as failed."""
SIGHT = 10.0
"""Seconds in which a new file must be visible on every machine: network file systems cache missing files."""
RELEASE = 180.0
"""Seconds in which the lock of a lost process must end: network file systems wait for its machine to come back."""


class InterruptedRunError(RuntimeError):
    """The machine of a worker asked it to stop; the run goes on elsewhere."""


class Exchange:
    """An actor where workers leave news and learn that they are to stop."""

    def __init__(self) -> None:
        self._news: list[tuple[int, str | tuple[int, dict[str, Any] | None]]] = []
        self._tries: dict[int, tuple[int, int]] = {}
        self._stopping = False

    def begins(self, number: int, where: str, checkpoint: int) -> int:
        """Note that a worker begins a seed; returns how many have begun at this checkpoint, 0 if it is to stop."""
        if self._stopping:
            return 0
        last, tries = self._tries.get(number, (checkpoint, 0))
        tries = tries + 1 if last == checkpoint else 1
        self._tries[number] = (checkpoint, tries)
        self._news.append((number, where))
        return tries

    def steps(self, number: int, timesteps: int, judgement: dict[str, Any] | None) -> bool:
        """Note how far a worker is; returns whether it is to stop."""
        self._news.append((number, (timesteps, judgement)))
        return self._stopping

    def news(self) -> list[tuple[int, str | tuple[int, dict[str, Any] | None]]]:
        """News since the last call, by seed: where it begins, or how far it is."""
        news, self._news = self._news, []
        return news

    def stop(self) -> list[int]:
        """Tell every worker to stop; returns the seeds that have been begun."""
        self._stopping = True
        return list(self._tries)

    def stopping(self) -> bool:
        """Whether workers are to stop."""
        return self._stopping


@dataclasses.dataclass(frozen=True)
class Order:
    """The task of a worker.

    Attributes:
        number: of the seed.
        job: the run, and its folder as every machine names it.
        token: a file that the driver has created in the log folder.
        versions: of the driver's libraries.
    """

    number: int
    job: SeedJob
    token: Path
    versions: dict[str, str]


def train_on_ray(
    ray: Any, jobs: Sequence[SeedJob], log_folder: Path, progress: SeedsProgress, stop: Stop
) -> list[SeedEnd]:
    """Train the jobs and return their ends, in their order; those that were never begun count as stopped.

    Args:
        ray: connected, see `ray_session.ray_session`.
        jobs: what to train; their folders have been made.
        log_folder: it holds these folders.
        progress: shows what happens.
        stop: whether to stop; at a second signal, the tasks end with the connection.
    """
    from thinmargin_agents.cli.versions import versions

    exchange, threads = _begin_exchange(ray), jobs[0].run.num_threads
    ends = [SeedEnd() for _ in jobs]
    with _token(log_folder) as token:
        task = ray.remote(num_cpus=threads, max_retries=-1, retry_exceptions=[InterruptedRunError])(_train)
        pending = {}
        for number, job in enumerate(jobs):
            there = dataclasses.replace(job, path=job.path.absolute())
            order = Order(number, there, token, versions())
            pending[task.options(name=job.name).remote(order, exchange)] = number
        notified = False
        try:
            while pending:
                ended, _ = ray.wait(list(pending), num_returns=len(pending), timeout=PULSE)
                for number, news in ray.get(exchange.news.remote()):
                    _show(progress, number, news)
                for reference in ended:
                    number = pending.pop(reference)
                    ends[number] = _end_of(ray, reference)
                    progress.ends(number, ends[number])
                if stop.asked and not notified:
                    notified = True
                    _stop(ray, exchange, pending)
        except KeyboardInterrupt:
            stop.asked = True
        except ray.exceptions.RayError as error:
            for number in pending.values():
                ends[number] = SeedEnd(error=f"the cluster is gone: {error}")
                progress.ends(number, ends[number])
    return ends


def _stop(ray: Any, exchange: Any, pending: Mapping[Any, int]) -> None:
    """Every worker stops after its update, and what has not been begun will not be."""
    begun = ray.get(exchange.stop.remote())
    for reference, number in pending.items():
        if number not in begun:
            ray.cancel(reference)


def _begin_exchange(ray: Any) -> Any:
    """The actor, on this machine: if that is lost, so is the driver. A lost process of the actor is begun again."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    lasting = ray.remote(num_cpus=0, scheduling_strategy=here, max_restarts=-1, max_task_retries=-1)(Exchange)
    return lasting.remote()


@contextmanager
def _token(log_folder: Path) -> Iterator[Path]:
    """A file by which a worker recognizes the log folder; removed with the block."""
    token = log_folder.absolute() / f".{uuid.uuid4().hex}"
    token.touch(exist_ok=False)
    try:
        yield token
    finally:
        token.unlink(missing_ok=True)


def _show(progress: SeedsProgress, number: int, news: str | tuple[int, dict[str, Any] | None]) -> None:
    from thinmargin_agents.monitoring.judgement import Judgement
    from thinmargin_agents.training.callbacks.progress import Step

    if isinstance(news, str):
        progress.begins(number, news)
    else:
        timesteps, judgement = news
        progress.steps(number, Step(timesteps, None if judgement is None else Judgement(**judgement)))


def _end_of(ray: Any, reference: Any) -> SeedEnd:
    try:
        end: SeedEnd = ray.get(reference)
    except ray.exceptions.TaskCancelledError:
        return SeedEnd()
    except ray.exceptions.RayError as error:
        return SeedEnd(error=str(error))
    return end


def _train(order: Order, exchange: Any) -> SeedEnd:
    """A worker's task: train the job, from its checkpoint if it has one."""
    job, where = order.job, f"process {os.getpid()} of {socket.gethostname()}"
    error = _unusable(order)
    if error:
        return SeedEnd(error=f"{where}: {error}")
    tries = answer_of(exchange.begins.remote(order.number, where, _checkpoint_of(job.path)))
    if tries == 0:
        return SeedEnd()
    if tries > TRIES:
        return SeedEnd(error=f"{TRIES} processes were lost at the same checkpoint; Ray's logs may say why")
    last_report = 0.0

    def report(step: Step) -> bool:
        nonlocal last_report
        if step.judgement is None and time.monotonic() - last_report < PULSE:
            return False
        last_report = time.monotonic()
        judgement = None if step.judgement is None else dataclasses.asdict(step.judgement)
        return bool(answer_of(exchange.steps.remote(order.number, step.timesteps, judgement)))

    end = work(job, report, resume=True)
    if end.stopped and not answer_of(exchange.stopping.remote()):
        raise InterruptedRunError(f"{where}: its machine asked it to stop")
    return end


def _unusable(order: Order) -> str | None:
    """Why this machine cannot train the job, or None."""
    from thinmargin_agents.cli.versions import versions

    other = [
        f"{name} is {versions().get(name)}, not {expected}"
        for name, expected in order.versions.items()
        if versions().get(name) != expected
    ]
    if other:
        return f"its libraries differ from the driver's: {', '.join(other)}"
    deadline = time.monotonic() + SIGHT
    while not order.token.is_file():
        if time.monotonic() > deadline:
            return (
                f"this machine does not see {order.token.parent}: --log-folder must lie on a file system that every"
                " machine shares, at the same place"
            )
        time.sleep(0.2)
    deadline = time.monotonic() + RELEASE
    while time.monotonic() < deadline:
        try:
            with locked(order.job.path):
                return None
        except LockedError:
            time.sleep(1.0)
    return None  # training it now raises the error


def _checkpoint_of(path: Path) -> int:
    """A number that changes with every checkpoint; 0 if there is none."""
    from thinmargin_agents.runs.file_names import TREE

    try:
        return (path / "checkpoint" / TREE).stat().st_mtime_ns
    except FileNotFoundError:
        return 0
