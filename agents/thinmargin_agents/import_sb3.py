"""Import a model that Stable-Baselines3 saved elsewhere: python -m thinmargin_agents.import_sb3 model.zip --algo ppo.

Of the zip, the tensors of `policy.pth` are read and nothing else: its member `data` is a pickle, which can do
anything to the computer that reads it, so the flags must describe the model. Nothing heavy is imported before the
command line is read, so that `--help` answers at once.
"""

from __future__ import annotations

import io
import lzma
import pickle
import shlex
import warnings
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from thinmargin_agents.cli.command import UsageError, run
from thinmargin_agents.config.algorithms import AlgorithmName
from thinmargin_agents.config.run import evaluation_flags
from thinmargin_agents.config.train_config import TrainConfig

if TYPE_CHECKING:
    from rich.console import Console

    from thinmargin_agents.config.run import Run

PROGRAM = "python -m thinmargin_agents.import_sb3"
MEMBER = "policy.pth"
HEADER_BYTES = 1 << 20
"""Bytes that a file of tensors may have beside them."""
NO_ZIP = (OSError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError, EOFError)
"""Errors of a zip that is damaged, encrypted, or packed in a way that Python does not know."""
UNREADABLE = (
    pickle.UnpicklingError, EOFError, RuntimeError, ValueError, LookupError, TypeError, AttributeError
)  # fmt: skip
"""Errors of torch for a file that is damaged or holds more than tensors."""


@dataclass(frozen=True)
class ImportConfig:
    """Import a zip of Stable-Baselines3 or rl-zoo3 as a run folder that evaluate.py plays.

    Reads tensors only: nothing in the zip is executed. The network and the wrappers are those of the preset and of
    --hyperparams; a model that does not fit them is refused. Exit status 2 for what cannot be used, 1 if the folder
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
    """Hyper-parameters that differ from the preset; of those, policy_kwargs and env_wrapper matter."""
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
    if not config.model.is_file():
        raise UsageError(f"MODEL.zip is {str(config.model)!r}: no such file")
    if config.output.exists():
        raise UsageError(f"--output is {str(config.output)!r}: it exists already; it must be a new folder")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status: 1 if the folder cannot be written, 2 for a bad argument."""
    return run(PROGRAM, ImportConfig, argv, check, _import)


def _import(config: ImportConfig, errors: Console) -> int:
    from thinmargin_agents.config.errors import ConfigError
    from thinmargin_agents.config.preset import resolve

    try:
        training_run = resolve(
            TrainConfig(
                algo=config.algo, env=config.env, preset=config.preset, hyperparams=config.hyperparams,
                env_kwargs=config.env_kwargs, residual=config.residual, residual_bound=config.residual_bound,
                history=config.history, seed=config.seed,
            )
        )  # fmt: skip
        weights = sb3_weights(config.model, training_run)
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

    evaluate = shlex.join(["python", "evaluate.py", str(config.output), *evaluation_flags(training_run)])
    message = f"{config.output}: {config.model} on {config.env}; next: {evaluate}"
    plain_console().print(message)
    return 0


def sb3_weights(file: Path, training_run: Run) -> dict[str, Any]:
    """The policy's weights in a zip of Stable-Baselines3, by name, as arrays.

    Args:
        file: the zip.
        training_run: the configuration that the model was trained with.

    Raises:
        ConfigError: the zip is damaged or holds more than tensors, or the weights are not those of the network.
    """
    from thinmargin_agents.config.errors import ConfigError
    from thinmargin_agents.sb3.networks import build_network, load_weights, weights

    try:
        network = build_network(training_run)
    except (ValueError, TypeError, AssertionError) as error:
        raise ConfigError(f"{training_run.algo} on {training_run.env_id}: {error}") from error
    size = sum(tensor.nbytes for tensor in network.state_dict().values())
    tensors = _tensors(file, 2 * size + HEADER_BYTES)
    try:
        load_weights(network, tensors)
    except (ValueError, TypeError) as error:
        raise ConfigError(
            f"{file}: not the network that --algo, --env, --preset and the other flags describe: {error}"
        ) from error
    return weights(network)


def _tensors(file: Path, most: int) -> dict[str, Any]:
    """The tensors of the zip's `policy.pth`, by name; anything else is a ConfigError."""
    import torch

    from thinmargin_agents.config.errors import ConfigError

    try:
        with zipfile.ZipFile(file) as archive:
            size = archive.getinfo(MEMBER).file_size
            if size > most:
                raise ConfigError(f"{file}: {MEMBER} has {size:,} bytes: at most {most:,} fit the network described")
            content = archive.read(MEMBER)
    except KeyError as error:
        raise ConfigError(f"{file}: has no {MEMBER}: not a model that Stable-Baselines3 saved") from error
    except NO_ZIP as error:
        raise ConfigError(f"{file}: not a zip that can be read: {error}") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of formats that it refuses: the error follows
            found = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(f"{file}: {MEMBER} is damaged or holds more than tensors: {why}") from error
    named = isinstance(found, dict) and all(isinstance(name, str) for name in found)
    if not named or not all(map(_is_plain, found.values())):
        raise ConfigError(f"{file}: {MEMBER} holds something else than named tensors")
    return dict(found)


def _is_plain(item: Any) -> bool:
    """Whether it is a tensor with all its numbers: neither sparse, nor nested, nor a shape alone."""
    import torch

    return isinstance(item, torch.Tensor) and item.layout == torch.strided and not (item.is_nested or item.is_meta)


if __name__ == "__main__":
    raise SystemExit(main())
