"""The command line that trains a run again, from its configuration and the shipped presets."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from thinmargin.versions import current
from thinmargin_agents.cli.command import command_of
from thinmargin_agents.cli.programs import shell_line
from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.hyperparameters import flat
from thinmargin_agents.config.preset import EVALUATIONS_PER_RUN, load_preset, preset_names, resolve
from thinmargin_agents.config.run import Run
from thinmargin_agents.config.train_config import TrainConfig

ONE_FLAG = ("n_timesteps", "n_envs")
"""Hyper-parameters with a flag of their own."""
LONGEST = 1000
"""Characters of a command that a message has."""


class Training(NamedTuple):
    """The command that trains an agent again, and its preset."""

    command: str
    preset: str


def training_of(run: Run, seeds: Sequence[int]) -> Training:
    """The shortest command that leads to this run, with these seeds.

    It begins from the shipped preset that needs the fewest other flags, and is checked to give exactly the run.

    Raises:
        ConfigError: no shipped preset leads there, or the run was lengthened.
    """
    if run.lengthened:
        raise ConfigError(
            f"this run was lengthened {len(run.lengthened)} times, the last time at month"
            f" {run.lengthened[-1]['at']:,} to {run.total_timesteps:,}: no single command trains it again"
        )
    target = dataclasses.replace(run, tensorboard_log=None)
    found: dict[str, int] = {}
    configs: dict[str, TrainConfig] = {}
    for preset in ("default", *preset_names()):
        try:
            config = _config(target, preset)
            if resolve(config) != target:
                continue
        except ConfigError:  # a preset of another algorithm
            continue
        found[preset] = len(config.hyperparams) + len(config.env_kwargs)
        configs[preset] = config
    if not found:
        raise ConfigError(
            f"no shipped preset leads to the hyper-parameters of this {run.algo} run on {run.env_id}: the one it was"
            " trained with has changed, or is not among the shipped ones"
        )
    preset = min(found, key=lambda name: found[name])
    several = len(seeds) > 1
    config = dataclasses.replace(
        configs[preset], seed=0 if several else seeds[0], seeds=tuple(seeds) if several else ()
    )
    return Training(command_of("python train.py", config), preset)


def command_now(run: Run) -> str:
    """The command that trains a run of any version anew, in its environment as it is now.

    It is made of the configuration alone. Where no shipped preset leads there, the environment of now refuses an
    argument, or the command would be longer than a message can have or hold what no terminal should be sent, only
    algorithm, environment and seed are told.
    """
    from thinmargin_agents.sb3.building import environment_arguments  # noqa: PLC0415  # torch takes seconds

    now = dataclasses.replace(run, env_id=current(run.env_id), lengthened=[])
    plain = shell_line(["python", "train.py", "--algo", now.algo, "--env", now.env_id, "--seed", str(now.seed)])
    try:
        if isinstance(closing := now.env_kwargs.get("closing"), bool):  # the first version's was on or off
            others = {name: item for name, item in now.env_kwargs.items() if name != "closing"}
            now = dataclasses.replace(now, env_kwargs=others if closing else {**others, "closing": "none"})
        environment_arguments(now)
        whole = training_of(now, [now.seed]).command
    except (ValueError, TypeError, RecursionError):  # a configuration is checked in part only until it is used
        return plain
    return whole if len(whole) <= LONGEST and whole.isprintable() else plain


def _config(run: Run, preset: str) -> TrainConfig:
    """The command line that begins from this preset and gives every setting in which the run differs."""
    hyperparameters, env_kwargs = load_preset(preset, run.algo, run.env_id, run.device)
    often = max(1, run.total_timesteps // EVALUATIONS_PER_RUN)
    values, defaults = flat(run.hyperparameters), flat(hyperparameters)
    values.setdefault("env_wrapper", None)
    changed = {
        name: value
        for name, value in values.items()
        if value != defaults.get(name, ...) and not (name == "env_wrapper" and not value and not defaults.get(name))
    }
    own = {name: int(changed.pop(name)) for name in ONE_FLAG if name in changed}
    return TrainConfig(
        algo=run.algo,
        env=run.env_id,
        total_timesteps=own.get("n_timesteps"),
        n_envs=own.get("n_envs"),
        seed=run.seed,
        preset=preset,
        num_threads=run.num_threads,
        eval_freq=None if run.eval_freq == often else run.eval_freq,
        n_eval_episodes=run.n_eval_episodes,
        save_freq=None if run.save_freq == often else run.save_freq,
        hyperparams=_pairs(changed),
        env_kwargs=_pairs({name: item for name, item in run.env_kwargs.items() if item != env_kwargs.get(name, ...)}),
        device=run.device,  # type: ignore[arg-type]  # a run's device is a text
    )


def _pairs(values: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(
        f"{name}={value if isinstance(value, str) else json.dumps(value, allow_nan=False)}"
        for name, value in values.items()
    )
