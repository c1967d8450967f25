"""Runs that can be shipped: finished, undamaged, and alike in everything but their seed."""

from __future__ import annotations

import csv
import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thinmargin.files import DamagedFileError, read_text
from thinmargin.shown import plain, shown
from thinmargin_agents.cli.command import path_word
from thinmargin_agents.cli.programs import script_command
from thinmargin_agents.config.hyperparameters import flat
from thinmargin_agents.config.run import Run
from thinmargin_agents.policies.manifest import Evaluation
from thinmargin_agents.runs.file_names import EVALUATIONS
from thinmargin_agents.runs.folder import RunError, RunFolder
from thinmargin_agents.runs.safetensors_tree import read_json
from thinmargin_agents.runs.same_agent import PER_RUN, differing


@dataclass(frozen=True, eq=False)
class FinishedRun:
    """A finished run.

    Attributes:
        folder: where it is.
        run: its configuration.
        weights: of its best policy, by name.
        value: mean J of that policy on the run's validation worlds, RMB bn, as it was judged.
        best_at: months of experience that policy had.
        evaluations: all of the run.
        versions: of Python and the libraries.
    """

    folder: Path
    run: Run
    weights: Mapping[str, Any]
    value: float
    best_at: int
    evaluations: list[Evaluation]
    versions: Mapping[str, str]


def read_finished_run(path: Path) -> FinishedRun:
    """The finished run of a folder; one that is absent, damaged, foreign or not finished is a RunError."""
    folder = RunFolder.open(path)
    run = folder.run()
    evaluations = _evaluations(path / EVALUATIONS, run.seed)
    reached = evaluations[-1].timesteps if evaluations else 0
    if reached < run.total_timesteps:
        raise RunError(
            f"{plain(path)}: not finished: judged after {reached:,} of {run.total_timesteps:,} months;"
            f" {script_command('train', ['--resume', path_word(path)])} goes on"
        )
    best = folder.load("best")
    try:
        versions = dict(read_json(path / "versions.json"))
        if not all(isinstance(version, str) for version in versions.values()):
            raise ValueError("versions.json has a version that is no text")
        return FinishedRun(
            path, run, dict(best["policy"]), float(best["J"]), int(best["timesteps"]), evaluations, versions
        )
    except (KeyError, TypeError, ValueError, DamagedFileError) as error:
        raise RunError(f"{plain(path)}: not a run of this package: {error}") from error


def _evaluations(path: Path, seed: int) -> list[Evaluation]:
    """The evaluations of a run's file; a score only where the run wrote one."""
    try:
        return [
            Evaluation(
                seed, int(row["timesteps"]), _finite(row["seconds"]), _finite(row["J"]),
                _finite(row["score"]) if row.get("score") else None, _finite(row["bankrupt_share"]),
            )
            for row in csv.DictReader(read_text(path).splitlines())
        ]  # fmt: skip
    except OSError as error:
        raise RunError(f"{plain(path)}: cannot be read: {error.strerror or error}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"{plain(path)}: not the evaluations of a run: {shown(error)}") from error


def _finite(text: str) -> float:
    """The number in a text; one that JSON does not have is a ValueError."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is no finite number")
    return value


def check_same_agent(runs: Sequence[FinishedRun]) -> None:
    """Raise RunError, naming what differs, unless the runs are trainings of one agent with different seeds."""
    first = runs[0]
    known: dict[int, Path] = {}
    for run in runs:
        differences = _differences(first.run, run.run)
        if differences:
            raise RunError(f"{plain(run.folder)} is another agent than {plain(first.folder)}: {'; '.join(differences)}")
        if run.run.seed in known:
            raise RunError(f"{plain(run.folder)} and {plain(known[run.run.seed])} have the same seed, {run.run.seed}")
        known[run.run.seed] = run.folder
        if [row.timesteps for row in run.evaluations] != [row.timesteps for row in first.evaluations]:
            raise RunError(
                f"{plain(run.folder)} and {plain(first.folder)} were not judged after the same months of experience"
            )


def _differences(one: Run, other: Run) -> list[str]:
    """In words, the settings in which two runs differ, but for those of PER_RUN."""
    first, second = _settings(one), _settings(other)
    return [
        f"{name} is {shown(second.get(name, 'not set'))}, not {shown(first.get(name, 'not set'))}"
        for name in differing(first, second)
    ]


def _settings(run: Run) -> dict[str, Any]:
    settings = dataclasses.asdict(run)
    plain = {name: value for name, value in settings.items() if name not in (*PER_RUN, "hyperparameters", "env_kwargs")}
    inner = {f"env_kwargs {name}": value for name, value in run.env_kwargs.items()}
    return plain | inner | flat(run.hyperparameters)
