"""The study of a search: its storage, its settings, the trials that count and those that must be tried again."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import optuna
from optuna import Study, Trial
from optuna.pruners import MedianPruner
from optuna.samplers import TPESampler
from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

import thinmargin
from thinmargin.shown import shown
from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.hyperparameters import flat
from thinmargin_agents.config.seeds import SEEDING
from thinmargin_agents.config.train_config import TrainConfig
from thinmargin_agents.runs.same_agent import differing
from thinmargin_agents.scoring.comparison import REFERENCE
from thinmargin_agents.search.messages import first_line
from thinmargin_agents.search.search_space import Space
from thinmargin_agents.search.target import Target

ATTRIBUTE = "search"
"""Attribute of a study: the settings that decide its values."""
REASON = "reason"
"""Attribute of a trial: why it has no value. A failed trial without it says nothing on its hyper-parameters: its worker
was lost."""
TRIES = "tries"
"""Attribute of a trial: how many workers were lost on these hyper-parameters before."""
MOST_TRIES = 3
ENQUEUED = "fixed_params"
"""Optuna's own attribute of a trial: the hyper-parameters that it was enqueued with."""
NAME = re.compile(r"[\w.-]+")
"""Allowed names of a study: a file is named after it."""
STARTUP = 5
"""Complete trials before one is ended early."""
WARM_UP = 3
"""No trial is ended early in the first of this many parts of its first seed."""
MOST_DIFFERENCES = 3
"""Most differences that a message names."""


def study_name(config: TrainConfig) -> str:
    """The name of the study; one that no file can have is a ConfigError."""
    name = config.study_name or f"{config.algo}-{config.env.rsplit('/', 1)[-1]}"
    if not NAME.fullmatch(name):
        raise ConfigError(f"--study-name is {shown(name)}: letters, digits and . _ - are allowed")
    return name


def storage_url(config: TrainConfig) -> str:
    """The address of the study's storage."""
    return config.storage or f"sqlite:///{config.log_folder / 'search.db'}"


def shown_url(url: str) -> str:
    """A storage's address without its password."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except SQLAlchemyError:
        return url


def open_storage(config: TrainConfig) -> RDBStorage:
    """The database of the command line, created if it is not there; one that cannot be opened is a ConfigError."""
    url = storage_url(config)
    if config.storage is None:
        config.log_folder.mkdir(parents=True, exist_ok=True)
    try:
        return RDBStorage(url)
    except (SQLAlchemyError, ImportError, RuntimeError, ValueError) as error:
        raise ConfigError(
            f"--storage is {shown(shown_url(url))}: it cannot be opened: {first_line(error)}; allowed are addresses of"
            " data bases as SQLAlchemy has them, such as sqlite:///logs/search.db"
        ) from error


def open_study(config: TrainConfig, storage: RDBStorage, space: Space, target: Target) -> Study:
    """The study of the command line, created if it is not there.

    Args:
        config: the command line.
        storage: it holds the study.
        space: the search space.
        target: the objective.

    Raises:
        ConfigError: a study of this name has other settings, so that its values cannot be compared with new ones.
    """
    name, base = study_name(config), space.base
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # the search prints its own line for every trial
    pruner = MedianPruner(n_startup_trials=STARTUP, n_warmup_steps=base.total_timesteps // WARM_UP)
    study = optuna.create_study(
        storage=storage, study_name=name, direction="maximize", pruner=pruner, load_if_exists=True
    )
    settings = document(config, space, target)
    found = study.user_attrs.get(ATTRIBUTE)
    if found is None and (study.trials or study.direction != StudyDirection.MAXIMIZE):
        raise ConfigError(
            f"--study-name is {shown(name)}: that study in {shown_url(storage_url(config))} was not made by train.py;"
            " name another"
        )
    if found is None:
        study.set_user_attr(ATTRIBUTE, settings)
        start = space.start()
        if start:
            study.enqueue_trial(start)
    elif found != settings:
        raise ConfigError(
            f"--study-name is {shown(name)}: that study in {shown_url(storage_url(config))} is another: it has"
            f" {_differences(found, settings)}; give the same, or name another study"
        )
    study.sampler = TPESampler(seed=_seed(config.seed, len(study.trials)))
    return study


def document(config: TrainConfig, space: Space, target: Target) -> dict[str, Any]:
    """The settings that decide the values of a study, as plain JSON values: trials under others cannot be compared."""
    base = space.base
    values = {
        "target": target.words,
        "thinmargin": thinmargin.__version__,
        f"J of {REFERENCE}": round(float(target.judge.baseline.value.mean()), 3),
        "algo": base.algo,
        "env": base.env_id,
        "env_kwargs": base.env_kwargs,
        "hyperparameters": flat(base.hyperparameters),
        "seeds": [base.seed + place for place in range(config.n_seeds)],
        "seeding": SEEDING,
        "eval_freq": base.eval_freq,
        "n_eval_episodes": base.n_eval_episodes,
        "tried": space.document(),
    }
    plain: dict[str, Any] = json.loads(json.dumps(values))
    return plain


def is_settled(trial: FrozenTrial) -> bool:
    """Whether a trial counts: it has a value, was ended early, or cannot be done."""
    if trial.state == TrialState.FAIL:
        return REASON in trial.user_attrs
    return trial.state in (TrialState.COMPLETE, TrialState.PRUNED)


def count_settled(study: Study) -> int:
    """Trials that count."""
    return sum(map(is_settled, study.get_trials(deepcopy=False)))


def ranking(study: Study) -> list[FrozenTrial]:
    """Complete trials, best first; of equals the earlier."""
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return sorted(complete, key=lambda trial: (-(trial.value or 0.0), trial.number))


def requeue_lost(study: Study, trial: Trial, reason: str) -> bool:
    """End a trial whose worker was lost and enqueue it again; False, with a reason, after MOST_TRIES."""
    tries = int(trial.user_attrs.get(TRIES, 0)) + 1
    if tries >= MOST_TRIES:
        trial.set_user_attr(REASON, f"{tries} workers were lost; the last: {reason}")
    study.tell(trial, state=TrialState.FAIL)
    if tries >= MOST_TRIES:
        return False
    study.enqueue_trial(trial.params, user_attrs={TRIES: tries})
    return True


def requeue_running(study: Study) -> int:
    """Enqueue every running trial again, of a killed search or of this one as it ends; returns their number."""
    running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    for trial in running:
        enqueued = trial.system_attrs.get(ENQUEUED, {})  # all of them, where not all have been drawn
        tries = {TRIES: trial.user_attrs[TRIES]} if TRIES in trial.user_attrs else {}
        study.enqueue_trial({**enqueued, **trial.params}, user_attrs=tries)
        study.tell(trial.number, state=TrialState.FAIL)
    return len(running)


def _seed(seed: int, trials: int) -> int:
    """Seed of the sampler: it differs between calls, or the same trials would be drawn again."""
    return int(np.random.SeedSequence([seed, trials]).generate_state(1)[0])


def _differences(found: Any, settings: dict[str, Any]) -> str:
    """The settings of a study that differ from those of the command line, in words."""
    old, new = _leaves(found), _leaves(settings)
    names = differing(old, new)
    words = [f"{name} {shown(old.get(name))}, not {shown(new.get(name))}" for name in names[:MOST_DIFFERENCES]]
    more = len(names) - len(words)
    return ", ".join(words) + (f", and {more} more" if more else "")


def _leaves(value: Any, name: str = "") -> dict[str, Any]:
    """Nested mappings as one with dotted names."""
    if not isinstance(value, dict) or not value:
        return {name: value}
    found: dict[str, Any] = {}
    for key, item in value.items():
        found |= _leaves(item, f"{name}.{key}" if name else str(key))
    return found
