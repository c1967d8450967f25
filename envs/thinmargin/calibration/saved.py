"""The file of a calibration: what it holds, how it is written, and how close two of them are."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from thinmargin.calibration.unknowns import UNKNOWNS, moved, shipped_values
from thinmargin.fitted import RESULT
from thinmargin.worlds import Hidden

Numbers: TypeAlias = npt.NDArray[np.float64]

ORIGINS = (2016, 2017, 2018)
"""Last years of the earlier fits, for forecasts from the past."""
DIGITS = 9
"""Digits kept of the covariance."""
CLOSE = 1e-6
"""Relative difference of a constant, or difference of z, up to which two calibrations are the same."""
PACKAGES = ("numpy", "numba", "cma")


@dataclass(frozen=True)
class Calibration:
    """One calibration: the best guess to 2019, what is in doubt around it, and the best guesses of earlier years."""

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

    def document(self) -> dict[str, Any]:
        """What is written: plain JSON, with the constants the package reads and what made them."""
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
            "origins": {str(year): z.tolist() for year, z in self.origins.items()},
        }

    def write(self, path: Path) -> None:
        """Write the file; an existing one is replaced at once or not at all."""
        part = path.with_name(path.name + ".part")
        part.write_text(_text(self.document()), "utf-8")
        part.replace(path)


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


def from_document(document: Mapping[str, Any]) -> Calibration:
    """The calibration a document holds.

    Raises:
        ValueError: its unknowns are not those of this version.
    """
    labels = [unknown.label for unknown in UNKNOWNS]
    if document["unknowns"] != labels:
        raise ValueError("the calibration has other unknowns than this version: run python -m thinmargin.calibration")
    covariance = np.zeros((len(labels), len(labels)))
    for k, row in enumerate(document["covariance"]):
        covariance[k, : k + 1] = covariance[: k + 1, k] = row
    return Calibration(
        np.array(document["z"], np.float64),
        covariance,
        float(document["misfit"]),
        tuple(document["starts"]),
        int(document["seed"]),
        {int(year): np.array(z, np.float64) for year, z in document["origins"].items()},
    )


def shipped() -> Calibration:
    """The calibration that comes with the package."""
    return from_document(RESULT)


def posterior() -> tuple[Hidden, ...]:
    """How worlds differ that could have had the history: the shipped calibration's posterior, as weights on draws."""
    factor = np.linalg.cholesky(shipped().covariance)
    return tuple(item._replace(weights=tuple((np.array(item.weights) @ factor).tolist())) for item in moved())


def difference(one: Calibration, other: Calibration) -> float:
    """Largest difference of z between two calibrations, their earlier fits included."""
    gaps = [np.abs(one.z - other.z).max()]
    gaps.extend(np.abs(one.origins[year] - other.origins[year]).max() for year in one.origins)
    return float(max(gaps))
