"""The zip of a model that Stable-Baselines3 saved: its tensors, and the settings that it tells in plain JSON."""

from __future__ import annotations

import io
import lzma
import pickle
import warnings
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thinmargin.plain_json import RepeatedKeyError, read_json_text
from thinmargin.shown import class_name, plain
from thinmargin_agents.config.errors import ConfigError

if TYPE_CHECKING:
    from thinmargin_agents.config.run import Run

MEMBER, DATA = "policy.pth", "data"
HEADER_BYTES = 1 << 20
"""Bytes that a file of tensors may have beside them."""
MOST_DATA = 1 << 26
"""Bytes of settings that are read: those of a model with a full memory of episodes are a thousandth of it."""
NO_ZIP = (OSError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError, EOFError)
"""Errors of a zip that is damaged, encrypted, or packed in a way that Python does not know."""
UNREADABLE = (
    pickle.UnpicklingError, EOFError, RuntimeError, ValueError, LookupError, TypeError, AttributeError
)  # fmt: skip
"""Errors of torch for a file that is damaged or holds more than tensors."""


def settings_of(file: Path) -> Mapping[str, Any]:
    """The settings that the zip tells: JSON, in which what JSON cannot hold stands as text that is left alone.

    Raises:
        ConfigError: the zip has none, or they are damaged.
    """
    content = _member(file, DATA, MOST_DATA, "at most {most:,} are read")
    try:
        found = read_json_text(content)
    except RepeatedKeyError as error:
        raise ConfigError(f"{plain(file)}: {DATA} is damaged: {error}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{plain(file)}: {DATA} is damaged: it must be JSON") from error
    if not isinstance(found, dict):
        raise ConfigError(f"{plain(file)}: {DATA} is damaged: it must be a mapping of settings")
    return found


def sb3_weights(file: Path, training_run: Run) -> dict[str, Any]:
    """The policy's weights in a zip of Stable-Baselines3, by name, as arrays.

    Args:
        file: the zip.
        training_run: the configuration that the model was trained with.

    Raises:
        ConfigError: the zip is damaged or holds more than tensors, or the weights are not those of the network.
    """
    from thinmargin_agents.sb3.building import check_spaces
    from thinmargin_agents.sb3.memory import check_run_fits
    from thinmargin_agents.sb3.networks import build_network, load_weights, weights

    check_run_fits(training_run, *check_spaces(training_run))
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
            f"{plain(file)}: not the network that --algo, --env, --preset and the other flags describe: {error}"
        ) from error
    return weights(network)


def _member(file: Path, name: str, most: int, limit: str) -> bytes:
    """The content of one file in the zip; a ConfigError if it is not there, cannot be read, or is too large."""
    try:
        with zipfile.ZipFile(file) as archive:
            size = archive.getinfo(name).file_size
            if size > most:
                raise ConfigError(f"{plain(file)}: {name} has {size:,} bytes: {limit.format(most=most)}")
            return archive.read(name)
    except KeyError as error:
        raise ConfigError(f"{plain(file)}: has no {name}: not a model that Stable-Baselines3 saved") from error
    except NO_ZIP as error:
        raise ConfigError(f"{plain(file)}: not a zip that can be read: {error}") from error


def _tensors(file: Path, most: int) -> dict[str, Any]:
    """The tensors of the zip's `policy.pth`, by name; anything else is a ConfigError."""
    import torch

    content = _member(file, MEMBER, most, "at most {most:,} fit the network described")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of formats that it refuses: the error follows
            found = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        why = str(error).splitlines()[0] if str(error) else class_name(type(error))
        raise ConfigError(f"{plain(file)}: {MEMBER} is damaged or holds more than tensors: {why}") from error
    named = isinstance(found, dict) and all(isinstance(name, str) for name in found)
    if not named or not all(map(_is_plain, found.values())):
        raise ConfigError(f"{plain(file)}: {MEMBER} holds something else than named tensors")
    return dict(found)


def _is_plain(item: Any) -> bool:
    """Whether it is a tensor with all its numbers: neither sparse, nor nested, nor a shape alone."""
    import torch

    return isinstance(item, torch.Tensor) and item.layout == torch.strided and not (item.is_nested or item.is_meta)
