"""The constants that the calibration estimates, each with its prior, and the economy that a guess gives.

A guess is a row of standard normal numbers z, one an unknown: its constant is centre * exp(sd z) on the log
scale, centre + sd z on the plain one, so that z = 0 is the centre of the prior and the prior costs z^2 / 2.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from thinmargin.parameters import ECONOMY, Parameters, economy_record
from thinmargin.records import HOME, OVERSEAS, REGIONS, SEAT
from thinmargin.worlds import Hidden

Numbers: TypeAlias = npt.NDArray[np.float64]
Table: TypeAlias = npt.NDArray[Any]
Owner: TypeAlias = Literal["economy", "seat", "history"]


class Unknown(NamedTuple):
    """One number the calibration looks for."""

    name: str
    """Field of `Parameters` (economy) or of `Firm` (seat), or a constant of the history alone."""
    owner: Owner
    region: int | None
    """Which of the two numbers of a regional constant."""
    centre: float
    sd: float
    log: bool
    """True: log-normal prior, `sd` is of the logarithm."""
    reason: str
    """Source of the prior."""

    @property
    def label(self) -> str:
        """Its name in tables."""
        return self.name if self.region is None else f"{self.name}, {('home', 'overseas')[self.region]}"

    def constant(self, z: Numbers) -> Numbers:
        """The constant of guesses `z`, in its own unit; same shape."""
        return self.centre * np.exp(self.sd * z) if self.log else self.centre + self.sd * z


def _log(
    name: str, centre: float, sd: float, reason: str, region: int | None = None, owner: Owner = "economy"
) -> Unknown:
    return Unknown(name, owner, region, centre, sd, log=True, reason=reason)


def _plain(
    name: str, centre: float, sd: float, reason: str, region: int | None = None, owner: Owner = "economy"
) -> Unknown:
    return Unknown(name, owner, region, centre, sd, log=False, reason=reason)


JUDGEMENT = "judgement"
FIRST_FIT = "a first fit to the same figures, widened"
"""Such a centre has used the figures once already, so its posterior is a little too narrow."""

UNKNOWNS: tuple[Unknown, ...] = (
    # demand
    _log("price_slope", 3.9, 0.12, "all-in brand elasticity near -3: Bijmolt, van Heerde & Pieters 2005"),
    _plain("inertia", 0.6, 0.4, JUDGEMENT),
    _log("inertia_span", 1.2, 0.35, JUDGEMENT),
    _log("users_ceiling", 950.0, 0.06, "judgement: most adults of China", HOME),
    _log("users_ceiling", 3300.0, 0.10, JUDGEMENT, OVERSEAS),
    _log("adoption_imitation", 0.83, 0.2, "judgement; Bass curves of phones: 0.5 to 1.2", HOME),
    _log("adoption_imitation", 0.35, 0.2, FIRST_FIT, OVERSEAS),
    _log("device_life", 20.0, 0.08, "18.6 months in China in 2013, 18 to 26 elsewhere: Kantar"),
    _log(
        "device_life_growth",
        1.5,
        0.4,
        "1.1 a year, 1.9 in the end: 18.6 months in 2013, 20.2 in 2016, about 24 in 2018, Kantar",
    ),
    _plain("second_life", 0.4, 0.15, "judgement: phones handed on and resold"),
    _log("base_start", 150.0, 0.1, "IDC shipments to 2011", HOME),
    _log("base_start", 650.0, 0.1, "IDC shipments to 2011", OVERSEAS),
    # marketing and channels
    _log("awareness_span", 1.0, 0.2, "long-run advertising elasticity 0.24: Sethuraman, Tellis & Briesch 2011"),
    _log("voice_half", 0.1, 0.4, JUDGEMENT),
    _log(
        "word_of_mouth",
        2.5,
        0.5,
        "judgement: weaker than the sales elasticity of 0.24 of You, Vadakkepatt & Joshi 2015",
    ),
    _log("coverage_rate", 0.02, 0.6, JUDGEMENT),
    _log("coverage_scale", 100.0, 0.7, JUDGEMENT),
    _plain("overseas_effort", 0.6, 0.1, JUDGEMENT),
    _log("open", 0.5, 0.3, "judgement: carriers' own shops, dearer tiers and closed markets are about half"),
    _log("entry_months", 60.0, 0.2, "judgement: partners, then subsidiaries and factories"),
    _log("online", 0.33, 0.25, "category online share 20 %, own site 70 % of sales in 2012-15", owner="seat"),
    _plain("brand", -0.6, 1.0, FIRST_FIT, HOME, "seat"),
    _plain("brand", 0.0, 0.7, "judgement: the same phones abroad; difference to home", OVERSEAS, "seat"),
    _log("brand_drop", 0.6, 0.5, FIRST_FIT),
    _log("imitation_strength", 0.6, 0.4, FIRST_FIT),
    _log("bug_rate", 0.03, 0.4, "judgement; no series tells"),
    # services and accessories
    _log("services_ceiling", 250.0, 0.6, FIRST_FIT, HOME),
    _log("services_ceiling", 24.0, 0.3, "judgement: a tenth of home", OVERSEAS),
    _log("services_half", 400.0, 1.0, FIRST_FIT),
    _plain("services_margin_late", 0.85, 0.06, "judgement: 77 % reported in 2024, and rising"),
    _log("services_margin_scale", 30000.0, 0.5, FIRST_FIT),
    _log("accessory_ceiling", 491.0, 0.6, FIRST_FIT, HOME),
    _log("accessory_ceiling", 68.0, 0.4, FIRST_FIT, OVERSEAS),
    _log("breadth_scale", 20.0, 1.0, FIRST_FIT),
    _log("breadth", 0.7, 0.7, "judgement: accessories of its own from 2012", owner="seat"),
    _log("gestation", 30.0, 0.3, "2 to 3 years from funding to market, 2013-16"),
    _log("deal_flow", 4.0, 0.6, JUDGEMENT),
    _log("obsolescence", 0.012, 0.5, JUDGEMENT),
    _log("accessory_margin", 0.35, 0.25, FIRST_FIT),
    _log("accessory_scale", 80000.0, 0.4, FIRST_FIT),
    # cost and supply
    _log("unit_cost", 1000.0, 0.2, "reported prices 2012-15 less margin, for the mix of 2015", owner="seat"),
    _log("experience", 9.0, 0.7, FIRST_FIT, owner="seat"),
    _plain("incompressible", 0.55, 0.1, FIRST_FIT),
    _plain("range_gap", 0.005, 0.004, "judgement: three of four phones went abroad in 2024 for 46 % of revenue"),
    _plain("spec_drift", 0.0015, 0.002, FIRST_FIT),
    _log("capacity", 0.35, 0.3, "judgement: first orders of 0.3 m phones a month", owner="seat"),
    _plain("flagship_price", 0.35, 0.15, "first cheap phone at 799 against 1,999 RMB", owner="history"),
)
"""The unknowns, mechanism by mechanism."""


def economies(z: Numbers) -> tuple[Table, Numbers]:
    """Economies of the guesses `z`, shape (rows, unknowns), and the logarithm of the price of a flagship range.

    Returns:
        Records of type ECONOMY and an array, both of shape (rows,).
    """
    z = np.atleast_2d(np.asarray(z, np.float64))
    if z.shape[1] != len(UNKNOWNS):
        raise ValueError(f"z has {z.shape[1]} columns: must be {len(UNKNOWNS)}, one an unknown")
    rows = np.repeat(np.array([economy_record(Parameters())]).view(ECONOMY), len(z))
    dearer = np.zeros(len(z))
    for unknown, column in zip(UNKNOWNS, z.T, strict=True):
        constant = unknown.constant(column)
        if unknown.owner == "history":
            dearer = constant
        elif unknown.owner == "economy":
            target = rows[unknown.name]
            target[(slice(None), unknown.region) if unknown.region is not None else slice(None)] = constant
        elif unknown.name == "brand":
            rows["firm_brand"][:, SEAT, unknown.region] = constant
        else:
            rows[f"firm_{unknown.name}"][:, SEAT] = constant
    rows["firm_brand"][:, SEAT, OVERSEAS] += rows["firm_brand"][:, SEAT, HOME]
    return rows, dearer


def shipped_values(z: Numbers) -> dict[str, dict[str, Any]]:
    """The constants of one guess as the package ships them: owner to name to number, or two of a regional one."""
    values: dict[str, dict[str, Any]] = {"economy": {}, "seat": {}, "history": {}}
    for unknown, number in zip(UNKNOWNS, np.asarray(z, np.float64), strict=True):
        constant = float(unknown.constant(number))
        if unknown.region is None:
            values[unknown.owner][unknown.name] = constant
        else:
            values[unknown.owner].setdefault(unknown.name, [0.0] * REGIONS)[unknown.region] = constant
    values["seat"]["brand"][OVERSEAS] += values["seat"]["brand"][HOME]
    return values


def moved() -> tuple[Hidden, ...]:
    """Every number of a world's economy that the unknowns move, with its weights on their z."""
    numbers = []
    for k, unknown in enumerate(UNKNOWNS):
        if unknown.owner == "history":
            continue
        weights = [0.0] * len(UNKNOWNS)
        weights[k] = unknown.sd
        field, place = unknown.name, unknown.region or 0
        if unknown.owner == "seat":
            field, place = f"firm_{field}", SEAT * (1 if unknown.region is None else REGIONS) + place
        if unknown.name == "brand" and unknown.region == OVERSEAS:
            home = next(j for j, other in enumerate(UNKNOWNS) if other.name == "brand" and other.region == HOME)
            weights[home] = UNKNOWNS[home].sd
        numbers.append(Hidden(field, place, unknown.log, tuple(weights)))
    return tuple(numbers)
