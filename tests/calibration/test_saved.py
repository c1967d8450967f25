"""The file of a calibration: the shipped one is what the package plays with, and a damaged one is refused."""

from __future__ import annotations

import copy
import hashlib
import itertools
import json
import math
from collections.abc import Callable
from dataclasses import fields, replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from thinmargin.calibration.misfit import Misfit
from thinmargin.calibration.saved import (
    ORIGINS,
    OTHER_RULES,
    Calibration,
    covariance_difference,
    difference,
    figures_digest,
    from_document,
    posterior,
    shipped,
)
from thinmargin.calibration.unknowns import UNKNOWNS, shipped_values
from thinmargin.data import reported
from thinmargin.fitted import RESULT, fitted, fitted_seat
from thinmargin.history import COMPARED, drivers, simulated
from thinmargin.history import reported as reported_series
from thinmargin.parameters import ECONOMY, FIRM_TABLE, Parameters
from thinmargin.records import SEAT
from thinmargin.replay import Table, replay
from thinmargin.scenarios import FAMILIES
from thinmargin.sources import SOURCE

SIZE = len(UNKNOWNS)
SEATS = [k for k, unknown in enumerate(UNKNOWNS) if unknown.owner != "history"]
"""Unknowns that a world has."""
WORLDS = 1500


# the shipped file


def test_the_shipped_constants_are_those_of_the_shipped_guess(calibration: Calibration) -> None:
    values = shipped_values(calibration.z)
    assert values.keys() == RESULT["constants"].keys()
    for owner, constants in values.items():
        assert constants.keys() == RESULT["constants"][owner].keys()
        for name, value in constants.items():
            # the same to the last digit where they were written; another processor may round an exponential otherwise
            np.testing.assert_allclose(RESULT["constants"][owner][name], value, rtol=1e-15, atol=0.0, err_msg=name)


def test_the_defaults_of_the_package_are_the_shipped_constants() -> None:
    for name, value in RESULT["constants"]["economy"].items():
        default = getattr(Parameters(), name)
        assert (list(default) if isinstance(default, tuple) else default) == value, name
        assert fitted(name) == default
    for name, value in RESULT["constants"]["seat"].items():
        default = getattr(FIRM_TABLE[SEAT], name)
        assert (list(default) if isinstance(default, tuple) else default) == value, name
        assert fitted_seat(name) == default


def test_the_shipped_file_was_made_from_the_shipped_figures() -> None:
    content = resources.files("thinmargin.data").joinpath("figures.csv").read_bytes()
    assert RESULT["figures_sha256"] == figures_digest() == hashlib.sha256(content).hexdigest()


def test_the_shipped_file_says_how_it_was_made(calibration: Calibration) -> None:
    assert RESULT["command"] == f"python -m thinmargin.calibration --seed {calibration.seed} --starts 3"
    assert {"python", "numpy", "numba"} == RESULT["versions"].keys()
    assert sorted(calibration.origins) == list(ORIGINS)
    assert tuple(calibration.rules) == OTHER_RULES
    for origins in (calibration.origins, *calibration.rules.values()):
        assert sorted(origins) == list(ORIGINS)
        assert all(z.shape == (SIZE,) for z in origins.values())


def test_the_shipped_file_is_what_would_be_written_again(calibration: Calibration, tmp_path: Path) -> None:
    path = tmp_path / "again.json"
    calibration.write(path)
    again = json.loads(path.read_text("utf-8"))
    for name in RESULT.keys() - {"versions", "constants"}:
        assert again[name] == RESULT[name], name
    content = resources.files("thinmargin.data").joinpath("calibration.json").read_text("utf-8")
    lines = [line for line in content.splitlines() if not line.startswith(('"versions"', '"constants"'))]
    assert set(lines) <= set(path.read_text("utf-8").splitlines())


# written and read


def invented() -> Calibration:
    generator = np.random.default_rng(1)
    root = 0.1 * generator.standard_normal((SIZE, SIZE))
    return Calibration(
        generator.standard_normal(SIZE),
        root @ root.T + 0.5 * np.eye(SIZE),
        11.1,
        (22.2, 11.1),
        7,
        {2016: generator.standard_normal(SIZE)},
        {rule: {2016: generator.standard_normal(SIZE)} for rule in OTHER_RULES},
    )


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    one, path = invented(), tmp_path / "mine.json"
    path.write_text("older")
    one.write(path)
    assert [each.name for each in tmp_path.iterdir()] == ["mine.json"]
    again = from_document(json.loads(path.read_text("utf-8")))
    np.testing.assert_array_equal(again.z, one.z)
    np.testing.assert_array_equal(again.origins[2016], one.origins[2016])
    assert tuple(again.rules) == OTHER_RULES
    for rule, origins in again.rules.items():
        assert list(origins) == [2016]
        np.testing.assert_array_equal(origins[2016], one.rules[rule][2016])
    np.testing.assert_allclose(again.covariance, one.covariance, atol=1e-9)
    assert (again.misfit, again.starts, again.seed) == (one.misfit, one.starts, one.seed)
    assert difference(one, again) == 0.0


def test_difference_is_relative_and_looks_at_every_guess() -> None:
    one = invented()
    log = next(k for k, unknown in enumerate(UNKNOWNS) if unknown.log)
    plain = next(k for k, unknown in enumerate(UNKNOWNS) if unknown.name == "brand")
    for k, moved in ((log, np.expm1(0.25 * UNKNOWNS[log].sd)), (plain, None)):
        other = replace(one, z=one.z + 0.25 * np.eye(SIZE)[k])
        before, after = (float(UNKNOWNS[k].constant(guess.z[k])) for guess in (one, other))
        expected = moved if moved is not None else abs(after - before) / max(abs(before), UNKNOWNS[k].sd)
        assert difference(other, one) == pytest.approx(expected)
    step = 0.25 * np.eye(SIZE)[log]
    other = replace(one, origins={2016: one.origins[2016] + step})
    assert difference(other, one) == pytest.approx(np.expm1(0.25 * UNKNOWNS[log].sd))
    for rule in OTHER_RULES:
        other = replace(one, rules={**one.rules, rule: {2016: one.rules[rule][2016] + step}})
        assert difference(other, one) == pytest.approx(np.expm1(0.25 * UNKNOWNS[log].sd))


def test_fits_of_other_years_or_rules_are_not_the_same() -> None:
    one = invented()
    assert difference(replace(one, origins={2015: one.origins[2016]}), one) == math.inf
    assert difference(replace(one, rules={}), one) == math.inf


def without(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda document: document.pop(name)


def put(name: str, value: Any, place: Any = None) -> Callable[[dict[str, Any]], object]:
    def change(document: dict[str, Any]) -> None:
        if place is None:
            document[name] = value
        else:
            document[name][place] = value

    return change


DAMAGED = {
    "another file": (lambda document: document.clear(), "has no unknowns, z, covariance"),
    "no z": (without("z"), "has no z"),
    "no origins": (without("origins"), "has no origins"),
    "other unknowns": (put("unknowns", "xyzzy", 0), "other unknowns than this version"),
    "fewer unknowns": (put("unknowns", ["price_slope"]), "other unknowns than this version"),
    "short z": (put("z", [1.0, 2.0]), f"z is damaged.*{SIZE} finite numbers"),
    "z of words": (put("z", ["many"] * SIZE), "z is damaged"),
    "z of nothing": (put("z", None), "z is damaged"),
    "z with a hole": (put("z", None, 3), "z is damaged"),
    "z not finite": (put("z", float("inf"), 3), "z is damaged"),
    "no rules": (without("rules"), "has no rules"),
    "rules of words": (put("rules", "many"), "rules are damaged"),
    "one rule": (put("rules", {"none": {}}), "rules trailing are damaged"),
    "rule of words": (put("rules", "many", "none"), "rules none are damaged"),
    "rule of a list": (put("rules", [1.0], "trailing"), "rules trailing are damaged"),
    "short rule": (put("rules", {"2017": [1.0]}, "none"), "rules none, z of 2017, is damaged"),
    "rule not finite": (put("rules", {"2017": [math.nan] * SIZE}, "none"), "rules none, z of 2017, is damaged"),
    "rule of no year": (put("rules", {"late": [0.0] * SIZE}, "none"), "rules none are damaged"),
    "origins of words": (put("origins", "many"), "origins are damaged"),
    "origin of no year": (put("origins", {"late": [0.0] * SIZE}), "origins are damaged"),
    "short origin": (put("origins", [1.0], "2017"), "origins, z of 2017, is damaged"),
    "misfit": (put("misfit", "low"), "misfit is damaged"),
    "starts": (put("starts", [1.0, None]), "starts is damaged.*2 finite numbers"),
    "rows": (put("covariance", [[1.0]]), f"covariance has 1 rows.*{SIZE}"),
    "long row": (put("covariance", [1.0, 2.0], 0), "covariance, row 1, is damaged.*1 finite"),
    "nan in a row": (put("covariance", [1.0, float("nan")], 1), "covariance, row 2, is damaged.*2 finite"),
    "negative variance": (put("covariance", [-1.0], 0), "covariance is not positive definite"),
}


@pytest.mark.parametrize(("change", "told"), DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_or_foreign_file_is_refused(change: Callable[[dict[str, Any]], object], told: str) -> None:
    document = copy.deepcopy(RESULT)
    change(document)
    with pytest.raises(ValueError, match=f"{told}.*python -m thinmargin.calibration"):
        from_document(document)


STRANGE = (
    None, True, 0, -1, 1.5, 10**400, float("nan"), "", "x" * 5000, "\x1b[2J", [], [[]], {}, {"2017": 3}, {"x": [1.0]},
    [1.0] * 3, [None] * SIZE, [[0.0] * SIZE] * SIZE,
)  # fmt: skip
"""What JSON may hold in the place of anything else."""


@pytest.mark.parametrize("name", ["unknowns", "z", "covariance", "misfit", "starts", "seed", "origins", "rules"])
def test_whatever_stands_in_its_place_an_entry_is_refused_by_name_or_can_be_used(name: str) -> None:
    document = copy.deepcopy(RESULT)
    whole = document[name]
    places: list[Any] = [None]
    if isinstance(whole, (list, dict)):
        places += [next(iter(whole)) if isinstance(whole, dict) else len(whole) - 1]
    for strange, place in itertools.product(STRANGE, places):
        document[name] = strange if place is None else put_at(copy.copy(whole), place, strange)
        try:
            found = from_document(document)
        except ValueError as error:
            message = str(error)
            assert name in message, (strange, place)
            assert message.isprintable()
            assert len(message) < 300
        else:
            assert np.isfinite([found.misfit, *found.starts, *found.z]).all()
            assert type(found.seed) is int
    for strange in STRANGE:
        if not isinstance(strange, dict):
            with pytest.raises(ValueError, match=r"calibration is .*must be a table"):
                from_document(strange)


def put_at(whole: Any, place: Any, item: object) -> Any:
    """`whole` with this item in a place."""
    whole[place] = item
    return whole


def test_the_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.mkdir()
    with pytest.raises(OSError, match=r"mine\.json"):
        invented().write(path)
    assert path.is_dir()


# worlds of the posterior


@pytest.fixture(scope="module")
def worlds() -> Table:
    """Constants of worlds as an episode of the benchmark draws them."""
    economies, sources = np.zeros(WORLDS, ECONOMY), np.zeros(WORLDS, SOURCE)
    FAMILIES["benchmark"].draw_into(np.arange(WORLDS), np.arange(WORLDS), economies, sources)
    return economies


@pytest.fixture(scope="module")
def drawn(worlds: Table) -> np.ndarray:
    """z of those worlds, told from their constants, of shape (worlds, unknowns that a world has)."""
    columns = []
    for unknown in (UNKNOWNS[k] for k in SEATS):
        values = worlds[unknown.name] if unknown.owner == "economy" else worlds[f"firm_{unknown.name}"][:, SEAT]
        if unknown.region is not None:
            values = values[:, unknown.region]
        if unknown.label == "brand, overseas":
            values = values - worlds["firm_brand"][:, SEAT, 0]
        moved = np.log(values / unknown.centre) if unknown.log else values - unknown.centre
        columns.append(moved / unknown.sd)
    return np.stack(columns, axis=1)


def test_worlds_have_the_posteriors_mean_and_covariance(calibration: Calibration, drawn: np.ndarray) -> None:
    """Seen along its own axes, where every direction has mean zero, variance one and nothing in common."""
    root = np.linalg.cholesky(calibration.covariance[np.ix_(SEATS, SEATS)])
    white = np.linalg.solve(root, (drawn - calibration.z[SEATS]).T)
    assert np.abs(white.mean(axis=1)).max() < 0.12
    np.testing.assert_allclose(np.cov(white), np.eye(len(SEATS)), atol=0.16)
    np.testing.assert_allclose(np.cov(drawn.T), calibration.covariance[np.ix_(SEATS, SEATS)], atol=0.12)


def test_the_weights_of_worlds_make_the_shipped_covariance(calibration: Calibration) -> None:
    """Each number's weights, over its prior spread, are a row of a root of the covariance."""
    rows = {}
    for hidden, unknown in zip(posterior(), (UNKNOWNS[k] for k in SEATS), strict=True):
        rows[unknown.label] = np.array(hidden.weights) / unknown.sd
        assert len(hidden.weights) == SIZE
    home = rows["brand, home"] * UNKNOWNS[[u.label for u in UNKNOWNS].index("brand, home")].sd
    abroad = next(unknown for unknown in UNKNOWNS if unknown.label == "brand, overseas")
    rows["brand, overseas"] = rows["brand, overseas"] - home / abroad.sd
    table = np.stack(list(rows.values()))
    np.testing.assert_allclose(table @ table.T, calibration.covariance[np.ix_(SEATS, SEATS)], atol=1e-9)


MEDIAN_ERRORS = {
    "shipments": (9.5, 13.0),
    "asp": (4.2, 6.0),
    "phone_revenue": (11.0, 13.0),
    "iot_revenue": (16.0, 22.0),
    "internet_revenue": (10.0, 13.0),
    "mau": (7.0, 8.0),
    "arpu": (10.0, 11.0),
    "iot_gross_margin": (2.0, 2.5),
    "total_gross_margin": (0.9, 1.0),
    "china_share": (1.6, 2.0),
    "overseas_share": (2.6, 4.0),
    "profit": (4.2, 2.5),
    "services_gross_margin": (4.2, 4.2),
    "retention": (9.5, 8.0),
}
"""Percent, points of shares and margins, or RMB bn: 2015 to 2024, and 2015 to 2019, when profits were a third."""


def test_the_benchmarks_worlds_could_have_had_the_history(worlds: Table, misfit: Misfit) -> None:
    some = worlds[:300]
    flagships = np.full(len(some), RESULT["constants"]["history"]["flagship_price"])
    kept = replay(some, flagships, drivers(reported(), 156, Parameters().brand_decay))
    truth = reported_series(reported(), misfit.periods)
    model = simulated(kept, misfit.periods)
    assert MEDIAN_ERRORS.keys() == model.keys()
    for compared in COMPARED:
        value, told = model[compared.name], truth[compared.name]
        assert np.isfinite(value).all()
        for when, most in zip((slice(3, 13), slice(3, 8)), MEDIAN_ERRORS[compared.name], strict=True):
            ours, theirs = value[:, when], told[when]
            sizes = np.abs(100.0 * (ours / theirs - 1.0) if compared.error == "percent" else ours - theirs)
            assert np.median(np.nanmean(sizes, axis=1)) <= most, compared.name


def test_the_shipped_calibration_is_the_one_read_at_import(calibration: Calibration) -> None:
    assert difference(calibration, shipped()) == 0.0
    assert calibration.misfit == RESULT["misfit"]


@pytest.mark.parametrize("name", [item.name for item in fields(Parameters)])
def test_the_source_of_a_constant_says_what_the_figures_tell_of_it(name: str, calibration: Calibration) -> None:
    source = Parameters.__dataclass_fields__[name].metadata["source"]
    doubt = [
        deviation
        for unknown, deviation in zip(UNKNOWNS, np.sqrt(calibration.covariance.diagonal()), strict=True)
        if unknown.owner == "economy" and unknown.name == name
    ]
    # The prior's standard deviation of z is 1: figures that leave three quarters of it or less have found the constant.
    found = [deviation <= 0.75 for deviation in doubt]
    if not found:
        assert not source.startswith(("fit", "prior", "home: fit"))
    elif all(found):
        assert source.startswith("fit")
    elif any(found):
        assert source.startswith("home: fit; overseas: prior")
    else:
        assert source.startswith("prior, still in doubt")


def test_the_documents_count_the_unknowns() -> None:
    assert SIZE == 47, "the pages say forty-seven: change them"
    root = Path(__file__).parents[2]
    for page in ("README.md", "docs/evidence.md"):
        assert "Forty-seven constants" in (root / page).read_text("utf-8"), page
    model = (root / "docs/model.md").read_text("utf-8")
    assert model.count(f"{SIZE} unknowns") == 2


def test_covariances_are_compared_by_deviation_and_correlation() -> None:
    one = invented()
    wider = replace(one, covariance=1.21 * one.covariance)
    deviation = np.sqrt(one.covariance.diagonal()).max()
    assert covariance_difference(one, one) == 0.0
    assert covariance_difference(wider, one) == pytest.approx(0.1 * deviation)
