"""Nested arrays and numbers as one safetensors file: reading it executes nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from thinmargin.files import DamagedFileError, check_regular, read_text, write_atomically
from thinmargin.parameters import ECONOMY
from thinmargin.plain_json import RepeatedKeyError, read_json_text
from thinmargin.records import REPORT, SHOCKS, STATE
from thinmargin.shown import plain, shown
from thinmargin.sources import SOURCE
from thinmargin.versions import VERSION
from thinmargin_agents.runs.foreign_files import foreign_kind
from thinmargin_agents.sb3.tensor_bytes import tensor_bytes


class OtherVersionError(ValueError):
    """Records of another version of the environments."""


RECORDS = {"state": STATE, "economy": ECONOMY, "source": SOURCE, "shocks": SHOCKS, "report": REPORT}
"""Record types a tree may hold; they are stored as the float64 tables that their memory is, bit for bit."""
FORMAT = "thinmargin-tree-1"


def write_json(path: Path, value: Any) -> None:
    """Write strict JSON, whole or not at all."""
    write_atomically(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read JSON; a missing or damaged file, or one with a key twice, is a DamagedFileError."""
    try:
        return read_json_text(read_text(path))
    except OSError as error:
        raise DamagedFileError(f"{plain(path)}: cannot be read: {error.strerror or error}") from error
    except RepeatedKeyError as error:
        raise DamagedFileError(f"{plain(path)}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise DamagedFileError(f"{plain(path)}: not JSON: {error}") from error


def write_tree(path: Path, tree: Mapping[str, Any]) -> None:
    """Write nested dictionaries, lists, numbers, texts and arrays as one safetensors file.

    Arrays become tensors, everything else JSON in the file's header; nothing is pickled. The same tree gives the same
    bytes.

    Raises:
        OSError: the disk is full or the folder cannot be written; the old file stays as it was.
    """
    tensors: dict[str, npt.NDArray[Any]] = {}
    skeleton = _take_apart(tree, "", tensors)
    header = {"format": FORMAT, "tree": json.dumps(skeleton, allow_nan=False)}
    write_atomically(path, tensor_bytes(tensors, header))


def read_tree(path: Path, *, arrays: bool = True) -> dict[str, Any]:
    """Read what `write_tree` wrote; anything else is a DamagedFileError that names the file.

    Args:
        path: of the file.
        arrays: read them; else the shape of each stands in its place, and no more than the header is read.
    """
    try:
        check_regular(path)
        with safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
            if header.get("format") != FORMAT:
                raise DamagedFileError(f"{plain(path)}: a safetensors file, but not one of this package")
            names = list(file.keys())
            if not arrays:
                shapes = {name: tuple(file.get_slice(name).get_shape()) for name in names}
                return _mapping(path, _put_together(json.loads(header["tree"]), shapes))
            tensors = {name: file.get_tensor(name) for name in names}
        foreign = [name for name, tensor in tensors.items() if tensor.dtype.isbuiltin != 1]
        if foreign:  # other packages add types to NumPy: reading must not depend on which are imported
            raise DamagedFileError(f"{plain(path)}: tensor {shown(foreign[0])} has a type that is not NumPy's own")
        tree = _put_together(json.loads(header["tree"]), tensors)
    except OtherVersionError as error:
        raise DamagedFileError(f"{plain(path)}: {error}") from error
    except DamagedFileError:
        raise
    except (OSError, SafetensorError, LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        found = foreign_kind(path)
        why = f"it is {found}" if found else f"missing, cut short or not a safetensors file: {error}"
        raise DamagedFileError(f"{plain(path)}: {why}") from error
    return _mapping(path, tree)


def _mapping(path: Path, tree: Any) -> dict[str, Any]:
    if not isinstance(tree, dict):
        raise DamagedFileError(f"{plain(path)}: holds no tree")
    return tree


def _take_apart(value: Any, name: str, tensors: dict[str, npt.NDArray[Any]]) -> Any:
    if isinstance(value, np.ndarray):
        kind = next((kind for kind, record in RECORDS.items() if record == value.dtype), "")
        if kind:
            value = np.ascontiguousarray(value).view(np.float64).reshape(*value.shape, value.dtype.itemsize // 8)
        if name in tensors:
            raise ValueError(f"tree has two arrays {shown(name)}: a key with a slash in it is the path to another")
        tensors[name] = value
        return {"array": name, "record": kind}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}  # JSON has no such numbers
    if isinstance(value, Mapping):
        return {"map": [[key, _take_apart(item, f"{name}/{key}", tensors)] for key, item in value.items()]}
    if isinstance(value, (list, tuple)):
        return {"list": [_take_apart(item, f"{name}/{k}", tensors) for k, item in enumerate(value)]}
    return value


def _check_width(kind: str, array: npt.NDArray[Any]) -> None:
    """Raise DamagedFileError unless a table has as many columns as records of this kind have numbers."""
    width, now = (array.shape[-1] if array.ndim else 0), RECORDS[kind].itemsize // 8
    if width != now:
        raise OtherVersionError(
            f"records of kind {shown(kind)} have {width} numbers there and {now} in version {VERSION} of the"
            " environments: another version wrote it, and what it is of must be trained anew"
        )


def _put_together(value: Any, tensors: Mapping[str, Any]) -> Any:
    if not isinstance(value, dict):
        return value
    if "float" in value:
        return float(value["float"])
    if "array" in value:
        array = tensors[value["array"]]
        if value["record"] and not isinstance(array, tuple):
            _check_width(value["record"], array)
            return array.view(RECORDS[value["record"]]).reshape(array.shape[:-1])
        return array
    if "list" in value:
        return [_put_together(item, tensors) for item in value["list"]]
    return {key: _put_together(item, tensors) for key, item in value["map"]}
