"""What drives a replay, and the series it is compared with: every rule by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import pytest

from thinmargin.data import Figures, FiguresError, Period, parse_period, reported
from thinmargin.history import ASSUMED, COMPARED, NEEDED, PolicyRule, drivers, policy_markup, simulated
from thinmargin.history import reported as reported_series
from thinmargin.records import HOME, OVERSEAS
from thinmargin.replay import TRACKED, Table

MARGIN, SELLING, TOTAL, CHINA, WORLD = NEEDED
DECAY = 0.08
MONTHS = 156
QUARTER = {MARGIN: 20.0, SELLING: 11.1, TOTAL: 111.0, CHINA: 60.0, WORLD: 270.0}
"""Invented: a quarter in which a month sold 20 m phones at home and 70 m overseas."""

MadeFigures = Callable[[Mapping[str, Mapping[str, float]]], Figures]
WithCells = Callable[[Mapping[tuple[str, str], float]], Figures]


def month(text: str) -> int:
    return parse_period(text).first


@pytest.fixture(scope="module")
def history() -> Table:
    return drivers(reported(), MONTHS, DECAY)


# drivers


IMPLIED = [percent / (100.0 - percent) for percent in (12, 12, 5, -0.3, 3.4, 8.8, 6.2, 7.2, 8.7, 11.9, 9.0, 14.6, 12.6)]
"""Price over unit cost, less one, of 2012 to 2024, from gross margins."""


def test_the_implied_margin_comes_from_the_gross_margin_of_phones(history: Table) -> None:
    np.testing.assert_allclose(history["margin"], np.repeat(IMPLIED, 12), rtol=1e-12)


@pytest.mark.parametrize(("policy", "first", "middle", "last"), [
    ("centred", (2 * IMPLIED[0] + IMPLIED[1]) / 3, (IMPLIED[4] + IMPLIED[5] + IMPLIED[6]) / 3,
     (IMPLIED[11] + 2 * IMPLIED[12]) / 3),
    ("trailing", IMPLIED[0], (IMPLIED[4] + IMPLIED[5]) / 2, (IMPLIED[11] + IMPLIED[12]) / 2),
    ("none", IMPLIED[0], IMPLIED[5], IMPLIED[12]),
])  # fmt: skip
def test_the_markup_aimed_at_by_hand_under_each_rule(
    policy: PolicyRule, first: float, middle: float, last: float
) -> None:
    """In 2012, in 2017 and in 2024: a neighbour that is not there is replaced by the year itself."""
    table = drivers(reported(), MONTHS, DECAY, policy=policy)
    for year, markup in ((2012, first), (2017, middle), (2024, last)):
        np.testing.assert_allclose(table["markup"][12 * (year - 2012) :][:12], markup, rtol=1e-12)
    np.testing.assert_allclose(table["margin"], np.repeat(IMPLIED, 12), rtol=1e-12)


def test_the_rule_of_the_fit_is_the_centred_one(history: Table) -> None:
    np.testing.assert_array_equal(history, drivers(reported(), MONTHS, DECAY, policy="centred"))


def test_neighbours_are_a_year_away_to_the_month() -> None:
    implied = np.arange(30.0) ** 2
    before = [implied[month - 12] if month >= 12 else implied[month] for month in range(30)]
    after = [implied[month + 12] if month < 18 else implied[month] for month in range(30)]
    np.testing.assert_allclose(policy_markup(implied, "centred"), (np.array(before) + implied + after) / 3.0)
    np.testing.assert_allclose(policy_markup(implied, "trailing"), (np.array(before) + implied) / 2.0)
    np.testing.assert_array_equal(policy_markup(implied, "none"), implied)
    np.testing.assert_array_equal(implied, np.arange(30.0) ** 2)


@pytest.mark.parametrize("policy", ["centred", "trailing", "none"])
@pytest.mark.parametrize("months", [1, 11, 12, 13])
def test_a_history_of_about_a_year_has_few_neighbours(policy: PolicyRule, months: int) -> None:
    implied = np.linspace(0.0, 0.3, months)
    found = policy_markup(implied, policy)
    assert found.shape == (months,)
    np.testing.assert_allclose(found[1:12][: months - 2], implied[1:12][: months - 2], rtol=1e-12)
    other = {"centred": 2.0 * implied[0] + implied[-1], "trailing": 3.0 * implied[0], "none": 3.0 * implied[0]}
    assert found[0] == pytest.approx(other[policy] / 3.0 if months == 13 else implied[0], abs=1e-15)


@pytest.mark.parametrize("last", [2017, 2020, 2022])
def test_no_month_looks_behind_the_last_one_asked_for(history: Table, last: int) -> None:
    """Fewer months end with markups that know no later ones; before their last year they are those of a longer one."""
    months = 12 * (last - 2011)
    short = drivers(reported(), months, DECAY)
    np.testing.assert_array_equal(short[:-12], history[: months - 12])
    place = last - 2012
    np.testing.assert_allclose(short["markup"][-12:], (IMPLIED[place - 1] + 2.0 * IMPLIED[place]) / 3.0, rtol=1e-12)
    trailing = drivers(reported(), months, DECAY, policy="trailing")
    np.testing.assert_array_equal(trailing, drivers(reported(), MONTHS, DECAY, policy="trailing")[:months])


def test_selling_is_a_share_of_revenue(history: Table) -> None:
    by_hand = {2012: 0.416 / 10.7, 2013: 0.876 / 27.0, 2014: 1.9 / 63.5, 2015: 1.913 / 66.811, 2024: 25.39 / 365.906}
    for year, share in by_hand.items():
        np.testing.assert_allclose(history["selling"][12 * (year - 2012) :][:12], share, rtol=1e-12)


def test_a_months_market_is_a_twelfth_of_the_years(history: Table) -> None:
    np.testing.assert_allclose(history["market"][:12, HOME], 213 / 12, rtol=1e-12)
    np.testing.assert_allclose(history["market"][:12, OVERSEAS], (725.3 - 213) / 12, rtol=1e-12)
    np.testing.assert_allclose(history["market"][-12:, OVERSEAS], (1238.8 - 286.2) / 12, rtol=1e-12)
    assert not drivers(reported(), MONTHS, DECAY, reported_markets=False)["market"].any()


def test_ventures_are_the_growth_of_the_investees_hardware_makers_alone(history: Table) -> None:
    by_hand = {
        2012: 3 / 12,
        2013: 7 / 12,
        2014: 15 / 12,
        2015: 30 / 12,
        2016: 22 / 12,
        2017: 13 / 12,
        2018: 90 / 210 * 10 / 9,
        2019: 90 / 210 * 70 / 12,
        2023: 90 / 210 * 20 / 12,
        2024: 0.0,
    }
    for year, ventures in by_hand.items():
        np.testing.assert_allclose(history["ventures"][12 * (year - 2012) :][:12], ventures, rtol=1e-12)


def test_fewer_investees_or_none_reported_fund_no_ventures(with_cells: WithCells) -> None:
    name = "ecosystem_companies_invested"
    for value in (111.0, math.nan):
        changed = drivers(with_cells({(name, "2024"): value}), MONTHS, DECAY)
        assert not changed["ventures"][-12:].any()


def test_developer_releases_were_weekly_through_july_2019(history: Table) -> None:
    updates = history["updates"]
    assert set(updates[: month("2019-08")]) == {4.33}
    assert set(updates[month("2019-08") :]) == {1.5}


def test_the_slump_begins_in_january_2016_and_decays(history: Table) -> None:
    slump = history["slump"]
    assert not slump[: month("2016-01")].any()
    assert slump[month("2016-01")] == 1.0
    np.testing.assert_allclose(slump[month("2016-01") + 1 :] / slump[month("2016-01") : -1], 1.0 - DECAY, rtol=1e-12)


def test_the_range_is_flagships_alone_until_the_cheap_line_and_mixed_by_2015(history: Table) -> None:
    flagships = history["flagships"]
    assert set(flagships[: month("2013-08") + 1]) == {1.0}
    assert not flagships[month("2015-01") :].any()
    between = flagships[month("2013-08") : month("2015-01") + 1]
    np.testing.assert_allclose(np.diff(between), -1 / 17, rtol=1e-9)


def test_assumptions_stand_in_for_empty_cells_alone(with_cells: WithCells) -> None:
    for (year, series), (value, reason) in ASSUMED.items():
        assert math.isnan(reported().value(series, parse_period(str(year)))), (year, series)
        assert value > 0.0
        assert reason
    told = drivers(with_cells({(MARGIN, "2014"): 7.0, (SELLING, "2014"): 6.35}), 36, DECAY)
    np.testing.assert_allclose(told["margin"][24:], 7 / 93, rtol=1e-12)
    np.testing.assert_allclose(told["selling"][24:], 0.1, rtol=1e-12)
    np.testing.assert_array_equal(told["margin"][:24], drivers(reported(), 24, DECAY)["margin"])


def test_the_shortest_period_drives_its_months(made_figures: MadeFigures) -> None:
    newer = made_figures(
        {
            "2024-Q4": QUARTER,
            "2024-11": QUARTER | {MARGIN: 50.0, CHINA: 44.0, WORLD: 111.0},
            "2025-H1": QUARTER | {MARGIN: 0.0, CHINA: 66.0, WORLD: 132.0},
        }
    )
    plain = drivers(reported(), MONTHS, DECAY)
    table = drivers(reported().merged(newer), MONTHS + 6, DECAY)
    others = [name for name in table.dtype.names or () if name != "markup"]
    np.testing.assert_array_equal(table[: MONTHS - 3][others], plain[: MONTHS - 3][others])
    np.testing.assert_allclose(table["margin"][-9:], [0.25, 1.0, 0.25, *[0.0] * 6], atol=1e-12)
    np.testing.assert_allclose(table["selling"][-9:], 0.1)
    np.testing.assert_allclose(table["market"][-9:, HOME], [20, 44, 20, *[11] * 6])
    np.testing.assert_allclose(table["market"][-9:, OVERSEAS], [70, 67, 70, *[11] * 6])


def test_nothing_after_the_last_month_is_asked_for(made_figures: MadeFigures) -> None:
    newer = made_figures({"2025-Q3": {"miui_mau_m": 777.0}})
    merged = reported().merged(newer)
    np.testing.assert_array_equal(drivers(merged, MONTHS, DECAY), drivers(reported(), MONTHS, DECAY))


@pytest.mark.parametrize("missing", NEEDED)
@pytest.mark.parametrize("period", ["2013-Q2", "2025-Q1"])
def test_a_needed_cell_that_is_empty_is_named(made_figures: MadeFigures, period: str, missing: str) -> None:
    """In the years with assumptions too: they are made for whole years."""
    row = {name: value for name, value in QUARTER.items() if name != missing}
    figures = reported().merged(made_figures({period: row}))
    with pytest.raises(FiguresError, match=rf"made\.csv: line 2 \({period}\), column {missing}: empty, but needed"):
        drivers(figures, parse_period(period).end, DECAY)


def test_a_gap_is_named(made_figures: MadeFigures) -> None:
    figures = reported().merged(made_figures({"2026": QUARTER}))
    with pytest.raises(FiguresError, match="no row covers 2025-01"):
        drivers(figures, MONTHS + 24, DECAY)


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ({MARGIN: 100.0}, rf"column {MARGIN}: 100,.*less than 100"),
        ({TOTAL: 0.0}, rf"column {TOTAL}: 0,.*more than 0"),
        ({CHINA: 0.0}, rf"column {CHINA}: 0,.*more than 0"),
        ({WORLD: 59.5}, rf"column {WORLD}: 59\.5,.*more than {CHINA}, 60"),
    ],
)
def test_a_cell_that_no_month_can_have_is_refused(
    made_figures: MadeFigures, cells: dict[str, float], told: str
) -> None:
    figures = reported().merged(made_figures({"2025-Q1": QUARTER | cells}))
    with pytest.raises(FiguresError, match=rf"made\.csv: line 2 \(2025-Q1\), {told}"):
        drivers(figures, MONTHS + 3, DECAY)


# simulated series


@pytest.fixture(scope="module")
def kept() -> Table:
    """Two invented replays of two years."""
    table = np.zeros((2, 24), TRACKED)
    generator = np.random.default_rng(3)
    for name in TRACKED.names or ():
        table[name] = generator.uniform(1.0, 9.0, table[name].shape)
    table["sales_overseas"] *= 0.1
    return table


@pytest.mark.parametrize("text", ["2012", "2013", "2012-Q2", "2013-H2", "2012-12", "2012-11/2013-01"])
def test_every_series_of_any_months_by_hand(kept: Table, text: str) -> None:
    period = parse_period(text)
    values = simulated(kept, [period])
    for row in range(2):
        months = [kept[row, place] for place in range(period.first, period.end)]

        def total(name: str, months: list[np.void] = months) -> float:
            return sum(float(each[name]) for each in months)

        by_hand = {
            "shipments": total("sales"),
            "asp": total("device_revenue") / total("sales"),
            "phone_revenue": total("device_revenue") / 1000,
            "iot_revenue": total("accessory_revenue") / 1000,
            "internet_revenue": total("services_revenue") / 1000,
            "mau": months[-1]["active_users"],
            "arpu": total("services_revenue") / months[-1]["active_users"] * 12 / len(months),
            "iot_gross_margin": 100 * total("accessory_profit") / total("accessory_revenue"),
            "total_gross_margin": 100 * total("gross_profit") / total("revenue"),
            "china_share": 100 * (total("sales") - total("sales_overseas")) / total("market_home"),
            "overseas_share": 100 * total("revenue_overseas") / total("revenue"),
            "profit": total("earned") / 1000,
            "services_gross_margin": 100 * total("services_profit") / total("services_revenue"),
            "retention": 100 * total("again_home") / total("due_home"),
        }
        assert list(by_hand) == list(values)
        for name, value in by_hand.items():
            assert values[name].shape == (2, 1)
            assert values[name][row, 0] == pytest.approx(value, rel=1e-9), name


def test_four_quarters_make_a_year(kept: Table) -> None:
    year, quarters = [Period(12, 12)], [Period(first, 3) for first in (12, 15, 18, 21)]
    whole, parts = simulated(kept, year), simulated(kept, quarters)
    for name in ("shipments", "phone_revenue", "iot_revenue", "internet_revenue", "profit"):
        np.testing.assert_allclose(parts[name].sum(axis=1), whole[name][:, 0], rtol=1e-12)
    np.testing.assert_array_equal(parts["mau"][:, -1], whole["mau"][:, 0])
    for name in (
        "asp", "iot_gross_margin", "total_gross_margin", "china_share", "overseas_share", "services_gross_margin",
        "retention",
    ):  # fmt: skip
        assert (parts[name].min(axis=1) <= whole[name][:, 0]).all()
        assert (whole[name][:, 0] <= parts[name].max(axis=1)).all()


def test_a_firm_that_sells_nothing_has_no_price(kept: Table) -> None:
    nothing = np.zeros_like(kept)
    assert all(not values.any() for values in simulated(nothing, [Period(0, 12)]).values())


# reported series


def test_electric_cars_are_taken_out_of_2024() -> None:
    shown = reported_series(reported(), [parse_period("2023"), parse_period("2024")])
    rest = 365.906 - 32.754
    assert shown["overseas_share"][1] == pytest.approx(41.9 * 365.906 / rest, rel=1e-12)
    assert shown["total_gross_margin"][1] == pytest.approx((20.9 * 365.906 - 18.5 * 32.754) / rest, rel=1e-12)
    assert shown["overseas_share"][0] == 44.9
    assert shown["total_gross_margin"][0] == 21.2


def test_what_the_electric_cars_cost_is_added_to_the_shipped_profit_of_2022_to_2024(with_cells: WithCells) -> None:
    years = [parse_period(str(year)) for year in range(2020, 2025)]
    by_hand = [13.006, 22.039, 8.518 + 3.1, 19.273 + 6.7, 27.235 + 6.2]
    np.testing.assert_allclose(reported_series(reported(), years)["profit"], by_hand, rtol=1e-12)
    for year, own in ((2022, 11.1), (2023, 22.2), (2024, 33.3)):
        figures = with_cells({("adjusted_net_profit_rmb_bn", str(year)): own})
        wanted = [own if number == year else value for number, value in zip(range(2020, 2025), by_hand, strict=True)]
        np.testing.assert_allclose(reported_series(figures, years)["profit"], wanted, rtol=1e-12)
    backwards = reported_series(reported(), years[::-1])["profit"]
    np.testing.assert_allclose(backwards, by_hand[::-1], rtol=1e-12)


def test_profit_of_parts_of_a_year_is_left_as_given(made_figures: MadeFigures) -> None:
    row = {"adjusted_net_profit_rmb_bn": 8.518}
    figures = reported().merged(made_figures({"2022-H1": row, "2024-Q4": row, "2025-Q1": row}))
    periods = [parse_period(text) for text in ("2022-H1", "2024-Q4", "2025-Q1")]
    assert reported_series(figures, periods)["profit"].tolist() == [8.518] * 3


def test_reported_series_are_the_reported_cells() -> None:
    periods = [parse_period(str(year)) for year in range(2012, 2024)]
    shown = reported_series(reported(), periods)
    assert list(shown) == [compared.name for compared in COMPARED]
    for compared in COMPARED:
        if compared.reported:
            cells = [reported().value(compared.reported, period) for period in periods]
            if compared.name == "profit":
                cells[-2:] = [8.518 + 3.1, 19.273 + 6.7]
            np.testing.assert_array_equal(shown[compared.name], cells)
    assert shown["arpu"][0] == pytest.approx(1e3 * 0.05 / 10, rel=1e-12)
    assert shown["arpu"][3] == pytest.approx(1e3 * 3.239 / 112, rel=1e-12)


def test_arpu_is_a_years(made_figures: MadeFigures) -> None:
    row = {"revenue_internet_services_rmb_bn": 11.1, "miui_mau_m": 777.0}
    figures = made_figures({"2025-Q1": row, "2025-H2": row, "2026-01": row})
    shown = reported_series(figures, figures.periods)["arpu"]
    np.testing.assert_allclose(shown, np.array([4, 2, 12]) * 11100 / 777, rtol=1e-12)


def test_what_was_not_reported_is_nan_and_the_rest_is_kept(made_figures: MadeFigures) -> None:
    row = {"overseas_revenue_share_pct": 44.4, "gm_total_pct": 22.2, "revenue_internet_services_rmb_bn": 1.11}
    figures = made_figures({"2025-Q1": row, "2025-Q2": row | {"miui_mau_m": 0.0}})
    shown = reported_series(figures, figures.periods)
    assert shown["overseas_share"].tolist() == [44.4, 44.4]
    assert shown["total_gross_margin"].tolist() == [22.2, 22.2]
    for name in ("shipments", "asp", "arpu"):
        assert np.isnan(shown[name]).all()
