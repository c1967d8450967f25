"""The back-test: naive forecasts, errors and bands by hand, forecasts from the past, and later periods."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest

from thinmargin.backtest.elasticity import SPANS
from thinmargin.backtest.errors import absolute_errors, mean_error, unit_of
from thinmargin.backtest.forecasts import last_value, trend
from thinmargin.backtest.results import LAST_BEFORE, Result, backtest
from thinmargin.backtest.table import document, markdown, overall_coverage, text
from thinmargin.calibration.misfit import FIRST_YEAR, LAST_FITTED, years
from thinmargin.calibration.saved import ORIGINS, Calibration
from thinmargin.calibration.unknowns import economies
from thinmargin.data import Figures, parse_until, reported
from thinmargin.history import COMPARED, NEEDED, drivers, simulated
from thinmargin.parameters import Parameters
from thinmargin.replay import replay

NAN = math.nan
SERIES = tuple(compared.name for compared in COMPARED)
PERCENT = next(compared for compared in COMPARED if compared.error == "percent")
POINTS = next(compared for compared in COMPARED if compared.error == "points")
AMOUNT = next(compared for compared in COMPARED if compared.error == "amount")
MAU = (112.0, 134.6, 170.8, 242.1, 309.6, 396.3, 508.9, 582.1, 641.2, 702.3)
"""Reported 2015 to 2024."""

MadeFigures = Callable[[Mapping[str, Mapping[str, float]]], Figures]
WithCells = Callable[[Mapping[tuple[str, str], float]], Figures]


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


# naive forecasts


def test_the_last_value_is_the_last_one_known() -> None:
    assert last_value(np.array([1.0, 2.0, 7.0]), 3).tolist() == [7.0, 7.0, 7.0]
    assert last_value(np.array([1.0, 2.0, NAN]), 2).tolist() == [2.0, 2.0]
    assert last_value(np.array([1.0]), 0).tolist() == []
    for nothing in ([NAN, NAN], []):
        assert np.isnan(last_value(np.array(nothing), 2)).all()


@pytest.mark.parametrize(
    ("history", "line"),
    [
        ([1, 2, 3, 4, 5], [6, 7]),
        ([900, -900, 1, 2, 3, 4, 5], [6, 7]),
        ([1, 3], [5, 7]),
        ([NAN, NAN, NAN, 1, 3], [5, 7]),
        ([1, NAN, NAN, NAN, 9], [11, 13]),
        ([4, NAN, 4], [4, 4]),
        ([0, 0, 3], [4, 5.5]),
        ([7, 5, 8, NAN, NAN, NAN, NAN], [NAN, NAN]),
        ([NAN, NAN, NAN, NAN, 3], [NAN, NAN]),
        ([NAN] * 6, [NAN, NAN]),
        ([3], [NAN, NAN]),
    ],
)
def test_the_trend_is_the_line_through_what_is_known_of_five_years(history: list[float], line: list[float]) -> None:
    np.testing.assert_allclose(trend(np.array(history, np.float64), 2), line, atol=1e-9)


# errors


def test_errors_are_percent_of_what_was_reported_points_or_an_amount() -> None:
    forecast, truth = np.array([110.0, 90.0, 50.0, 7.0]), np.array([100.0, 100.0, NAN, 0.0])
    np.testing.assert_allclose(absolute_errors(PERCENT, forecast, truth), [10.0, 10.0, NAN, NAN])
    for compared in (POINTS, AMOUNT):
        np.testing.assert_allclose(absolute_errors(compared, forecast, truth), [10.0, 10.0, NAN, 7.0])
    assert mean_error(PERCENT, forecast, truth) == pytest.approx(10.0)
    assert mean_error(POINTS, forecast, truth) == pytest.approx(9.0)
    assert [unit_of(compared) for compared in (PERCENT, POINTS, AMOUNT)] == ["%", "points", "RMB bn"]


def test_errors_of_nothing_are_nan() -> None:
    for truth in (np.full(3, NAN), np.zeros(0)):
        for compared in COMPARED:
            assert math.isnan(mean_error(compared, np.ones(len(truth)), truth))
    assert math.isnan(mean_error(PERCENT, np.full(2, NAN), np.ones(2)))


# scores


def test_the_naive_scores_of_active_users_by_hand(result: Result) -> None:
    score = result.scores["mau"]
    before = [85.0, *MAU[:-1]]
    by_hand = mean([100 * abs(old / new - 1) for old, new in zip(before, MAU, strict=True)])
    assert score.last_value_fit == pytest.approx(by_hand, rel=1e-9)
    assert score.last_value_fit == pytest.approx(18.78, abs=0.01)
    by_hand = mean([100 * abs(309.6 / value - 1) for value in MAU[5:]])
    assert score.last_value_holdout == pytest.approx(by_hand, rel=1e-9)
    # 193.82 users on average, 50.27 more a year
    line = [193.82 + 50.27 * years for years in range(3, 8)]
    by_hand = mean([100 * abs(value / truth - 1) for value, truth in zip(line, MAU[5:], strict=True)])
    assert score.trend_holdout == pytest.approx(by_hand, rel=1e-9)


@pytest.fixture(scope="module")
def held_out(calibration: Calibration) -> dict[str, np.ndarray]:
    """What the fit to 2019 makes of all years."""
    history = drivers(reported(), 156, Parameters().brand_decay)
    found = simulated(replay(*economies(calibration.origins[LAST_BEFORE]), history), years(2024))
    return {name: values[0] for name, values in found.items()}


@pytest.mark.parametrize("name", SERIES)
def test_the_models_scores_are_its_errors(result: Result, held_out: dict[str, np.ndarray], name: str) -> None:
    """Of the shipped fit in the years of the fit, and of the fit to 2019 in the hold-out."""
    truth, score = result.truth[name], result.scores[name]

    def mean_of(model: np.ndarray, first: int, last: int) -> float:
        some = slice(first - FIRST_YEAR, last + 1 - FIRST_YEAR)
        pairs = zip(model[some], truth[some], strict=True)
        percent = score.compared.error == "percent"
        sizes = [100 * abs(ours / told - 1) if percent else abs(ours - told) for ours, told in pairs]
        return mean([size for size in sizes if not math.isnan(size)])

    assert LAST_BEFORE == 2019
    assert score.mape_fit == pytest.approx(mean_of(result.model[name], 2015, LAST_FITTED), rel=1e-9)
    assert score.mape_calibrated == pytest.approx(mean_of(result.model[name], 2012, LAST_FITTED), rel=1e-9)
    assert score.mape_holdout == pytest.approx(mean_of(held_out[name], 2020, 2024), rel=1e-9)


def test_the_hold_out_is_forecast_by_the_fit_to_2019(result: Result, calibration: Calibration) -> None:
    """Another such fit changes the errors of the hold-out and of its own forecasts alone; without one the shipped fit
    stands in, whose errors are mostly smaller: it has seen those years."""
    assert LAST_BEFORE in ORIGINS
    assert LAST_FITTED > LAST_BEFORE
    other = replace(calibration, origins={**calibration.origins, LAST_BEFORE: calibration.origins[2017]})
    moved = backtest(reported(), parse_until("2024"), other, draws=2)
    without = replace(calibration, origins={})
    plain = backtest(reported(), parse_until("2024"), without, draws=2)
    for name in SERIES:
        score = result.scores[name]
        assert moved.scores[name].mape_holdout != score.mape_holdout
        assert moved.scores[name].mape_fit == score.mape_fit
        np.testing.assert_array_equal(moved.model[name], result.model[name])
        seen = mean_error(score.compared, result.model[name][8:], result.truth[name][8:])
        assert plain.scores[name].mape_holdout == pytest.approx(seen, rel=1e-12)
    assert sum(plain.scores[name].mape_holdout < result.scores[name].mape_holdout for name in SERIES) >= 10
    last_value_of_2019 = mean([abs(11.532 - told) for told in (13.006, 22.039, 11.618, 25.973, 33.435)])
    assert result.scores["profit"].last_value_holdout == pytest.approx(last_value_of_2019, rel=1e-9)


@pytest.mark.parametrize("name", SERIES)
def test_the_shares_inside_the_bands_are_counted(result: Result, name: str) -> None:
    truth, score = result.truth[name], result.scores[name]
    for low, high, fit, holdout in (
        (result.low[name], result.high[name], score.in_band_fit, score.in_band_holdout),
        (result.wide_low[name], result.wide_high[name], score.in_wide_band_fit, score.in_wide_band_holdout),
    ):
        for share, when in ((fit, slice(3, 8)), (holdout, slice(8, 13))):
            known = [place for place in range(13)[when] if not math.isnan(truth[place])]
            held = [place for place in known if low[place] <= truth[place] <= high[place]]
            assert share == pytest.approx(len(held) / len(known))
    everything = overall_coverage(result)
    assert everything["in_band_fit"] == pytest.approx(mean([s.in_band_fit for s in result.scores.values()]))


def test_bands_lie_around_the_model_and_forgiveness_widens_them(result: Result) -> None:
    for name in SERIES:
        assert (result.low[name][2:] < result.high[name][2:]).all()
        inside = (result.low[name] <= result.model[name]) & (result.model[name] <= result.high[name])
        assert inside.mean() > 0.8, name
    for compared in COMPARED:
        narrow = result.high[compared.name] - result.low[compared.name]
        wide = result.wide_high[compared.name] - result.wide_low[compared.name]
        assert wide.mean() > 1.5 * narrow.mean(), compared.name


@pytest.mark.slow
def test_what_the_fit_forgives_is_as_wide_as_its_law(calibration: Calibration) -> None:
    sure = replace(calibration, covariance=1e-12 * np.eye(len(calibration.z)))
    result = backtest(reported(), parse_until("2024"), sure, draws=4000)
    half = np.log(result.wide_high["shipments"][7] / result.wide_low["shipments"][7]) / 2
    errors = np.linspace(-60.0, 60.0, 60001)
    law = np.exp(-np.sqrt(1.0 + errors**2)).cumsum()
    eighty = np.interp(0.9, law / law[-1], errors)
    assert half == pytest.approx(0.10 * eighty, rel=0.1)


def test_seeds_move_the_bands_and_nothing_else(calibration: Calibration) -> None:
    one, again, other = (
        document(backtest(reported(), parse_until("2024"), calibration, draws=16, seed=seed)) for seed in (0, 0, 1)
    )
    assert one == again
    for name in SERIES:
        mine, theirs = one["series"][name], other["series"][name]
        assert mine["band_low"] != theirs["band_low"]
        for same in ("simulated", "reported", "mape_fit", "mape_holdout", "trend_holdout", "rolling"):
            assert mine[same] == theirs[same]
    assert one["rolling"] == other["rolling"]
    for same in ("elasticity", "advertising", "goals", "replay_rules"):
        assert one[same] == other[same]


def test_markets_left_to_the_model_change_what_depends_on_them(result: Result, calibration: Calibration) -> None:
    own = backtest(reported(), parse_until("2024"), calibration, reported_markets=False, draws=2)
    assert not own.reported_markets
    assert own.scores["shipments"].mape_holdout != result.scores["shipments"].mape_holdout
    assert all(np.isfinite(values).all() for values in own.model.values())
    assert "as the model says" in text(own)
    assert document(own)["markets"] == "model"


# until when


def test_without_later_years_nothing_is_held_out(result: Result, calibration: Calibration) -> None:
    early = backtest(reported(), parse_until("2019"), calibration, draws=2)
    assert [period.year for period in early.years] == list(range(2012, 2020))
    for name in SERIES:
        np.testing.assert_array_equal(early.model[name][:7], result.model[name][:7])
        score = early.scores[name]
        since = mean_error(score.compared, early.model[name][3:], early.truth[name][3:])
        assert score.mape_fit == pytest.approx(since, rel=1e-12)
        for held_out in (score.mape_holdout, score.last_value_holdout, score.trend_holdout, score.in_band_holdout):
            assert math.isnan(held_out)
    assert early.model["shipments"][7] != result.model["shipments"][7], "the markup aimed at has no look at 2020"
    assert "Hold-out" not in text(early)
    assert "fit 2015-2019." in text(early)
    written = document(early)
    assert written["holdout_years"] is None
    assert written["holdout_beats"] is None


def test_a_replay_may_end_inside_a_year(calibration: Calibration) -> None:
    """Its last full year is the last that is compared; forecasts from the past end there too."""
    early = backtest(reported(), parse_until("2018-06"), calibration, draws=2)
    assert [period.year for period in early.years] == list(range(2012, 2018))
    assert early.origins == ()
    assert {span: list(found) for span, found in early.elasticity.items()} == {span: [2013, 2015] for span in SPANS}
    assert list(early.advertising) == [2013, 2015, 2017]
    later = backtest(reported(), parse_until("2019-06"), calibration, draws=2)
    assert [origin.year for origin in later.origins] == [2017]
    assert len(later.origins[0].forecast["mau"]) == 1
    for table in (text(early), *markdown(early).values()):
        assert "nan" not in table


def test_the_first_years_cannot_be_judged(calibration: Calibration) -> None:
    with pytest.raises(ValueError, match=r"until is month 47.*2015"):
        backtest(reported(), 47, calibration, draws=1)
    first = backtest(reported(), 48, calibration, draws=1)
    assert [period.year for period in first.years] == [2012, 2013, 2014, 2015]
    assert first.origins == ()
    assert first.elasticity.keys() == set(SPANS)
    assert all(list(found) == [2013] for found in first.elasticity.values())
    assert math.isnan(first.rolling("mau")["model"])


# forecasts from the past


def test_forecasts_from_the_past_look_two_years_ahead(result: Result) -> None:
    assert [origin.year for origin in result.origins] == list(ORIGINS)
    for origin in result.origins:
        ahead = slice(origin.year - 2011, origin.year - 2009)
        np.testing.assert_array_equal(origin.truth["mau"], result.truth["mau"][ahead])
        sizes = 100 * np.abs(origin.forecast["mau"] / origin.truth["mau"] - 1)
        np.testing.assert_allclose(origin.model["mau"], sizes, rtol=1e-9)
        last = result.truth["mau"][origin.year - 2012]
        np.testing.assert_allclose(origin.last_value["mau"], 100 * np.abs(last / origin.truth["mau"] - 1), rtol=1e-9)


def test_the_naive_forecasts_of_2017_by_hand(result: Result) -> None:
    origin = result.origins[0]
    history = np.array([30.0, 85.0, 112.0, 134.6, 170.8])
    slope, level = np.polyfit(np.arange(5), history, 1)
    line = np.array([level + 5 * slope, level + 6 * slope])
    np.testing.assert_allclose(origin.trend["mau"], 100 * np.abs(line / np.array([242.1, 309.6]) - 1), rtol=1e-9)


def test_survey_years_alone_are_compared_in_forecasts_of_retention(result: Result) -> None:
    """2021 is in reach of 2019 and 2020, 2023 of 2021 and 2022; the last survey known is that of 2017, then of 2021."""
    sizes = np.array([origin.model["retention"] for origin in result.origins])
    assert [[2018 + row + ahead for ahead in range(2) if not math.isnan(sizes[row, ahead])] for row in range(6)] == [
        [], [], [2021], [2021], [2023], [2023],
    ]  # fmt: skip
    naive = mean([63.2 - 31.4, 63.2 - 31.4, 63.2 - 49.0, 63.2 - 49.0])
    assert result.rolling("retention")["last_value"] == pytest.approx(naive)


def test_the_mean_over_forecasts_from_the_past_is_over_all_their_years(result: Result) -> None:
    for name in ("mau", "overseas_share", "profit"):
        assert sum(len(origin.model[name]) for origin in result.origins) == 12
        found = result.rolling(name)
        assert found["model"] == pytest.approx(
            mean([float(e) for origin in result.origins for e in origin.model[name]])
        )
        assert found["trend"] == pytest.approx(
            mean([float(e) for origin in result.origins for e in origin.trend[name]])
        )


def test_a_forecast_of_2017_knows_nothing_of_later_results(
    result: Result, calibration: Calibration, with_cells: WithCells
) -> None:
    """Later figures that drive nothing change what it is compared with, and not the forecast."""
    driving = {*NEEDED, "ecosystem_companies_invested"}
    columns = {compared.reported for compared in COMPARED if compared.reported} - driving
    cells = {(name, str(year)): 44.4 for name in columns for year in range(2018, 2025)}
    origin = backtest(with_cells(cells), parse_until("2024"), calibration, draws=1).origins[0]
    for name in SERIES:
        np.testing.assert_array_equal(origin.forecast[name], result.origins[0].forecast[name])
    assert origin.truth["mau"].tolist() == [44.4, 44.4]
    np.testing.assert_allclose(origin.last_value["mau"], 100 * (170.8 / 44.4 - 1), rtol=1e-9)


def test_a_forecast_from_the_past_uses_the_constants_of_its_year(result: Result, calibration: Calibration) -> None:
    other = replace(calibration, origins={**calibration.origins, 2018: calibration.z})
    origins = backtest(reported(), parse_until("2024"), other, draws=1).origins
    assert (origins[1].forecast["mau"] != result.origins[1].forecast["mau"]).all()
    shown = backtest(reported(), parse_until("2020"), calibration, draws=1).model["mau"]
    np.testing.assert_array_equal(origins[1].forecast["mau"], shown[7:9])
    np.testing.assert_array_equal(origins[0].forecast["mau"], result.origins[0].forecast["mau"])


# later periods

QUARTER = {NEEDED[0]: 20.0, NEEDED[1]: 11.1, NEEDED[2]: 111.0, NEEDED[3]: 60.0, NEEDED[4]: 270.0}
"""Invented."""


def test_later_periods_are_scored_one_by_one(calibration: Calibration, made_figures: MadeFigures) -> None:
    newer = made_figures(
        {
            "2025-Q1": QUARTER | {"miui_mau_m": 777.0, "smartphone_shipments_m": 44.4},
            "2025-Q2": QUARTER,
            "2025-H1": QUARTER | {"gm_iot_pct": 33.3, "overseas_revenue_share_pct": 44.4},
        }
    )
    later = backtest(reported().merged(newer), parse_until("2025-06"), calibration, draws=1).later
    assert [str(each.period) for each in later] == ["2025-Q1", "2025-H1", "2025-Q2"]
    quarter, half, empty = later
    assert quarter.truth["mau"] == 777.0
    assert quarter.error["mau"] == pytest.approx(100 * abs(quarter.model["mau"] / 777.0 - 1))
    assert quarter.last_value_error["mau"] == pytest.approx(100 * abs(702.3 / 777.0 - 1))
    assert quarter.last_value_error["shipments"] == pytest.approx(100 * abs(168.5 / 4 / 44.4 - 1))
    assert half.error["iot_gross_margin"] == pytest.approx(abs(half.model["iot_gross_margin"] - 33.3))
    assert half.last_value_error["iot_gross_margin"] == pytest.approx(33.3 - 20.3)
    assert half.truth["overseas_share"] == 44.4
    assert all(math.isnan(value) for value in (*empty.truth.values(), *empty.error.values()))
    assert half.model["shipments"] == pytest.approx(quarter.model["shipments"] + empty.model["shipments"])
    assert half.model["mau"] == empty.model["mau"]


def test_periods_that_are_not_over_by_then_are_not_scored(calibration: Calibration, made_figures: MadeFigures) -> None:
    newer = made_figures({"2025-Q1": QUARTER, "2025-Q2": QUARTER | {"miui_mau_m": 777.0}})
    later = backtest(reported().merged(newer), parse_until("2025-05"), calibration, draws=1).later
    assert [str(each.period) for each in later] == ["2025-Q1"]


def test_newer_figures_leave_the_scores_of_shipped_years_as_they_are(
    calibration: Calibration, made_figures: MadeFigures
) -> None:
    """Whatever margin is reported later: the markup aimed at in 2024 does not look into it."""
    newer = made_figures({"2025": {**QUARTER, NEEDED[0]: 40.0, NEEDED[2]: 444.0, NEEDED[1]: 44.4}})
    with_later = backtest(reported().merged(newer), parse_until("2025"), calibration, draws=4)
    without = document(backtest(reported(), parse_until("2024"), calibration, draws=4))
    assert [str(each.period) for each in with_later.later] == ["2025"]
    for told in ("series", "goals", "rolling", "elasticity", "advertising", "coverage"):
        assert document(with_later)[told] == without[told], told
