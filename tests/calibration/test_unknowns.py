"""The constants looked for: priors, the economy a guess makes, and the worlds around it."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from thinmargin.calibration.saved import Calibration
from thinmargin.calibration.unknowns import UNKNOWNS, economies, moved, shipped_values
from thinmargin.fitted import RESULT
from thinmargin.parameters import ECONOMY, FIRM_TABLE, Parameters, economy_record
from thinmargin.records import HOME, SEAT

LABELS = [unknown.label for unknown in UNKNOWNS]


def unit(label: str, size: float = 1.0) -> np.ndarray:
    z = np.zeros(len(UNKNOWNS))
    z[LABELS.index(label)] = size
    return z


def test_every_unknown_has_a_prior_and_a_reason() -> None:
    assert len(set(LABELS)) == len(LABELS)
    for unknown in UNKNOWNS:
        assert unknown.sd > 0.0
        assert unknown.reason
        assert unknown.constant(np.zeros(2)).tolist() == [unknown.centre] * 2
    ranges = {item.name: (item.metadata["low"], item.metadata["high"]) for item in fields(Parameters)}
    for unknown in UNKNOWNS:
        if unknown.owner == "economy":
            low, high = ranges[unknown.name]
            ends = unknown.constant(np.array([-2.0, 2.0]))
            assert low <= ends.min() < ends.max() <= high, unknown.label


def test_z_counts_prior_standard_deviations() -> None:
    rows, _ = economies(np.stack([unit("price_slope", 2.0), unit("inertia", -1.5)]))
    assert rows["price_slope"][0] == pytest.approx(3.9 * np.exp(2 * 0.12), rel=1e-12)
    assert rows["inertia"][1] == pytest.approx(0.6 - 1.5 * 0.4, abs=1e-12)
    assert rows["price_slope"][1] == 3.9


def test_each_unknown_moves_its_own_number_and_no_other() -> None:
    base, flagships = economies(np.zeros(len(UNKNOWNS)))
    numbers = base.view(np.float64)
    for unknown in UNKNOWNS:
        row, dearer = economies(unit(unknown.label))
        changed = ~np.isclose(row.view(np.float64), numbers, rtol=1e-12, atol=0.0, equal_nan=True)
        home_brand = unknown.name == "brand" and unknown.region == HOME
        assert changed.sum() == {True: 2, False: int(unknown.owner != "history")}[home_brand], unknown.label
        assert (dearer != flagships).any() == (unknown.owner == "history")


def test_the_brand_overseas_is_a_difference_to_home() -> None:
    row, _ = economies(unit("brand, home", 1.0) + unit("brand, overseas", 2.0))
    home, overseas = row["firm_brand"][0, SEAT]
    assert home == pytest.approx(-0.6 + 1.0)
    assert overseas == pytest.approx(home + 2.0 * 0.7)
    assert np.isnan(row["firm_brand"][0, SEAT + 1 :]).all()


def test_the_economy_of_the_shipped_guess_is_the_default_economy(calibration: Calibration) -> None:
    row, dearer = economies(calibration.z)
    default = np.array([economy_record(Parameters())], ECONOMY)
    np.testing.assert_allclose(row.view(np.float64), default.view(np.float64), rtol=1e-14)
    assert dearer[0] == pytest.approx(RESULT["constants"]["history"]["flagship_price"], rel=1e-14)


def test_shipped_values_are_those_of_the_economy() -> None:
    z = np.random.default_rng(5).standard_normal(len(UNKNOWNS))
    row, dearer = economies(z)
    values = shipped_values(z)
    for name, value in values["economy"].items():
        np.testing.assert_allclose(row[name][0], value, rtol=1e-14)
    for name, value in values["seat"].items():
        np.testing.assert_allclose(row[f"firm_{name}"][0, SEAT], value, rtol=1e-14)
    assert values["history"] == {"flagship_price": pytest.approx(dearer[0])}
    assert {name for owner in values.values() for name in owner} == {unknown.name for unknown in UNKNOWNS}
    assert set(values["seat"]) <= {item.name for item in fields(FIRM_TABLE[SEAT])}


def test_a_guess_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match=f"z has 3 columns.*{len(UNKNOWNS)}"):
        economies(np.zeros((2, 3)))


def test_worlds_are_moved_as_guesses_are(calibration: Calibration) -> None:
    """The numbers that differ from world to world, moved by z, are the economy of the guess moved by z."""
    step = 0.5 * np.random.default_rng(6).standard_normal(len(UNKNOWNS))
    base, _ = economies(calibration.z)
    wanted, _ = economies(calibration.z + step)
    numbers = base.view(np.float64).copy()
    for hidden in moved():
        place = (ECONOMY.fields or {})[hidden.field][1] // 8 + hidden.place
        shift = float(np.dot(hidden.weights, step))
        numbers[place] = numbers[place] * np.exp(shift) if hidden.log else numbers[place] + shift
    np.testing.assert_allclose(numbers, wanted.view(np.float64), rtol=1e-9)
    assert len(moved()) == sum(unknown.owner != "history" for unknown in UNKNOWNS)
