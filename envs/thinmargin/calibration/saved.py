"""The file of a calibration: its content, writing and reading it, and the difference of two of them."""

from __future__ import annotations

import hashlib
import json
import math
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from thinmargin.calibration.unknowns import UNKNOWNS, moved, shipped_values
from thinmargin.files import write_atomically
from thinmargin.fitted import RESULT
from thinmargin.shown import shown
from thinmargin.worlds import Hidden

Numbers: TypeAlias = npt.NDArray[np.float64]

ORIGINS = (2017, 2018, 2019, 2020, 2021, 2022)
"""Last years of the fits for forecasts from the past."""
OTHER_RULES: tuple[Literal["trailing", "none"], ...] = ("trailing", "none")
"""Replay rules that the forecasts from the past are made under too, beside the one of the fit."""
DIGITS = 9
"""Decimal places of the covariance in the file."""
CLOSE = 1e-3
"""Difference of a constant, relative to itself, up to which two calibrations are the same: the least misfit lies in a
crease, and where in it a search ends depends on the last digits of a processor."""
CLOSE_COVARIANCE = 1e-3
"""Difference of a posterior standard deviation or correlation up to which two calibrations are the same."""
PACKAGES = ("numpy", "numba")
READ = ("unknowns", "z", "covariance", "misfit", "starts", "seed", "origins", "rules")
"""Entries of the file that a calibration is made of."""
LAST_SEED = 2**32 - 1
"""The largest seed of a search."""
_YEAR = re.compile(r"[0-9]{4}")
REMEDY = "python -m thinmargin.calibration writes one"


@dataclass(frozen=True)
class Calibration:
    """One calibration: the best guess, what is in doubt around it, and the fits of the forecasts from the past."""

    z: Numbers
    """Shape (unknowns,)."""
    covariance: Numbers
    """Of z, shape (unknowns, unknowns)."""
    misfit: float
    starts: tuple[float, ...]
    """Misfit each start ended with."""
    seed: int
    origins: Mapping[int, Numbers]
    """Last year fitted to its best guess, shape (unknowns,)."""
    rules: Mapping[Literal["trailing", "none"], Mapping[int, Numbers]]
    """The same under every other replay rule, by its name."""

    def document(self) -> dict[str, Any]:
        """Content of the file: plain JSON, with the constants the package reads and their provenance."""
        return {
            "command": f"python -m thinmargin.calibration --seed {self.seed} --starts {len(self.starts)}",
            "figures_sha256": figures_digest(),
            "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
            "seed": self.seed,
            "misfit": self.misfit,
            "starts": list(self.starts),
            "constants": shipped_values(self.z),
            "unknowns": [unknown.label for unknown in UNKNOWNS],
            "z": self.z.tolist(),
            "covariance": [
                [round(number, DIGITS) for number in row[: k + 1]] for k, row in enumerate(self.covariance.tolist())
            ],
            "origins": _written(self.origins),
            "rules": {rule: _written(origins) for rule, origins in self.rules.items()},
        }

    def write(self, path: Path) -> None:
        """Write the file; an existing one is replaced at once or not at all."""
        write_atomically(path, _text(self.document()))


def _text(document: Mapping[str, Any]) -> str:
    """JSON with a line an entry, and a line a row of the covariance."""
    lines = []
    for name, value in document.items():
        if name == "covariance":
            rows = ",\n".join("  " + json.dumps(row) for row in value)
            lines.append(f'"{name}": [\n{rows}\n]')
        else:
            lines.append(f'"{name}": {json.dumps(value)}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def figures_digest() -> str:
    """SHA-256 of the shipped figures."""
    return hashlib.sha256(files("thinmargin.data").joinpath("figures.csv").read_bytes()).hexdigest()


def from_document(document: Any) -> Calibration:
    """Calibration in a document.

    Raises:
        ValueError: it is no table, an entry is missing or damaged, or its unknowns are not those of this version.
    """
    if not isinstance(document, Mapping):
        raise ValueError(f"the calibration is {shown(document)}: it must be a table; {REMEDY}")
    missing = [name for name in READ if name not in document]
    if missing:
        raise ValueError(f"the calibration has no {', '.join(missing)}: {REMEDY}")
    labels = [unknown.label for unknown in UNKNOWNS]
    if not isinstance(document["unknowns"], list) or document["unknowns"] != labels:
        raise ValueError(f"the calibration has other unknowns than this version: {REMEDY}")
    size = len(labels)
    rows = _list("covariance", document["covariance"])
    if len(rows) != size:
        raise ValueError(f"the calibration's covariance has {len(rows)} rows: it must have {size}; {REMEDY}")
    covariance = np.zeros((size, size))
    for k, row in enumerate(rows):
        covariance[k, : k + 1] = covariance[: k + 1, k] = _numbers(f"covariance, row {k + 1},", row, k + 1)
    if np.linalg.eigvalsh(covariance)[0] <= 0.0:
        raise ValueError(f"the calibration's covariance is not positive definite: {REMEDY}")
    starts, seed = _list("starts", document["starts"]), document["seed"]
    if type(seed) is not int or not 0 <= seed <= LAST_SEED:
        raise ValueError(
            f"the calibration's seed is {shown(seed)}: it must be a whole number from 0 to {LAST_SEED}; {REMEDY}"
        )
    return Calibration(
        _numbers("z", document["z"], size),
        covariance,
        float(_numbers("misfit", [document["misfit"]], 1)[0]),
        tuple(_numbers("starts", starts, len(starts)).tolist()),
        seed,
        _read("origins", document["origins"], size),
        {rule: _read(f"rules {rule}", _rule(document["rules"], rule), size) for rule in OTHER_RULES},
    )


def _written(origins: Mapping[int, Numbers]) -> dict[str, list[float]]:
    return {str(year): z.tolist() for year, z in origins.items()}


def _read(what: str, saved: Any, size: int) -> dict[int, Numbers]:
    """Return the fits of the origins; raise ValueError if something else was saved."""
    years = list(saved) if isinstance(saved, Mapping) else [saved]
    strange = [year for year in years if not (isinstance(year, str) and _YEAR.fullmatch(year))]
    if strange:
        raise ValueError(
            f"the calibration's {what} are damaged: {shown(strange[0])} is there, and they must be a table by year;"
            f" {REMEDY}"
        )
    return {int(year): _numbers(f"{what}, z of {year},", z, size) for year, z in saved.items()}


def _rule(saved: Any, rule: str) -> Any:
    """What was saved of a rule; raise ValueError if there are no rules."""
    if not isinstance(saved, Mapping):
        raise ValueError(f"the calibration's rules are damaged: they must be a table by rule; {REMEDY}")
    return saved.get(rule)


def _numbers(what: str, values: Any, size: int) -> Numbers:
    """Return this many finite numbers; raise ValueError if `values` are not that."""
    fits = isinstance(values, (list, tuple)) and len(values) == size and all(map(_is_number, values))
    if not fits:
        raise ValueError(
            f"the calibration's {what} is damaged: it is {shown(values)} and must be {size} finite numbers; {REMEDY}"
        )
    return np.array(values, np.float64)


def _is_number(value: object) -> bool:
    """Whether this is a number that float64 holds."""
    if type(value) not in (int, float):
        return False
    try:
        return math.isfinite(value)  # type: ignore[arg-type]  # one of both
    except OverflowError:
        return False


def _list(what: str, values: Any) -> Sequence[Any]:
    """Return a list; raise ValueError if `values` are none."""
    if not isinstance(values, (list, tuple)):
        raise ValueError(f"the calibration's {what} is {shown(values)}: it must be a list; {REMEDY}")
    return values


def shipped() -> Calibration:
    """The calibration that comes with the package."""
    return from_document(RESULT)


def posterior() -> tuple[Hidden, ...]:
    """Differences between worlds that could have had the history: the shipped posterior, as weights on draws."""
    factor = np.linalg.cholesky(shipped().covariance)
    return tuple(item._replace(weights=tuple((np.array(item.weights) @ factor).tolist())) for item in moved())


def difference(one: Calibration, other: Calibration) -> float:
    """Largest difference of a constant between two calibrations, their forecasts from the past included.

    Relative to the constant itself, or to its prior's standard deviation where that is larger: a constant on the
    plain scale may be near zero. Infinite if these are not fitted to the same years.
    """
    gaps = [0.0]
    if one.origins.keys() != other.origins.keys() or one.rules.keys() != other.rules.keys():
        return float("inf")
    tables = [(one.origins, other.origins), *((one.rules[rule], other.rules[rule]) for rule in one.rules)]
    fits = [(one.z, other.z), *((mine[year], theirs[year]) for mine, theirs in tables for year in mine)]
    for z, other_z in fits:
        for k, unknown in enumerate(UNKNOWNS):
            constant, other_constant = float(unknown.constant(z[k])), float(unknown.constant(other_z[k]))
            scale = max(abs(other_constant), 0.0 if unknown.log else unknown.sd)
            gaps.append(abs(constant - other_constant) / scale)
    return max(gaps)


def covariance_difference(one: Calibration, other: Calibration) -> float:
    """Largest difference of a standard deviation of z, or of a correlation, between two posteriors."""
    deviations = [np.sqrt(each.covariance.diagonal()) for each in (one, other)]
    correlations = [each.covariance / np.outer(sd, sd) for each, sd in zip((one, other), deviations, strict=True)]
    return float(max(np.abs(pair[0] - pair[1]).max() for pair in (deviations, correlations)))
