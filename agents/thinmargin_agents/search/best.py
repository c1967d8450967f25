"""The result of a search: its best trials in a table, and the best of them as a preset that train.py takes."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml
from optuna import Study
from optuna.exceptions import ExperimentalWarning
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState
from rich.console import Console
from rich.table import Table

from thinmargin.files import write_atomically
from thinmargin_agents.cli.command import path_word
from thinmargin_agents.cli.programs import script_command
from thinmargin_agents.cli.versions import versions
from thinmargin_agents.config.hyperparameters import flat
from thinmargin_agents.config.preset import OWN
from thinmargin_agents.config.train_config import TrainConfig
from thinmargin_agents.search.search_space import BOUND, Space, bound_of
from thinmargin_agents.search.study import REASON, ranking
from thinmargin_agents.search.target import Target

SHOWN = 5
"""Trials of the table."""
ENOUGH = 20
"""Least number of complete trials for which importances are shown."""


def preset_path(config: TrainConfig, name: str) -> Path:
    """The file of a study's best hyper-parameters."""
    return config.log_folder / "search" / f"{name}.yml"


def counts(study: Study) -> str:
    """Numbers of trials by how they ended, in words."""
    found: Counter[str] = Counter()
    for trial in study.get_trials(deepcopy=False):
        reasoned = REASON in trial.user_attrs
        if trial.state == TrialState.COMPLETE:
            found["complete"] += 1
        elif trial.state == TrialState.PRUNED:
            found["impossible" if reasoned else "ended early"] += 1
        elif trial.state == TrialState.FAIL and reasoned:
            found["failed"] += 1
    return ", ".join(f"{count} {how}" for how, count in found.most_common()) or "none"


def importances(study: Study) -> dict[str, float]:
    """Share of the difference between trials that each hyper-parameter explains (Watanabe et al. 2023)."""
    if len(ranking(study)) < ENOUGH:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)  # before Optuna 5; what it computes is as published
        return get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())


def table_of(study: Study, space: Space, target: Target) -> Table:
    """The best trials, a column each, with their hyper-parameters."""
    best = ranking(study)[:SHOWN]
    shares = importances(study)
    table = Table(title=f"best trials: {target.words}")
    table.add_column("", no_wrap=True)
    for trial in best:
        table.add_column(f"trial {trial.number}", justify="right", overflow="fold")
    if shares:
        table.add_column("importance", justify="right")
    table.add_row(f"{target.name}, IQM", *(f"{trial.value:.2f}" for trial in best))
    table.add_row("J, mean", *(f"{trial.user_attrs['J']:.2f}" for trial in best))
    table.add_row("seconds", *(f"{trial.user_attrs['seconds']:.0f}" for trial in best))
    for name in sorted(space.dimensions, key=lambda name: -shares.get(name, 0.0)):
        cells = [_text(_value(space, trial, name)) for trial in best]
        share = [f"{shares.get(name, 0.0):.0%}"] if shares else []
        table.add_row(name.removeprefix("policy_kwargs."), *cells, *share)
    return table


def _value(space: Space, trial: FrozenTrial, name: str) -> Any:
    values = flat(space.hyperparameters(trial.params))
    return bound_of(values) if name == BOUND else values[name]


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{name} {_text(item)}" for name, item in value.items())
    return "x".join(map(str, value)) if isinstance(value, list) else str(value)


def preset_text(study: Study, space: Space, target: Target, command: str, storage: str) -> str:
    """The best trial as a preset in the form of rl-zoo3, with a comment on its origin.

    Args:
        study: with a complete trial.
        space: what was tried.
        target: the objective.
        command: the command line that continues the search.
        storage: of the study.
    """
    best, base = ranking(study)[0], space.base
    seeds = ", ".join(f"{value:.2f}" for value in best.user_attrs["by_seed"])
    used = ", ".join(f"{name} {version}" for name, version in {**versions(), "optuna": _optuna()}.items())
    comment = [
        f"The best of a search: trial {best.number} of study {study.study_name}, {storage} ({counts(study)}).",
        f"command: {command}",
        f"validation {target.name}: {best.value:.2f}, {target.words};",
        f"  by seed, from {base.seed}: {seeds}; mean J {best.user_attrs['J']:.2f} RMB bn",
        f"versions: {used}",
        "It was chosen by these worlds and seeds, so expect less elsewhere.",
    ]
    values = space.hyperparameters(best.params)
    own = {name: {base.env_id: values.pop(name)} for name in OWN if name in values}
    section = {**values, "env_kwargs": dict(base.env_kwargs)} if base.env_kwargs else values
    content = {**own, base.env_id: section}
    lines = [f"# {' '.join(line.splitlines())}" for line in comment]
    return "\n".join(lines) + "\n" + yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=120)


def _optuna() -> str:
    return metadata.version("optuna")


def conclude(
    config: TrainConfig, study: Study, space: Space, target: Target, command: str, storage: str, console: Console
) -> int:
    """Show the best trials and write the best as a preset; 1 if there is none.

    Raises:
        OSError: the preset cannot be written.
    """
    if not ranking(study):
        reasons = {trial.user_attrs[REASON] for trial in study.trials if REASON in trial.user_attrs}
        console.print(f"no trial is complete ({counts(study)}): {'; '.join(sorted(reasons)) or 'all ended early'}")
        return 1
    path = preset_path(config, study.study_name)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, preset_text(study, space, target, command, storage))
    console.print(table_of(study, space, target))
    words = ["--algo", config.algo, "--env", space.base.env_id, "--preset", path_word(path)]
    console.print(f"study {study.study_name} in {storage}: {counts(study)}\npreset: {path}")
    console.print(f"next: {script_command('train', words)}")
    return 0
