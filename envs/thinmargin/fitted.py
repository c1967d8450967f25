"""The result of the calibration that the package ships: `python -m thinmargin.calibration` wrote it.

Constants of `thinmargin.parameters` whose source says "fit" are read from here, to the last digit.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from thinmargin.files import DamagedFileError
from thinmargin.shown import plain, shown

FILE = Path(__file__).parent / "data" / "calibration.json"
REMEDY = "install thinmargin anew, or take the file from where the package is from"


def read(path: Path) -> dict[str, Any]:
    """The table in a file of a calibration; one that is missing or holds no table is a DamagedFileError."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise DamagedFileError(f"{plain(path)} cannot be read: {error.strerror}; {REMEDY}") from error
    except (ValueError, RecursionError) as error:
        raise DamagedFileError(f"{plain(path)} is damaged: {plain(error)}; {REMEDY}") from error
    if not isinstance(content, dict):
        raise DamagedFileError(f"{plain(path)} is damaged: it holds {shown(content)}, not a table; {REMEDY}")
    return content


RESULT: dict[str, Any] = read(FILE)
"""Constants, covariance of what is in doubt, misfit, seeds and versions; see `thinmargin.calibration.saved`."""


def fitted(name: str) -> Any:
    """A constant of the economy: a number, or a tuple of two for a regional one."""
    return _constant("economy", name)


def fitted_seat(name: str) -> Any:
    """A constant of the seat's firm, likewise."""
    return _constant("seat", name)


def _constant(owner: str, name: str) -> Any:
    try:
        value = RESULT["constants"][owner][name]
    except KeyError:
        raise KeyError(
            f"data/calibration.json has no constant {shown(name)} of {owner}: give it a first value there, then run "
            "python -m thinmargin.calibration --output envs/thinmargin/data/calibration.json"
        ) from None
    except TypeError as error:
        raise DamagedFileError(f"{plain(FILE)} is damaged: its constants are no table; {REMEDY}") from error
    numbers = value if isinstance(value, list) else [value]
    if not numbers or not all(type(number) in (int, float) for number in numbers):
        raise DamagedFileError(f"{plain(FILE)} is damaged: {name} is {shown(value)}, not numbers; {REMEDY}")
    return tuple(value) if isinstance(value, list) else value
