"""The command line: `python -m thinmargin_agents.import_sb3 model.zip --algo ppo --output FOLDER`.

Nothing heavy is imported before it is read, so that `--help` answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from thinmargin_agents.cli.command import check_folder, path_word, run
from thinmargin_agents.cli.errors import UsageError
from thinmargin_agents.cli.programs import script_command
from thinmargin_agents.config.algorithms import AlgorithmName
from thinmargin_agents.config.run import evaluation_flags
from thinmargin_agents.config.train_config import TrainConfig, parse_pairs

if TYPE_CHECKING:
    from rich.console import Console

    from thinmargin_agents.config.run import Run

PROGRAM = "python -m thinmargin_agents.import_sb3"


@dataclass(frozen=True)
class ImportConfig:
    """Import a zip of Stable-Baselines3 or rl-zoo3 as a run folder that evaluate.py plays.

    Reads tensors, and settings that stand in plain JSON: nothing in the zip is executed. The network and the wrappers
    are those of the preset and of --hyperparams; a model that does not fit them, or that its own settings contradict,
    is refused. Settings of training are taken over from the zip, and a note names those that are not. Exit status 2 for
    what cannot be used, 1 if the folder cannot be written.

    A plain PPO("MlpPolicy", "thinmargin:ThinMargin/Ecosystem-v1"): python -m thinmargin_agents.import_sb3 MODEL.zip
    --algo ppo --hyperparams 'policy_kwargs.net_arch=[64,64]' 'env_wrapper=[]' --output FOLDER. If flags do not fit a
    zip, the error names those that do.
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
    seed: int | None = None
    """Seed it was trained with; the zip's if not given, 0 if it has none."""


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
    from thinmargin_agents.import_sb3.agreement import UnsupportedError, check_agreement, untold
    from thinmargin_agents.import_sb3.archive import sb3_weights, settings_of
    from thinmargin_agents.import_sb3.fitting import fitting_flags
    from thinmargin_agents.import_sb3.training import with_training
    from thinmargin_agents.runs.nesting import check_outside_runs

    try:
        check_outside_runs("--output", config.output)
        training_run = resolve(
            TrainConfig(
                algo=config.algo, env=config.env, preset=config.preset, hyperparams=config.hyperparams,
                env_kwargs=config.env_kwargs, residual=config.residual, residual_bound=config.residual_bound,
                history=config.history, seed=config.seed or 0,
            )
        )  # fmt: skip
        told = settings_of(config.model)
        given = flat(parse_pairs("--hyperparams", config.hyperparams))
        try:
            check_agreement(config.model, told, training_run)
            weights = sb3_weights(config.model, training_run)
        except UnsupportedError:
            raise
        except ConfigError as error:
            raise ConfigError(f"{error}{fitting_flags(config.model, told, training_run, given)}") from error
        training_run, left = with_training(config.model, told, training_run, given, config.seed)
    except ConfigError as error:
        raise UsageError(str(error)) from error
    notes = [note for note in (untold(told), _left_words(left)) if note]
    return _write(config, training_run, weights, notes, errors)


def _left_words(left: Sequence[str]) -> str:
    """A note of the settings of the zip that are not taken over; empty if there are none."""
    if not left:
        return ""
    return f"not taken over from the zip: {', '.join(left)}: config.json has of these what the flags say, or nothing"


def _write(config: ImportConfig, training_run: Run, weights: dict[str, Any], notes: list[str], errors: Console) -> int:
    """Make the run folder and say so; it stands in its place when all of this is done, and before there is nothing."""
    from thinmargin.command_line import is_of_output
    from thinmargin.files import is_there
    from thinmargin.shown import plain
    from thinmargin_agents.cli.console import plain_console
    from thinmargin_agents.runs.folder import RunError, RunFolder, load_policy
    from thinmargin_agents.runs.replacement import replacing

    evaluate = script_command("evaluate", [path_word(config.output), *evaluation_flags(training_run)])
    try:
        with replacing(config.output) as fresh:
            RunFolder.describe(fresh, training_run).save("best", {"policy": weights, "timesteps": None, "J": None})
            try:
                load_policy(fresh)
            except RunError as error:
                why = str(error).replace(plain(fresh), plain(config.output))
                raise UsageError(f"{plain(config.model)} cannot be played as a run folder: {why}") from error
            message = f"{plain(config.output)}: {plain(config.model)} on {config.env}; next: {evaluate}"
            plain_console().print(message)
            for note in notes:
                plain_console().print(f"note: {note}")
            sys.stdout.flush()
            if is_there(config.output):
                raise FileExistsError(f"{plain(config.output)} was made meanwhile")
    except OSError as error:
        if is_of_output(error):
            raise
        errors.print(f"{PROGRAM}: --output: {error}", style="red")
        return 1
    return 0
