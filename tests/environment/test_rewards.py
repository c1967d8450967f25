"""Rewards: named terms that sum up, a closing value that is what it says, shaping that changes no plan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import thinmargin
from thinmargin.economics.finance import run_off_value
from thinmargin.env import EcosystemEnv
from thinmargin.levers import action_of
from thinmargin.parameters import CLOSING, CLOSING_BOOK, Parameters
from thinmargin.records import MONEY_SCALE, SEAT, SHOCKS
from thinmargin.scenarios import FAMILIES
from thinmargin.vector import EcosystemVectorEnv
from thinmargin.worlds import World, neutral_world

GAMMA = thinmargin.MONTHLY_DISCOUNT
RICH_START = {"fixed_cost": 0.0, "release_cost": 0.0, "services_half": 1.0, "services_ceiling": (2000.0, 26.0)}
"""Users who are worth something from the first month, so that the first potential is not zero."""
FAILING = {"fixed_cost": 1000.0}
"""More overhead than the firm can pay: bankrupt within a few months."""
GOOD = action_of(0.08, 0.012, 0.06, 3.0)
PAID = {"stock_paid": 1.0}
"""Stock costs cash when it is made."""
PLANS: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "steady": lambda _: GOOD,
    "dear": lambda _: action_of(0.45, 0.0, 0.02, 0.5),
    "random": lambda rng: rng.uniform(-1, 1, 4),
}


def potential(env: EcosystemEnv) -> float:
    """The shaping potential of the state the environment is in, RMB 10 bn: the law is that of the month just run."""
    run = env._batch.states["month"][0] > 0.0
    return run_off(env, float(env._batch.last_shocks[0]["services"]) if run else 1.0)


def run_off(env: EcosystemEnv, services: float) -> float:
    """What the users would still earn, RMB 10 bn, with this share of services revenue allowed."""
    return float(run_off_value(env._batch.states[0], env._batch.economies[0], SEAT, services)) / MONEY_SCALE


def play(env: EcosystemEnv, plan: str, world: World | int) -> list[tuple[float, bool, bool, dict[str, Any]]]:
    """Reward, flags and info of every month until the episode ends."""
    env.reset(options={"world": world})
    rng = np.random.default_rng(6)
    months = []
    ended = False
    while not ended:
        _, reward, terminated, truncated, info = env.step(PLANS[plan](rng))
        months.append((float(reward), terminated, truncated, info))
        ended = terminated or truncated
    return months


def value(months: list[tuple[float, bool, bool, dict[str, Any]]]) -> float:
    """Discounted return."""
    return float(sum(GAMMA**month * reward for month, (reward, *_) in enumerate(months)))


@pytest.mark.parametrize("reward", ["profit", "shaped"])
@pytest.mark.parametrize("closing", ["own_levers", "playbook", "none"])
@pytest.mark.parametrize("parameters", [None, RICH_START, FAILING, PAID], ids=["default", "rich", "failing", "paid"])
def test_the_named_terms_are_the_reward(reward: Any, closing: Any, parameters: Any) -> None:
    env = EcosystemEnv(reward=reward, closing=closing, horizon=30, parameters=parameters)
    months = play(env, "random", 4)
    for got, *_, info in months:
        terms = info["reward_terms"]
        assert set(terms) == {"profit_term", "closing_term", "shaping_term"}
        assert got == terms["profit_term"] + terms["closing_term"] + terms["shaping_term"]
        assert terms["profit_term"] == (info["books"]["profit"] - info["books"]["stock"]) / 1e4
        if reward == "profit":
            assert terms["shaping_term"] == 0.0
    assert any(info["books"]["stock"] != 0.0 for *_, info in months) == (parameters is PAID)


def test_the_vector_terms_are_the_rewards() -> None:
    envs = EcosystemVectorEnv(4, reward="shaped", horizon=3)
    envs.reset(seed=0)
    for _ in range(7):
        _, rewards, _, _, infos = envs.step(np.zeros((4, 4)))
        terms = infos.get("final_info", infos)["reward_terms"]
        np.testing.assert_array_equal(rewards, terms["profit_term"] + terms["closing_term"] + terms["shaping_term"])


@pytest.mark.parametrize("parameters", [None, RICH_START, FAILING], ids=["default", "rich", "failing"])
@pytest.mark.parametrize("world", [4, 5])
def test_shaping_takes_the_first_potential_off_every_return(parameters: Any, world: int) -> None:
    taken = []
    for plan in PLANS:
        profit = EcosystemEnv(horizon=50, parameters=parameters)
        shaped = EcosystemEnv(horizon=50, parameters=parameters, reward="shaped")
        plain, dense = play(profit, plan, world), play(shaped, plan, world)
        assert len(plain) == len(dense)
        shaped.reset(options={"world": world})
        start = potential(shaped)
        scale = 1.0 + sum(abs(info["reward_terms"]["shaping_term"]) for *_, info in dense)
        assert value(dense) == pytest.approx(value(plain) - start, abs=1e-12 * scale)
        assert parameters is not RICH_START or scale > 1.01, "the shaping does something"
        taken.append(start)
    assert taken[0] == taken[1] == taken[2], "whatever the plan"
    assert (taken[0] > 1e-3) == (parameters is RICH_START)


@pytest.mark.parametrize("closing", ["own_levers", "playbook", "none"])
def test_shaping_is_the_discounted_change_of_potential_month_by_month(closing: Any) -> None:
    env = EcosystemEnv(horizon=40, reward="shaped", closing=closing, parameters=RICH_START)
    env.reset(options={"world": 8})
    before = potential(env)
    total = 0.0
    for month in range(40):
        _, _, terminated, truncated, info = env.step(GOOD)
        after = 0.0 if terminated else potential(env)
        shaping = info["reward_terms"]["shaping_term"]
        assert shaping == pytest.approx(GAMMA * after - before, rel=1e-12, abs=1e-15)
        total += GAMMA**month * shaping
        before = after
    pays = closing != "none"
    assert (terminated, truncated) == (pays, not pays)
    assert (before > 0.0) == (not pays), "a truncated episode would go on: its potential stays"


def test_a_law_that_halves_services_lowers_the_potential_in_its_first_month_and_returns_stay_as_they_are() -> None:
    world = neutral_world(Parameters(**RICH_START), 40)
    world.shocks["services"][20:30] = 0.5
    calm = neutral_world(Parameters(**RICH_START), 40)
    shaped = [play(EcosystemEnv(horizon=40, reward="shaped"), "steady", drawn) for drawn in (world, calm)]
    under_law, free = ([info["reward_terms"]["shaping_term"] for *_, info in months] for months in shaped)
    assert under_law[:20] == free[:20], "nobody knows before"
    assert under_law[20] < free[20] - 0.01
    assert abs(under_law[21] - free[21]) < 0.2 * (free[20] - under_law[20]), "the fall is paid once"
    assert under_law[30] > free[30] + 0.01, "and given back when the law goes"
    plain = play(EcosystemEnv(horizon=40), "steady", world)
    env = EcosystemEnv(horizon=40, reward="shaped")
    env.reset(options={"world": world})
    assert value(shaped[0]) == pytest.approx(value(plain) - potential(env), rel=1e-12)


@pytest.mark.parametrize("family", ["services_clampdown", "benchmark"])
def test_a_law_of_a_drawn_world_is_in_the_potential_as_that_of_its_table(family: str) -> None:
    worth = []
    for world in (11, FAMILIES[family].draw(11, 120)):
        months = play(EcosystemEnv(family, horizon=120, reward="shaped"), "steady", world)
        worth.append([info["reward_terms"]["shaping_term"] for *_, info in months])
    assert worth[0] == worth[1]
    assert len(worth[0]) == 120


@pytest.mark.slow
def test_shaping_takes_the_first_potential_off_every_return_where_the_law_changes() -> None:
    for world in (4, 5):
        for plan in PLANS:
            settings: dict[str, Any] = {"worlds": "services_clampdown", "horizon": 120, "parameters": RICH_START}
            plain = play(EcosystemEnv(**settings), plan, world)
            shaped = EcosystemEnv(**settings, reward="shaped")
            dense = play(shaped, plan, world)
            shaped.reset(options={"world": world})
            scale = 1.0 + sum(abs(info["reward_terms"]["shaping_term"]) for *_, info in dense)
            assert value(dense) == pytest.approx(value(plain) - potential(shaped), abs=1e-12 * scale)


@pytest.mark.parametrize("plan", list(PLANS))
def test_a_closing_value_is_paid_in_the_closing_month_only(plan: str) -> None:
    for world in range(6):
        months = play(EcosystemEnv(horizon=36), plan, world)
        closings = [info["reward_terms"]["closing_term"] for *_, info in months]
        assert all(closing == 0.0 for closing in closings[:-1])
        _, terminated, truncated, info = months[-1]
        assert terminated
        assert not truncated
        if info["books"]["bankrupt"]:
            assert closings[-1] == 0.0
        else:
            assert len(months) == 36
            assert closings[-1] >= 0.0


def test_a_worthless_firm_closes_at_zero_not_below() -> None:
    world = neutral_world(Parameters(fixed_cost=1500.0), 1)
    months = play(EcosystemEnv(horizon=1), "steady", world)
    reward, terminated, _, info = months[0]
    assert terminated
    assert not info["books"]["bankrupt"]
    assert info["reward_terms"]["closing_term"] == 0.0
    assert reward < 0.0


@pytest.mark.parametrize("reward", ["profit", "shaped"])
@pytest.mark.parametrize("closing", ["own_levers", "playbook", "none"])
def test_bankruptcy_terminates_without_a_closing_value(reward: Any, closing: Any) -> None:
    seen = 0
    for world in range(8):
        months = play(EcosystemEnv(horizon=24, reward=reward, closing=closing, parameters=FAILING), "steady", world)
        for _, terminated, truncated, info in months[:-1]:
            assert (terminated, truncated) == (False, False)
            assert info["books"]["bankrupt"] == 0.0
            assert info["books"]["cash"] >= -info["books"]["credit_line"]
        _, terminated, truncated, info = months[-1]
        assert (terminated, truncated) == (True, False)
        assert info["books"]["bankrupt"] == 1.0
        assert info["books"]["cash"] < -info["books"]["credit_line"]
        assert info["reward_terms"]["closing_term"] == 0.0
        assert len(months) < 24
        seen += 1
    assert seen == 8


def spree(constants: Parameters, horizon: int) -> dict[str, Any]:
    """Info of month 21: twenty good months, then one of spending whatever investors lend."""
    env = EcosystemEnv(horizon=horizon)
    env.reset(options={"world": neutral_world(constants, horizon)})
    for month in range(21):
        info = env.step(GOOD if month < 20 else np.array([-0.4, 1.0, 0.6, 0.5]))[4]
    return info


@pytest.mark.parametrize("horizon", [21, 40])
def test_a_bankrupt_firm_is_worth_nothing_however_good_its_prospects(horizon: int) -> None:
    books = spree(Parameters(), 40)["books"]
    debt_per_user = -books["cash"] / (books["users_home"] + books["users_overseas"])
    assert debt_per_user > 1.0, "the plan does not borrow any more: adapt the test"
    short, ample = (Parameters(credit_floor=0.0, credit_per_user=debt_per_user * factor) for factor in (0.95, 1.1))
    bankrupt = spree(short, horizon)
    assert bankrupt["books"]["bankrupt"] == 1.0
    assert bankrupt["reward_terms"]["closing_term"] == 0.0
    alive = spree(ample, 21)
    assert alive["books"]["bankrupt"] == 0.0
    assert alive["reward_terms"]["closing_term"] > 0.1, "a little more credit, and it would have been worth something"


def test_bankruptcy_in_the_closing_month_is_bankruptcy() -> None:
    world = neutral_world(Parameters(**FAILING), 24)
    months = len(play(EcosystemEnv(horizon=24), "steady", world))
    assert months < 24
    closings: tuple[Any, ...] = ("own_levers", "playbook", "none")
    for closing in closings:
        last = play(EcosystemEnv(horizon=months, closing=closing), "steady", world)[-1]
        assert last[1:3] == (True, False)
        assert last[3]["books"]["bankrupt"] == 1.0
        assert last[3]["reward_terms"]["closing_term"] == 0.0


def test_without_a_closing_value_the_horizon_truncates() -> None:
    months = play(EcosystemEnv(horizon=30, closing="none"), "steady", 3)
    assert len(months) == 30
    assert months[-1][1:3] == (False, True)
    assert all(info["reward_terms"]["closing_term"] == 0.0 for *_, info in months)
    with_closing = play(EcosystemEnv(horizon=30), "steady", 3)
    assert [reward for reward, *_ in months[:-1]] == [reward for reward, *_ in with_closing[:-1]]
    terms, others = months[-1][3]["reward_terms"], with_closing[-1][3]["reward_terms"]
    assert terms["profit_term"] == others["profit_term"]
    assert others["closing_term"] > 0.0


MONTHS_RUN, MONTHS_CLOSING = 40, 60


def last_month_shocked(name: str, number: float, constants: Parameters) -> World:
    """A calm world in which one shock is there in the closing month (and a few before)."""
    world = neutral_world(constants, horizon=MONTHS_RUN)
    shocks = world.shocks[name]
    (shocks[:, SEAT] if shocks.ndim > 1 else shocks)[MONTHS_RUN - 5 :] = number  # of the seat alone, where firms differ
    return world


def continued(world: World, stays: bool, name: str) -> World:
    """The same world, run on for the months behind the horizon."""
    longer = neutral_world(horizon=MONTHS_RUN + MONTHS_CLOSING)
    shocks = np.array(longer.shocks, SHOCKS)
    shocks[:MONTHS_RUN] = world.shocks
    if stays:
        shocks[name][MONTHS_RUN:] = world.shocks[name][-1]
    return World(world.family, world.key, world.economy, shocks)


@pytest.mark.parametrize(("rule", "exact"), [("own_levers", 1e-9), ("playbook", 1e-5)])  # a book by its float32 action
@pytest.mark.parametrize("paid", [0.0, 0.6])
@pytest.mark.parametrize(
    ("name", "number", "stays"),
    [
        ("demand", 0.0, False),
        ("demand", -0.2, False),
        ("component", 0.1, False),
        ("aggression", 4.0, False),
        ("supply", 0.7, False),
        ("hit", 2.0, False),
        ("brand", -0.4, False),
        ("services", 0.5, True),
        ("attack", 0.1, True),
        ("clone", 1.0, True),
    ],
)
def test_the_closing_value_is_what_sixty_calm_months_under_the_rule_would_pay(
    name: str, number: float, stays: bool, paid: float, rule: Any, exact: float
) -> None:
    world = last_month_shocked(name, number, Parameters(stock_paid=paid))
    got = play(EcosystemEnv(horizon=MONTHS_RUN, closing=rule), "steady", world)[-1][3]["reward_terms"]["closing_term"]
    env = EcosystemEnv(horizon=MONTHS_RUN + MONTHS_CLOSING, closing="none")
    env.reset(options={"world": continued(world, stays, name)})
    for _ in range(MONTHS_RUN):
        env.step(GOOD)
    assert env.closing_value(rule) == pytest.approx(10.0 * got, rel=1e-12)
    book = action_of(CLOSING.markup, CLOSING.accessories, CLOSING.marketing, CLOSING.updates)
    played = GOOD if rule == "own_levers" else book
    worth = 0.0
    for month in range(1, MONTHS_CLOSING + 1):
        _, reward, terminated, _, info = env.step(played)
        assert not terminated
        worth += GAMMA**month * float(reward)
    worth += GAMMA**MONTHS_CLOSING * run_off(env, number if name == "services" and stays else 1.0)
    if rule == "playbook":
        assert info["levers"]["asked"]["updates"] == pytest.approx(CLOSING.updates, rel=1e-6)
    assert got > 0.1
    assert got == pytest.approx(worth, rel=exact)


def test_a_war_without_attack_ends_behind_the_horizon_and_one_with_it_goes_on_as_it_was() -> None:
    worth = {}
    for attack, aggression in ((0.0, 1.0), (0.0, 4.0), (0.1, 1.0), (0.1, 4.0)):
        world = neutral_world(horizon=MONTHS_RUN)
        world.shocks["attack"][-1], world.shocks["aggression"][-1] = attack, aggression
        env = EcosystemEnv(horizon=MONTHS_RUN)  # it has run a calm month: the state is the same in all four
        env.reset(options={"world": neutral_world(horizon=MONTHS_RUN)})
        for _ in range(MONTHS_RUN):
            env.step(GOOD)
        env._batch.shocks[0, -1] = world.shocks[-1]
        worth[attack, aggression] = env.closing_value("own_levers")
    assert worth[0.0, 4.0] == worth[0.0, 1.0]
    assert worth[0.1, 4.0] < worth[0.1, 1.0] < worth[0.0, 1.0]


def test_the_closing_playbook_is_written_into_every_world() -> None:
    for family in FAMILIES.values():
        if family.name == "one_state":
            continue  # whatever costs without earning is switched off there
        economy = family.draw(1, 1).economy
        for name in ("markup", "accessories", "marketing", "updates"):
            assert economy[f"play_{name}"][CLOSING_BOOK] == getattr(CLOSING, name)
        assert economy["play_reaction"][CLOSING_BOOK] == 0.0


def test_gamma_is_ten_percent_a_year() -> None:
    assert pytest.approx(1 / 1.10, rel=1e-14) == GAMMA**12


def test_computing_a_closing_value_leaves_the_firm_as_it_was() -> None:
    with_closing, without = EcosystemEnv(horizon=20), EcosystemEnv(horizon=20, closing="none")
    for env in (with_closing, without):
        play(env, "random", 2)
    ours, theirs = with_closing.get_state(), without.get_state()
    assert ours["states"].tobytes() == theirs["states"].tobytes()
    np.testing.assert_array_equal(ours["observations"], theirs["observations"])
