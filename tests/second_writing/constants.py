"""Constants of a world, by name, and what the pages list of them: ranges, priors and wider shocks.

Written from docs/model.md and docs/environment.md alone; nothing of the package's equations is imported. The pages
print fitted constants with four digits, so that the numbers themselves are read from the worlds that the package
hands out as tables, and the posterior from calibration.json.
"""

import json
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from thinmargin.scenarios import family_of

Array = NDArray[np.float64]


class Named:
    """Arrays by name; the last axis of each is the episode's."""

    def __init__(self, values: dict[str, Array]) -> None:
        self.values = values

    def __getattr__(self, name: str) -> Array:
        return self.values[name]


class Range(NamedTuple):
    """Least and most that a constant may be."""

    least: float
    most: float


# Prior standard deviations of the unknowns: of the logarithm, or of the number itself.
PRIORS_OF_THE_LOG = {
    "price_slope": 0.12,
    "inertia_span": 0.35,
    "users_ceiling, home": 0.06,
    "users_ceiling, overseas": 0.1,
    "adoption_imitation, home": 0.2,
    "adoption_imitation, overseas": 0.2,
    "device_life": 0.08,
    "device_life_growth": 0.4,
    "base_start, home": 0.1,
    "base_start, overseas": 0.1,
    "awareness_span": 0.2,
    "voice_half": 0.4,
    "word_of_mouth": 0.5,
    "coverage_rate": 0.6,
    "coverage_scale": 0.7,
    "open": 0.3,
    "entry_months": 0.2,
    "online": 0.25,
    "brand_drop": 0.5,
    "imitation_strength": 0.4,
    "bug_rate": 0.4,
    "services_ceiling, home": 0.6,
    "services_ceiling, overseas": 0.3,
    "services_half": 1.0,
    "services_margin_scale": 0.5,
    "accessory_ceiling, home": 0.6,
    "accessory_ceiling, overseas": 0.4,
    "breadth_scale": 1.0,
    "breadth": 0.7,
    "gestation": 0.3,
    "deal_flow": 0.6,
    "obsolescence": 0.5,
    "accessory_margin": 0.25,
    "accessory_scale": 0.4,
    "unit_cost": 0.2,
    "experience": 0.7,
    "capacity": 0.3,
}

PRIORS = {
    "inertia": 0.4,
    "second_life": 0.15,
    "overseas_effort": 0.1,
    "brand, home": 1.0,
    "brand, overseas": 0.7,
    "services_margin_late": 0.06,
    "incompressible": 0.1,
    "range_gap": 0.004,
    "spec_drift": 0.002,
    "flagship_price": 0.15,
}

RANGES = {
    "price_slope": Range(0.5, 12),
    "inertia": Range(-2, 4),
    "inertia_span": Range(0, 4),
    "users_ceiling": Range(10, 9000),
    "adoption_imitation": Range(0, 3),
    "device_life": Range(6, 120),
    "device_life_growth": Range(0, 12),
    "second_life": Range(0, 1),
    "base_start": Range(1, 9000),
    "awareness_span": Range(0, 4),
    "voice_half": Range(0.005, 2),
    "word_of_mouth": Range(0, 100),
    "coverage_rate": Range(0, 1),
    "coverage_scale": Range(1, 1000),
    "overseas_effort": Range(0, 1),
    "open": Range(0.05, 1),
    "entry_months": Range(1, 120),
    "brand_drop": Range(0, 5),
    "imitation_strength": Range(0, 4),
    "bug_rate": Range(0, 0.5),
    "services_ceiling": Range(0, 2000),
    "services_half": Range(1, 5000),
    "services_margin_late": Range(0, 1),
    "services_margin_scale": Range(1, 10000000),
    "accessory_ceiling": Range(0, 5000),
    "breadth_scale": Range(0.5, 500),
    "gestation": Range(2, 120),
    "deal_flow": Range(0.1, 100),
    "obsolescence": Range(0, 0.5),
    "accessory_margin": Range(0, 1),
    "accessory_scale": Range(1, 1000000),
    "incompressible": Range(0, 1),
    "range_gap": Range(-0.01, 0.03),
    "spec_drift": Range(-0.02, 0.02),
}

OF_THE_SEAT = ("online", "brand", "breadth", "unit_cost", "experience", "capacity")
WIDER = {"demand_sd": 0.06, "component_sd": 0.02, "brand_rate": 0.01}
REGIONS = {"home": 0, "overseas": 1}


def centre(family: str) -> dict[str, Array]:
    """Constants around which the worlds of a family are drawn, or which they are."""
    world = family_of("one_state" if family == "one_state" else "calibrated").draw(0, horizon=1)
    names = world.economy.dtype.names
    assert names is not None
    values = {name: np.array(world.economy[name], np.float64) for name in names}
    return values if family in {"one_state", "calibrated"} else values | {k: np.array(v) for k, v in WIDER.items()}


def posterior() -> tuple[list[str], Array]:
    """Names of the unknowns, in the order of their normals, and the Cholesky factor of what is left in doubt."""
    found: dict[str, Any] = json.loads((files("thinmargin") / "data" / "calibration.json").read_text())
    rows = found["covariance"]
    covariance = np.zeros((len(rows), len(rows)))
    for k, row in enumerate(rows):
        covariance[k, : len(row)] = row
        covariance[: len(row), k] = row
    unknowns: list[str] = found["unknowns"]
    return unknowns, np.asarray(np.linalg.cholesky(covariance), np.float64)
