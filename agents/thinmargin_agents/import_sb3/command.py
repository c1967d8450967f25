"""The command line: `python -m thinmargin_agents.import_sb3 model.zip --algo ppo --output FOLDER`.

Nothing heavy is imported before it is read, so that `--help` answers at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from thinmargin_agents.cli.command import check_folder, path_word, run
from thinmargin_agents.cli.errors import UsageError
from thinmargin_agents.cli.programs import script_command
from thinmargin_agents.config.algorithms import AlgorithmName
from thinmargin_agents.config.run import evaluation_flags
from thinmargin_agents.config.train_config import TrainConfig, parse_pairs

if TYPE_CHECKING:
    from rich.console import Console

PROGRAM = "python -m thinmargin_agents.import_sb3"


@dataclass(frozen=True)
class ImportConfig:
    """Import a zip of Stable-Baselines3 or rl-zoo3 as a run folder that evaluate.py plays.

    Reads tensors, and settings that stand in plain JSON: nothing in the zip is executed. The network and the wrappers
    are those of the preset and of --hyperparams; a model that does not fit them, or that its own settings contradict,
    is refused. Settings of training are taken over from the zip. Exit status 2 for what cannot be used, 1 if the folder
    cannot be written.
    """

    model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL.zip")]
    """The zip that model.save() or rl-zoo3 wrote."""
    output: Annotated[Path, tyro.conf.arg(metavar="FOLDER")]
    """The run folder to make."""
    algo: AlgorithmName = "ppo"
    """Algorithm that trained it."""
    env: str = "ThinMargin/Ecosystem-v1"
    """Environment id it was trained on."""
    preset: str = "default"
    """Preset it was trained with: a shipped one, or a YAML file in the form of rl-zoo3."""
    hyperparams: Annotated[tuple[str, ...], tyro.conf.arg(aliases=["-params"], metavar="NAME=VALUE ...")] = ()
    """Hyper-parameters that differ from the preset: network and wrappers; what the zip tells must agree with them."""
    env_kwargs: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME=VALUE ...")] = ()
    """Keyword arguments of the environment it was trained in."""
    residual: str | None = None
    """Built-in policy whose actions it corrects, or none; the preset's if not given."""
    residual_bound: float | None = None
    """Most that a correction adds to an action; the preset's if not given."""
    history: Annotated[tuple[int, ...] | None, tyro.conf.arg(metavar="LAG ...")] = None
    """Months back whose changes it sees too; the preset's if not given, 0 for none."""
    seed: int = 0
    """Seed it was trained with, which distinguishes several seeds of one agent."""


def check(config: ImportConfig) -> None:
    """Raise UsageError unless the flags can be used."""
    from thinmargin.files import check_regular, is_there
    from thinmargin.shown import shown

    try:
        check_regular(config.model)
    except FileNotFoundError as error:
        raise UsageError(f"MODEL.zip is {shown(config.model)}: no such file") from error
    except OSError as error:
        raise UsageError(f"MODEL.zip is {shown(config.model)}: {error.strerror}") from error
    if is_there(config.output):
        raise UsageError(f"--output is {shown(config.output)}: it exists already; it must be a new folder")
    check_folder("--output", config.output)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status: 1 if the folder cannot be written, 2 for a bad argument."""
    return run(PROGRAM, ImportConfig, argv, check, _import)


def _import(config: ImportConfig, errors: Console) -> int:
    from thinmargin_agents.config.errors import ConfigError
    from thinmargin_agents.config.hyperparameters import flat
    from thinmargin_agents.config.preset import resolve
    from thinmargin_agents.import_sb3.agreement import check_agreement, untold, with_training
    from thinmargin_agents.import_sb3.archive import sb3_weights, settings_of
    from thinmargin_agents.runs.nesting import check_outside_runs

    try:
        check_outside_runs("--output", config.output)
        training_run = resolve(
            TrainConfig(
                algo=config.algo, env=config.env, preset=config.preset, hyperparams=config.hyperparams,
                env_kwargs=config.env_kwargs, residual=config.residual, residual_bound=config.residual_bound,
                history=config.history, seed=config.seed,
            )
        )  # fmt: skip
        told = settings_of(config.model)
        check_agreement(config.model, told, training_run)
        weights = sb3_weights(config.model, training_run)
        given = set(flat(parse_pairs("--hyperparams", config.hyperparams)))
        training_run, unknown = with_training(config.model, told, training_run, given)
    except ConfigError as error:
        raise UsageError(str(error)) from error
    from thinmargin_agents.runs.folder import RunFolder

    try:
        config.output.mkdir(parents=True)
        folder = RunFolder.describe(config.output, training_run)
        folder.save("best", {"policy": weights, "timesteps": None, "J": None})
    except OSError as error:
        errors.print(f"{PROGRAM}: --output: {error}", style="red")
        return 1
    from thinmargin_agents.cli.console import plain_console

    evaluate = script_command("evaluate", [path_word(config.output), *evaluation_flags(training_run)])
    from thinmargin.shown import plain

    message = f"{plain(config.output)}: {plain(config.model)} on {config.env}; next: {evaluate}"
    plain_console().print(message)
    if note := untold(told):
        plain_console().print(f"note: {note}")
    if unknown:
        plain_console().print(f"note: the zip does not tell {', '.join(unknown)}: config.json has what the flags say")
    return 0
