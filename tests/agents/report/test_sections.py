from __future__ import annotations

import numpy as np
import pytest
from tests.messages import lacks
from tests.reporting import Judged, synthetic, without

from thinmargin_agents.report.roles import cast_of
from thinmargin_agents.report.sections.gaps import gap
from thinmargin_agents.report.sections.spread import _differences, _profile, at_least, density
from thinmargin_agents.report.sections.stress import stress_table
from thinmargin_agents.report.sections.years import middle_and_band
from thinmargin_agents.scoring.statistics import MIN_UNITS


def test_a_gap_between_policies_of_several_seeds_counts_both_seeds_and_worlds() -> None:
    generator = np.random.default_rng(3)
    luck = generator.normal(0.0, 20.0, 30)
    seeds = np.array([[0.0], [2.0], [4.0]])
    found = gap(10.0 + seeds + luck, luck + np.array([[0.0], [1.0]]), 0)
    assert found.mean == pytest.approx(11.5)
    assert found.probability == 1.0
    assert 9.0 <= found.interval.low < 11.5 < found.interval.high <= 14.0
    assert found.interval.high - found.interval.low > 1.5
    assert found.is_clear
    back = gap(luck[None], luck[None] + seeds, 0)
    assert back.mean == pytest.approx(-2.0)
    assert back.probability == pytest.approx((0.5 + 0.0 + 0.0) / 3)


def test_a_curve_says_how_many_reach_at_least_so_much() -> None:
    values, share = at_least(np.array([3.0, 1.0, 2.0, 2.0]))
    np.testing.assert_array_equal(values, [3.0, 3.0, 2.0, 2.0, 1.0])
    np.testing.assert_array_equal(share, [0.0, 0.25, 0.5, 0.75, 1.0])


def test_a_density_is_high_where_the_values_are() -> None:
    grid = np.linspace(-10.0, 10.0, 101)
    heights = density(np.r_[np.full(50, -4.0), np.full(50, 4.0)] + np.linspace(-1, 1, 100), grid)
    assert heights.max() == 1.0
    assert heights[30] > 0.9
    assert heights[50] < 0.5
    assert density(np.full(5, 2.0), grid).argmax() == 60


def test_bands_leave_out_worlds_that_are_over() -> None:
    table = np.array([[1.0, 2.0, 3.0], [5.0, np.nan, 7.0], [np.nan] * 3])
    middle, low, high = middle_and_band(table)
    np.testing.assert_allclose(middle[:2], [2.0, 6.0])
    assert low[0] < 2.0 < high[0]
    assert np.isnan([middle[2], low[2], high[2]]).all()


def test_bands_of_the_profile_are_said_for_what_they_are(whole: Judged) -> None:
    (chart,) = _profile(cast_of(whole.report, whole.results), whole.report["profile"])
    words = " ".join(chart.caption.split())
    assert not lacks(words, "95 % bootstrap intervals", "every level by itself", "not of the whole curve")


@pytest.mark.parametrize(("worlds", "is_told"), [(MIN_UNITS - 1, False), (MIN_UNITS, True)])
def test_a_bar_is_promised_where_it_is_drawn(whole: Judged, worlds: int, is_told: bool) -> None:
    plain = next(result for result in whole.results if result.name == "low_margin_tuned")
    some = np.arange(float(worlds))
    results = [synthetic("low_margin_tuned", some, plain), synthetic("plan", some + some % 3.0, plain)]
    (chart,) = _differences(cast_of({}, results), 0)
    assert ("95 % interval" in chart.caption) == is_told
    assert chart.caption.startswith("Dot: mean difference")


def test_stress_is_read_from_the_document_and_else_from_the_results(whole: Judged) -> None:
    cast = cast_of(whole.report, whole.results)
    stated = stress_table(cast, whole.report, {})
    played = stress_table(cast, without(whole.report, "stress"), whole.stress)
    assert stated is not None
    assert played is not None
    assert [title for title, _ in stated.scenarios] == ["price war", "demand slump"]
    assert stated.scenarios[0][1].startswith("Some day rivals")
    assert [player for player, _ in stated.rows] == [player for player in cast.players if not player.knows_future]
    for (_, first), (_, second) in zip(stated.rows, played.rows, strict=True):
        assert [cell and cell.value for cell in first] == [cell and cell.value for cell in second]
        assert [cell and cell.bankrupt for cell in first] == [cell and cell.bankrupt for cell in second]
    assert stress_table(cast, {}, {}) is None
    own = stress_table(cast, {"stress": {"ThinMargin/PriceWar-v1": {"plan": {"J_mean": 1.0, "kept": -2.0}}}}, {})
    assert own is not None
    assert own.scenarios[0][0] == "price war"
    assert own.rows[0][1][0] is not None
    assert own.rows[0][1][0].kept == "nothing kept"
