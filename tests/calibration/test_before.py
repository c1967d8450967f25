"""With every change of the economy switched off, the misfit of the first version comes out again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from thinmargin.calibration.misfit import LAST_FITTED, MARKET_TOLERANCE, huber, tolerances, years
from thinmargin.data import reported
from thinmargin.history import COMPARED, drivers, simulated
from thinmargin.history import reported as reported_series
from thinmargin.parameters import ECONOMY, Parameters, economy_record
from thinmargin.records import SEAT
from thinmargin.replay import replay

BEFORE = json.loads((Path(__file__).parent / "before.json").read_text("utf-8"))
"""Constants, z and misfit of the first version's calibration."""
OFF = {
    "open": 1.0, "range_gap": 0.0, "replacement_elasticity": 0.0, "home_level": 1.0, "research_share": 0.025,
    "research_late": 0.025, "services_margin": 0.64, "services_margin_late": 0.64,
}  # fmt: skip
LATER = ("profit", "services_gross_margin", "retention")
OVERSEAS_TOLERANCE = 3.0


def test_switched_off_the_misfit_is_that_of_the_first_version() -> None:
    assert LAST_FITTED == 2019
    economy = np.array([economy_record(Parameters())]).view(ECONOMY)
    for name, value in (BEFORE["constants"]["economy"] | OFF).items():
        economy[name] = value
    for name, value in BEFORE["constants"]["seat"].items():
        economy[f"firm_{name}"][:, SEAT] = value
    figures, periods = reported().years(2012, LAST_FITTED), years(LAST_FITTED)
    history = drivers(figures, 12 * len(periods), Parameters().brand_decay, policy="none")
    dearer = np.array([BEFORE["constants"]["history"]["flagship_price"]])
    kept = replay(economy, dearer, history)
    model, truth = simulated(kept, periods), reported_series(figures, periods)
    tolerance = tolerances(periods, truth)
    tolerance["overseas_share"] *= OVERSEAS_TOLERANCE / 2.0
    total = 0.5 * float(np.square(BEFORE["z"]).sum())
    for compared in COMPARED:
        if compared.tolerance is None or compared.name in LATER:
            continue
        value, told = model[compared.name][0], truth[compared.name]
        if compared.error == "percent":
            error = np.log((value + compared.offset) / (told + compared.offset))
        else:
            error = value - told
        total += float(huber(np.nan_to_num(error / tolerance[compared.name])).sum())
    surprise = kept["surprise"].reshape(len(periods), 12, -1).mean(axis=1)
    total += float(huber(surprise / MARKET_TOLERANCE).sum())
    assert total == pytest.approx(BEFORE["misfit"], rel=1e-12)
