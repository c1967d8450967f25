"""The one-state world: that one state is all there is, that its optimum is exact, and who reaches it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from thinmargin.records import ACCESSORIES, HOME, LEVERS, MARKETING, PRICE, SEAT, STATE, UPDATES
from thinmargin.scenarios import FAMILIES
from thinmargin_agents.exact import backward_induction, contenders
from thinmargin_agents.exact.__main__ import main
from thinmargin_agents.exact.backward_induction import (
    AGREE,
    KEY,
    CheckedOptimum,
    Month,
    Numbers,
    batch_at_start,
    checked_optimum,
    frugal,
    markup_of,
    settings_of_the_world,
    users_at_start,
)
from thinmargin_agents.exact.table import LEAST_SHARE
from thinmargin_agents.play.candidates import Candidates

ROOT = Path(__file__).parents[3]
ROWS = 64
MONTHS = settings_of_the_world().horizon
LAST = MONTHS - 1
MEMORY = {
    "output", "inventory", "user_years", "trailing_revenue", "cash", "adstock", "markup", "price", "price_index",
    "own_levers", "own_sum", "month",
}  # fmt: skip
"""What moves beside users: what was done and earned, which decides nothing that comes after."""


def many_users(count: int = ROWS) -> Numbers:
    """Numbers of users from almost none to almost all, m, in random order."""
    users = np.linspace(0.001, 0.999, count) * users_at_start()[1]
    return np.random.default_rng(0).permutation(users)


def actions(count: int = ROWS, seed: int = 1) -> Numbers:
    return np.random.default_rng(seed).uniform(-1.0, 1.0, (count, len(LEVERS)))


@pytest.fixture(scope="module")
def best() -> CheckedOptimum:
    return checked_optimum(200, 80)


def test_under_any_levers_nothing_moves_but_users_and_memory() -> None:
    month = Month(many_users())
    batch = month.batch
    batch.states[:] = month.states
    moved = set()
    for step in range(MONTHS):
        batch.step(actions(seed=step))
        for name in STATE.names or ():
            if not np.allclose(batch.states[name], month.states[name], rtol=1e-12, atol=1e-12):
                moved.add(name)
    assert moved == {"users"} | MEMORY
    np.testing.assert_allclose(
        batch.states["users"][:, :, HOME].sum(axis=1), month.states["users"][:, :, HOME].sum(axis=1), rtol=1e-12
    )
    assert (batch.states["users"][:, [1, 2], HOME] == 0.0).all(), "the rival owns all that the seat does not"
    np.testing.assert_array_equal(batch.states["users"][:, :, 1], month.states["users"][:, :, 1])


@pytest.fixture(scope="module")
def histories() -> np.ndarray:
    """States of firms that have two wild years behind them."""
    batch = batch_at_start(settings_of_the_world(), ROWS)
    for step in range(24):
        batch.step(actions(seed=100 + step))
    return batch.states


@pytest.mark.parametrize("now", [0, LAST])
@pytest.mark.parametrize("name", sorted(MEMORY - {"month"}))
def test_what_is_remembered_decides_nothing(name: str, now: int, histories: np.ndarray) -> None:
    prices = frugal(actions()[:, PRICE])
    month = Month(many_users())
    after, earned = month.run(now, prices)
    assert not np.allclose(histories[name], month.states[name])
    month.states[name] = histories[name]
    again, other = month.run(now, prices)
    np.testing.assert_allclose(again, after, rtol=1e-9)
    np.testing.assert_allclose(other, earned, rtol=1e-9)


def test_every_month_but_the_last_is_the_same() -> None:
    month, prices = Month(many_users()), frugal(actions()[:, PRICE])
    after, earned = month.run(0, prices)
    for now in range(1, LAST):
        again, other = month.run(now, prices)
        np.testing.assert_array_equal(again, after)
        np.testing.assert_array_equal(other, earned)
    again, other = month.run(LAST, prices)
    np.testing.assert_array_equal(again, after)
    assert (other > earned).all(), "the last month pays the closing value"


@pytest.mark.parametrize("now", [0, LAST])
@pytest.mark.parametrize("lever", [ACCESSORIES, MARKETING, UPDATES])
def test_spending_only_costs(lever: int, now: int) -> None:
    month, spending = Month(many_users()), frugal(actions()[:, PRICE])
    after, earned = month.run(now, spending)
    for level in (-0.99, -0.5, 0.0, 1.0):
        spending[:, lever] = level
        again, less = month.run(now, spending)
        np.testing.assert_array_equal(again, after)
        assert (less < earned).all()
        earned = less


def test_the_world_is_the_same_whatever_its_key() -> None:
    one, other = (FAMILIES["one_state"].draw(key, MONTHS) for key in (KEY, 7))
    assert one.economy.tobytes() == other.economy.tobytes()
    assert one.shocks.tobytes() == other.shocks.tobytes()


@pytest.mark.slow
def test_the_last_month_is_worth_the_best_single_step(best: CheckedOptimum) -> None:
    grid = best.optimum.users
    month = Month(grid)
    for price in (-1.0, -0.2, 0.35, 1.0):
        _, earned = month.run(LAST, frugal(np.full(len(grid), price)))
        assert (best.optimum.values[LAST] >= earned).all()
    _, earned = month.run(LAST, frugal(best.optimum.prices[LAST]))
    np.testing.assert_allclose(best.optimum.values[LAST], earned, rtol=1e-12)


@pytest.mark.slow
def test_the_optimum_agrees_with_half_its_grid_and_with_the_environment(best: CheckedOptimum) -> None:
    assert best.holds
    assert all(0.0 < abs(difference) < AGREE for difference in best.differences)
    assert not checked_optimum(20, 80).holds, "a coarse grid is noticed"


@pytest.mark.slow
def test_no_variation_of_the_best_path_earns_more(best: CheckedOptimum) -> None:
    assert len(best.played.markups) == MONTHS
    prices = np.array([best.optimum.price(month, users) for month, users in enumerate(best.played.users)])
    table = frugal(np.tile(np.append(prices, 0.0), (400, 1)))
    generator = np.random.default_rng(3)
    sizes = np.geomspace(0.003, 1.0, len(table) - 1)
    months = np.arange(MONTHS + 1)
    waves = np.sin(months * generator.uniform(0.0, 0.5, (len(sizes), 1)) + generator.uniform(0.0, 6.3, (len(sizes), 1)))
    noise = generator.normal(size=waves.shape)
    table[1:, :, PRICE] += sizes[:, None] * np.where(generator.random((len(sizes), 1)) < 0.5, waves, noise)
    worth = Candidates([KEY], len(table), settings_of_the_world()).plans(table.clip(-1.0, 1.0)).value[:, 0]
    assert worth[0] == pytest.approx(best.played.value, rel=1e-6)
    assert worth.max() < best.played.value * (1.0 + 1e-4)
    assert worth.min() < 0.95 * best.played.value, "else nothing was varied"


@pytest.mark.slow
def test_the_best_firm_is_thin_while_it_has_few_users_and_ripens(best: CheckedOptimum) -> None:
    markups = best.played.markups
    assert (markups[:6] < 0.0).all()
    assert (markups[-12:] > 0.25).all()
    assert (np.abs([best.optimum.price(month, users) for month, users in enumerate(best.played.users)]) < 0.9).all()
    few, many = best.optimum.price(24, 5.0), best.optimum.price(24, 30.0)
    assert markup_of(np.array([few, many])) == pytest.approx([-0.07, 0.36], abs=0.02)
    assert (np.diff(best.optimum.prices[24][best.optimum.users < 40.0]) >= 0.0).all()


@pytest.mark.slow
def test_constant_prices_stay_clearly_below(best: CheckedOptimum) -> None:
    rule, thin, premium = contenders.constants()
    assert (rule.name, thin.name, premium.name) == ("best constant", "thin", "premium")
    assert max(thin.value, premium.value) < rule.value
    assert 0.9 < rule.value / best.optimum.value < 0.97


@pytest.mark.slow
def test_the_search_for_a_plan_reaches_the_optimum(best: CheckedOptimum) -> None:
    plan = contenders.planned(seed=0, generations=60)
    assert plan.seeks
    assert LEAST_SHARE < plan.value / best.optimum.value < 1.0 + AGREE


@pytest.mark.slow
def test_ppo_reaches_the_optimum(best: CheckedOptimum) -> None:
    learned = contenders.trained(seed=0)
    assert learned.seeks
    assert LEAST_SHARE < learned.value / best.optimum.value < 1.0 + AGREE


@pytest.mark.slow
def test_the_command_prints_and_writes_what_it_finds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, best: CheckedOptimum
) -> None:
    monkeypatch.setattr(backward_induction, "USERS", 200)
    monkeypatch.setattr(backward_induction, "PRICES", 80)
    monkeypatch.setattr(contenders, "GENERATIONS", 40)
    file = tmp_path / "exact.json"
    assert main(["--json", str(file)]) == 0
    output = capsys.readouterr().out
    assert f"{best.optimum.value:.3f}" in output
    assert f"{best.played.value:.3f}" in output
    written = json.loads(file.read_text(encoding="utf-8"))
    assert written["agree"] is True
    assert written["J"] == best.optimum.value
    assert written["path"]["markup"] == best.played.markups.tolist()
    assert np.shape(written["policy"]["markup"]) == (MONTHS, 201)
    assert list(written["reached"]) == ["plan", "best constant", "thin", "premium"]
    for name, item in written["reached"].items():
        assert f"{item['J']:.3f}" in output, name
        assert item["share"] == item["J"] / best.optimum.value


@pytest.mark.slow
def test_the_page_shows_the_optimum_that_is_computed(best: CheckedOptimum) -> None:
    page = (ROOT / "docs" / "exact.md").read_text(encoding="utf-8")
    match = re.search(r"^400 steps of users +([\d.]+)$", page, re.MULTILINE)
    assert match is not None
    assert float(match[1]) == pytest.approx(best.optimum.value, rel=AGREE)


def test_the_environment_begins_where_the_recursion_does() -> None:
    batch = batch_at_start(settings_of_the_world(), 1)
    seat, everybody = users_at_start()
    assert batch.states["users"][0, SEAT, HOME] == seat
    assert 0.0 < seat < 0.01 * everybody
