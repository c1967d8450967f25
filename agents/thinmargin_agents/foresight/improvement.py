"""Making a file of best known plans: the starts in every world, two searches, and a check that they converged."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress

from thinmargin.baselines import BASELINES, Policy, baseline
from thinmargin.families import BENCHMARK
from thinmargin.files import is_file
from thinmargin.memory import check_memory
from thinmargin.plans import between
from thinmargin.records import LEVERS
from thinmargin.settings import Settings
from thinmargin.shown import class_name, plain
from thinmargin.splits import KEYS
from thinmargin.tuned import tuned_policy
from thinmargin_agents.cli.errors import UsageError
from thinmargin_agents.cli.processes import lost_is_told
from thinmargin_agents.cli.versions import versions
from thinmargin_agents.foresight.config import ForesightConfig
from thinmargin_agents.foresight.plan_files import KnownPlans, check_begun, check_version, read_plans, save_plans
from thinmargin_agents.foresight.search import KNOTS, Best, Problem, improve
from thinmargin_agents.foresight.tables import Numbers, Steps, in_steps, value_of
from thinmargin_agents.play.candidates import Candidates, Seen
from thinmargin_agents.play.errors import PolicyError
from thinmargin_agents.policies.by_name import entrant_of

CHUNK = 16
"""Worlds searched side by side in one process."""
FINE = (60,)
"""Knots of the second search, and of the check that doubles the budget of both."""
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Variables that limit a process to one thread: with small matrices, threads of two processes wait for each other."""
UNUSED = "random"
"""A hand-coded policy that no search starts from: it acts at random."""


def make(config: ForesightConfig, path: Path, command: str, console: Console) -> str:
    """Search for the plans that `config` asks for and write them to `path`; returns a summary in words.

    Raises:
        DamagedFileError: there is a file at `path` that cannot be read or is of another version, and `fresh` is not
            set.
        UsageError, PolicyError: a policy of `also` is unknown, or does not work.
        OSError: the file cannot be written.
    """
    settings = Settings()
    keys = KEYS[config.split][: config.n_worlds]
    players: dict[str, Policy] = {name: baseline(name) for name in BASELINES if name != UNUSED}
    for name in config.also:
        try:
            players |= {member.name: member.policy for member in entrant_of(name).members}
        except ValueError as error:
            raise UsageError(f"--also: {error}") from error
    steps = settings.horizon * len(LEVERS) * np.dtype(np.int16).itemsize
    check_memory(
        f"--n-worlds is {config.n_worlds}", len(keys) * steps * (len(players) + 4)
    )  # a table a start, and found
    known = None if config.fresh or not is_file(path) else read_plans(path)
    if known is not None:
        check_version(path, known)
        check_begun(path, known, config.split, settings.horizon)
    names, starts = starts_of(players, keys, known, settings)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        checked = keys[: config.n_check]
        task = bar.add_task("foresight", total=2 * config.evaluations * (len(keys) + len(checked)))

        def progress(count: int) -> None:
            bar.update(task, advance=count)

        first = search_all(config, keys, starts, 0, config.evaluations, progress)
        second = search_all(config, keys, first.tables[None], 1, config.evaluations, progress)
        doubled = search_all(config, checked, second.tables[None, : len(checked)], 2, 2 * config.evaluations, progress)
    start_value = value_of(keys, starts[0], settings)
    means = [float(value.mean()) for value in (start_value, first.value, second.value)]
    raised = 100.0 * float(doubled.value.mean() / second.value[: len(checked)].mean() - 1.0)
    made = {
        "command": command if known is None else f"{command}, begun from an earlier file",
        "environment": BENCHMARK,
        "evaluations": 2 * config.evaluations,
        "begun_from": {name: names.count(name) for name in sorted(set(names))},
        "convergence": {
            "J_begun": means[0],
            "J_half": means[1],
            "J": means[2],
            "worlds_checked": len(checked),
            "doubling_adds_percent": raised,
        },
        "versions": versions(),
    }
    save_plans(path, merged(known, KnownPlans(np.array(keys), second.tables, second.value, made)))
    return (
        f"{config.n_worlds} {config.split} worlds: the best of {len(players)} policies"
        f"{'' if known is None else ' and the earlier search'} in every world earns"
        f" {means[0]:.2f} RMB bn, the best plan known {means[1]:.2f} after {config.evaluations} plays of a world and"
        f" {means[2]:.2f} after {2 * config.evaluations}; as many again add {raised:.2f} % in the first {len(checked)}"
        f" worlds\nwritten: {plain(path)}"
    )


def starts_of(
    players: dict[str, Policy], keys: Sequence[int], known: KnownPlans | None, settings: Settings
) -> tuple[list[str], Steps]:
    """Starts of the search in every world: the best table of a policy there, and the shipped plan.

    Returns:
        Names of the best, one a world, and tables of shape (2, worlds, horizon, 4).
    """
    names = list(players)
    tables = [table_of(policy, keys, settings) for policy in players.values()]
    if known is not None:
        place = {key: row for row, key in enumerate(known.keys.tolist())}
        earlier = tables[0].copy()
        for row, key in enumerate(keys):
            if key in place:
                earlier[row] = known.tables[place[key]]
        names.append("earlier search")
        tables.append(earlier)
    values = np.stack([value_of(keys, table, settings) for table in tables])
    best = values.argmax(axis=0)
    times = np.arange(settings.horizon) / settings.horizon
    plan = np.broadcast_to(in_steps(between(tuned_policy("plan").knots, times)), tables[0].shape)
    return [names[row] for row in best], np.stack([np.stack(tables)[best, np.arange(len(keys))], plan])


def table_of(policy: Policy, keys: Sequence[int], settings: Settings) -> Steps:
    """Actions of a policy in every world, shape (worlds, horizon, 4)."""
    candidates = Candidates(keys, 1, settings)
    table = np.zeros((len(keys), settings.horizon, 4), np.int16)
    state: Any = None

    def answer(seen: Seen, time: float) -> Numbers:
        nonlocal state
        month = round(time * settings.horizon)
        actions, state = policy.predict(seen[0].copy(), state, np.full(len(keys), month == 0), True)  # noqa: FBT003  # SB3's own order
        if np.shape(actions) != (len(keys), 4) or not np.isfinite(actions).all():
            raise PolicyError(
                f"{class_name(type(policy))}, month {month}: actions must be finite, of shape ({len(keys)}, 4)"
            )
        table[:, month] = in_steps(actions)  # in their own type: as float64, some of float32 would round otherwise
        return np.asarray(actions, np.float64)

    candidates.play(answer)
    return table


def search_all(
    config: ForesightConfig,
    keys: Sequence[int],
    starts: Steps,
    number: int,
    evaluations: int,
    progress: Callable[[int], None],
) -> Best:
    """The best tables of all worlds, chunk by chunk in processes; `number` is that of the search, 0 to 2."""
    parts: dict[int, Best] = {}
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))  # read by processes that start
    with (
        lost_is_told(config.processes),
        ProcessPoolExecutor(config.processes, mp_context=get_context("spawn")) as pool,
    ):
        tasks = {}
        for first in range(0, len(keys), CHUNK):
            some = slice(first, first + CHUNK)
            problem = Problem(list(keys[some]), np.ascontiguousarray(starts[:, some]))
            seed = config.seed + 100_003 * number
            task = pool.submit(improve, problem, Settings(), evaluations, seed, FINE if number else KNOTS)
            tasks[task] = first
        waiting = set(tasks)
        try:
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for task in done:
                    parts[tasks[task]] = task.result()
                    progress(len(parts[tasks[task]].value) * evaluations)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    ordered = [parts[first] for first in sorted(parts)]
    return Best(np.concatenate([part.tables for part in ordered]), np.concatenate([part.value for part in ordered]))


def merged(known: KnownPlans | None, new: KnownPlans) -> KnownPlans:
    """The new plans, and those of other worlds that the file had."""
    if known is None:
        return new
    other = ~np.isin(known.keys, new.keys)
    order = np.argsort(np.concatenate([known.keys[other], new.keys]))
    return KnownPlans(
        np.concatenate([known.keys[other], new.keys])[order],
        np.concatenate([known.tables[other], new.tables])[order],
        np.concatenate([known.value[other], new.value])[order],
        new.made,
    )
