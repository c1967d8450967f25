"""Checks of the flags of `evaluate.py`, beyond their types."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from thinmargin import ENVIRONMENTS
from thinmargin.families import BENCHMARK
from thinmargin.files import is_file
from thinmargin.shown import shown
from thinmargin.splits import KEYS
from thinmargin_agents.cli.command import check_libraries
from thinmargin_agents.cli.errors import UsageError
from thinmargin_agents.cli.outputs import check_files
from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.run import JUDGED
from thinmargin_agents.config.train_config import parse_pairs
from thinmargin_agents.evaluate.config import EvaluateConfig
from thinmargin_agents.evaluate.tables import PLACES
from thinmargin_agents.judging.arena import Playground, playground_of
from thinmargin_agents.judging.stress import SPLIT
from thinmargin_agents.runs.file_names import CONFIG, RUN_FILES

PREFIX = "thinmargin:"
"""Gymnasium's spelling of an id that imports its package first."""
REPORT_LIBRARIES = ("matplotlib", "jinja2")


def check_flags(config: EvaluateConfig) -> None:
    """Raise UsageError unless the values of the flags can be used."""
    most = len(KEYS[config.split])
    if not 2 <= config.n_worlds <= most:
        raise UsageError(f"--n-worlds is {config.n_worlds}: allowed are 2 to {most}")
    if config.n_stress_worlds < 2:
        raise UsageError(f"--n-stress-worlds is {config.n_stress_worlds}: allowed are whole numbers from 2")
    if config.seed < 0:
        raise UsageError(f"--seed is {config.seed}: allowed are whole numbers from 0")
    if not 1 <= config.processes <= 64:
        raise UsageError(f"--processes is {config.processes}: allowed are 1 to 64")
    if not config.time_limit > 0.0:
        raise UsageError(f"--time-limit is {config.time_limit:g}: it must be above 0 seconds")
    playground(config)
    _check_stress(config)
    files = [("--json", config.json), ("--csv", config.csv), ("--html", config.html)]
    check_files([*files, *(("--markdown", page) for page in config.markdown)], page="--markdown", places=PLACES)
    for flag, path in files:
        if path is not None:
            _check_replaces_nothing(flag, path, config.policies)
    if config.html is not None:
        check_libraries("--html", REPORT_LIBRARIES, "report")


def _check_stress(config: EvaluateConfig) -> None:
    """Raise UsageError for flags of held-out worlds that do not go together."""
    if config.stress and config.no_stress:
        raise UsageError("--stress and --no-stress are both given: give one of the two")
    if config.stress and (not is_benchmark(config) or config.split != SPLIT):
        raise UsageError(
            f"--stress goes with --env {BENCHMARK} and --split {SPLIT}, not with --env {config.env}"
            f"{' and --env-kwargs' if config.env_kwargs else ''} and --split {config.split}: held-out worlds are for"
            " reporting, nothing is chosen by them"
        )
    if config.n_stress_worlds != EvaluateConfig.n_stress_worlds and not plays_stress(config):
        raise UsageError(
            f"--n-stress-worlds is {config.n_stress_worlds}: no held-out worlds are played"
            f" {'with --no-stress' if config.no_stress else 'but with the test worlds of the benchmark'}"
        )


def _check_replaces_nothing(flag: str, path: Path, policies: Sequence[str]) -> None:
    """Raise UsageError for a file of a run, or of a policy that is judged: results would take its place."""
    target = path.resolve()
    folders = (target.parent, target.parent.parent)
    in_run = any(is_file(folder / CONFIG) and target.relative_to(folder).as_posix() in RUN_FILES for folder in folders)
    codes = {Path(name.rpartition(":")[0]).resolve() for name in policies if name.rpartition(":")[0].endswith(".py")}
    if in_run or target in codes:
        raise UsageError(f"{flag} is {shown(path)}: that is a file of a policy; results are not written over it")


def registered(env: str) -> str:
    """The id without Gymnasium's prefix; one that is not of this package is a UsageError that lists them."""
    name = env.removeprefix(PREFIX)
    ids = [entry.id for entry in ENVIRONMENTS]
    if name not in ids:
        raise UsageError(f"--env is {shown(env)}: allowed are {', '.join(ids)}")
    return name


def playground(config: EvaluateConfig) -> Playground:
    """The environment that is played; arguments that it refuses, or that decide nothing here, are a UsageError."""
    try:
        given = parse_pairs("--env-kwargs", config.env_kwargs)
    except ConfigError as error:
        raise UsageError(str(error)) from error
    for name in given:
        if name not in JUDGED:
            raise UsageError(
                f"--env-kwargs has {shown(name)}: allowed are {', '.join(JUDGED)}; --split chooses the worlds, and"
                " J is money whatever reward an agent learnt from"
            )
    try:
        return playground_of(registered(config.env), given)
    except (TypeError, ValueError) as error:
        raise UsageError(f"--env-kwargs: {error}") from error


def plays_stress(config: EvaluateConfig) -> bool:
    """Whether the held-out scenarios are played: with the benchmark's test worlds, unless they were left out."""
    return is_benchmark(config) and config.split == SPLIT and not config.no_stress


def is_benchmark(config: EvaluateConfig) -> bool:
    """Whether the benchmark's own task is judged."""
    return registered(config.env) == BENCHMARK and playground(config) == playground_of(BENCHMARK)
