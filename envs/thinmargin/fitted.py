"""The result of the calibration that the package ships: `python -m thinmargin.calibration` wrote it.

Constants of `thinmargin.parameters` whose source says "fit" are read from here, to the last digit.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from thinmargin.shown import shown

RESULT: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "calibration.json").read_text("utf-8"))
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
    return tuple(value) if isinstance(value, list) else value
