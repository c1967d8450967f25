"""What a firm is worth, asked in any month: the closing term of the reward, and nothing changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.error import ResetNeeded

from thinmargin.discounting import MONTHLY_DISCOUNT
from thinmargin.economics.finance import run_off_value
from thinmargin.env import EcosystemEnv
from thinmargin.levers import action_of
from thinmargin.records import ACCESSORIES, MARKETING, PRICE, SEAT, UPDATES
from thinmargin.scenarios import FAMILIES
from thinmargin.simulation import CLOSING_MONTHS, CLOSING_RULES
from thinmargin.vector import EcosystemVectorEnv
from thinmargin.worlds import World, neutral_world

RULES: tuple[Any, ...] = ("own_levers", "playbook")
STEADY = action_of(0.08, 0.012, 0.06, 3.0)
BANKRUPT_SOON = {"fixed_cost": 1000.0}
BN_A_REWARD = 10.0
"""RMB bn in a reward of one."""


def actions(months: int, count: int = 1) -> np.ndarray:
    """Play that keeps most firms alive, with levers that move: shape (months, count, 4)."""
    noise = np.random.default_rng(0).uniform(-0.15, 0.15, (months, count, 4))
    return np.clip(STEADY + noise, -1.0, 1.0)


def played(env: EcosystemEnv, months: int, world: World | int = 5) -> EcosystemEnv:
    env.reset(options={"world": world})
    for action in actions(months):
        env.step(action[0])
    return env


def test_the_rules_are_those_of_the_closing_argument() -> None:
    for rule in CLOSING_RULES:
        assert EcosystemEnv(closing=rule).settings.closing == rule  # type: ignore[arg-type]  # of a literal


def test_a_firm_is_priced_in_any_month_and_through_make() -> None:
    env: Any = gymnasium.make("thinmargin:ThinMargin/Ecosystem-v1")
    env.reset(seed=3)
    worth = []
    for action in actions(60):
        env.step(action[0])
        worth.append([env.unwrapped.closing_value(rule) for rule in RULES])
    env.close()
    assert np.isfinite(worth).all()
    assert (np.array(worth) >= 0.0).all()
    assert np.ptp(worth, axis=0).min() > 1.0
    assert (np.array(worth)[:, 0] != np.array(worth)[:, 1]).any()


@pytest.mark.parametrize("rule", RULES)
def test_at_the_horizon_it_is_what_the_reward_pays(rule: Any) -> None:
    for horizon in (1, 7, 12, 40):
        paying = EcosystemEnv(horizon=horizon, closing=rule)
        paying.reset(options={"world": 5})
        for action in actions(horizon):
            *_, info = paying.step(action[0])
        paid = info["reward_terms"]["closing_term"] * BN_A_REWARD
        assert paying.closing_value(rule) == pytest.approx(paid, rel=1e-14)  # of the episode that has just ended
        for closing in CLOSING_RULES:
            other = played(EcosystemEnv(horizon=horizon, closing=closing), horizon)  # type: ignore[arg-type]  # a literal
            assert other.closing_value(rule) == paying.closing_value(rule), "whatever the reward pays"
        assert played(EcosystemEnv(horizon=horizon + 20), horizon).closing_value(rule) == paying.closing_value(rule)


def test_the_rule_that_pays_nothing_is_worth_nothing() -> None:
    assert played(EcosystemEnv(), 3).closing_value("none") == 0.0


@pytest.mark.parametrize("rule", RULES)
def test_a_bankrupt_firm_is_priced_as_if_it_went_on_but_its_reward_pays_nothing(rule: Any) -> None:
    env = EcosystemEnv(closing=rule, parameters=BANKRUPT_SOON)
    env.reset(options={"world": 5})
    terminated = False
    while not terminated:
        _, _, terminated, _, info = env.step(STEADY)
    assert info["books"]["bankrupt"] == 1.0
    assert info["reward_terms"]["closing_term"] == 0.0
    assert env.closing_value(rule) >= 0.0


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("months", [1, 5, 11, 12, 13, 30])
def test_the_mean_is_over_the_last_twelve_months_or_over_those_that_were_run(rule: Any, months: int) -> None:
    """A firm that goes on with the mean of its levers, or with the playbook, earns what it is said to be worth."""
    world = neutral_world(horizon=months + CLOSING_MONTHS)
    env = EcosystemEnv(horizon=months + CLOSING_MONTHS, closing="none")
    env.reset(options={"world": world})
    applied = [list(env.step(action[0])[4]["levers"]["applied"].values()) for action in actions(months)]
    worth = env.closing_value(rule)
    book = [world.economy[f"play_{name}"][-1] for name in ("markup", "accessories", "marketing", "updates")]
    levers = np.mean(applied[-12:], axis=0) if rule == "own_levers" else book
    total = 0.0
    for month in range(1, CLOSING_MONTHS + 1):
        _, reward, terminated, _, _ = env.step(action_of(*levers))
        assert not terminated
        total += MONTHLY_DISCOUNT**month * float(reward)
    # What is left is the run-off value, that of a firm closed then: no less than nothing, and not most of it.
    run_off = (worth - BN_A_REWARD * total) / MONTHLY_DISCOUNT**CLOSING_MONTHS
    assert run_off >= -1e-4 * worth
    state, economy = env._batch.states[0], env._batch.economies[0]
    assert worth > 0.5
    assert run_off == pytest.approx(run_off_value(state, economy, SEAT, 1.0) / 1e3, abs=2e-5 * worth)


def test_the_observation_shows_the_mean_levers_that_would_go_on() -> None:
    env = EcosystemEnv()
    env.reset(seed=0)
    applied = []
    for action in actions(30):
        observation, *_, info = env.step(action[0])
        applied.append(list(info["levers"]["applied"].values()))
        mean = np.mean(applied[-12:], axis=0)
        shown = mean * [2.0, 10.0, 1.0 / 0.3, 1.0 / 8.0]
        np.testing.assert_allclose(observation[28:32], shown, rtol=1e-6)
    assert [PRICE, ACCESSORIES, MARKETING, UPDATES] == [0, 1, 2, 3]


def test_asking_changes_nothing(bits: Callable[[Any], Any]) -> None:
    asked, silent = EcosystemEnv(horizon=40, reward="shaped"), EcosystemEnv(horizon=40, reward="shaped")
    for env in (asked, silent):
        env.reset(seed=1)
    for action in actions(40):
        assert bits(asked.step(action[0])) == bits(silent.step(action[0]))
        before = asked.get_state()
        for rule in CLOSING_RULES:
            asked.closing_value(rule)  # type: ignore[arg-type]  # a literal
        after = asked.get_state()
        for name, array in before.items():
            if isinstance(array, np.ndarray):
                assert array.tobytes() == after[name].tobytes(), name
        assert before["generator"] == after["generator"]
    assert bits(asked.get_state()) == bits(silent.get_state())
    assert bits(asked.reset()) == bits(silent.reset())


def test_asking_many_changes_nothing_and_each_is_priced_as_if_alone(bits: Callable[[Any], Any]) -> None:
    asked, silent = (EcosystemVectorEnv(5, horizon=30, reward="shaped") for _ in range(2))
    alone = [EcosystemEnv(horizon=30, reward="shaped") for _ in range(5)]
    keys = asked.reset(seed=3)[1]["world"]
    silent.reset(seed=3)
    for row, env in enumerate(alone):
        env.reset(options={"world": int(keys[row])})
    for month, action in enumerate(actions(29, 5)):
        assert bits(asked.step(action)) == bits(silent.step(action))
        for row, env in enumerate(alone):
            env.step(action[row])
        if month % 7 == 0:
            before = bits(asked.get_state())
            for rule in RULES:
                values = asked.closing_values(rule)
                assert values.shape == (5,)
                assert values.tolist() == [env.closing_value(rule) for env in alone]
            assert (asked.closing_values("none") == 0.0).all()
            assert bits(asked.get_state()) == before
    assert bits(asked.step(actions(30, 5)[-1])) == bits(silent.step(actions(30, 5)[-1]))  # the step that ends all


def test_an_environment_that_has_just_begun_anew_has_no_price_yet() -> None:
    envs = EcosystemVectorEnv(3, horizon=4)
    envs.reset(seed=0)
    assert np.isnan(envs.closing_values("own_levers")).all()
    for _ in range(3):
        envs.step(np.tile(STEADY, (3, 1)))
    assert np.isfinite(envs.closing_values("own_levers")).all()
    envs.step(np.tile(STEADY, (3, 1)))  # ends them, and begins the next
    assert np.isnan(envs.closing_values("own_levers")).all()
    envs.step(np.tile(STEADY, (3, 1)))
    assert np.isfinite(envs.closing_values("playbook")).all()


def test_handed_out_buffers_stay_as_they_are() -> None:
    envs = EcosystemVectorEnv(3, copy=False)
    envs.reset(seed=0)
    observations, _, _, _, infos = envs.step(np.tile(STEADY, (3, 1)))
    before = observations.tobytes(), infos["books"].tobytes()
    envs.closing_values("own_levers")
    assert (observations.tobytes(), infos["books"].tobytes()) == before


@pytest.mark.parametrize("family", [name for name in FAMILIES if name != "one_state"])
@pytest.mark.parametrize("rule", RULES)
def test_a_world_of_a_key_is_priced_as_the_same_world_handed_in_and_as_its_reward(family: str, rule: Any) -> None:
    """In months before and behind the event of a scenario, which stays where it was for good."""
    horizon = 100
    drawn, tabled = (EcosystemEnv(family, horizon=horizon, closing=rule) for _ in range(2))
    drawn.reset(options={"world": 17})
    tabled.reset(options={"world": FAMILIES[family].draw(17, horizon)})
    vector = EcosystemVectorEnv(2, family, horizon=horizon, closing=rule)
    vector.reset(options={"world": [17, FAMILIES[family].draw(17, horizon)]})
    for month, action in enumerate(actions(horizon), start=1):
        *_, info = drawn.step(action[0])
        tabled.step(action[0])
        if month < horizon:
            vector.step(np.repeat(action, 2, axis=0))
            if month % 9 == 0:
                worth = drawn.closing_value(rule)
                assert tabled.closing_value(rule) == worth
                assert vector.closing_values(rule).tolist() == [worth, worth]
    assert info["books"]["month"] == horizon
    paid = info["reward_terms"]["closing_term"] * BN_A_REWARD
    assert drawn.closing_value(rule) == tabled.closing_value(rule) == pytest.approx(paid, rel=1e-14)


def test_the_law_of_a_clampdown_is_in_the_price_from_its_month_on_and_not_before() -> None:
    worth = {}
    for family in ("benchmark", "services_clampdown"):
        env = EcosystemEnv(family)
        env.reset(options={"world": 17})
        worth[family] = []
        for action in actions(100):
            env.step(action[0])
            worth[family].append(env.closing_value("own_levers"))
    begins = int(env.get_state()["sources"]["start"][0])
    assert 48 <= begins <= 96
    assert worth["benchmark"][:begins] == worth["services_clampdown"][:begins]
    assert worth["services_clampdown"][begins] < 0.95 * worth["benchmark"][begins]


def test_a_restored_firm_is_worth_what_it_was() -> None:
    env = played(EcosystemEnv(), 30)
    saved, worth = env.get_state(), [env.closing_value(rule) for rule in RULES]
    for action in actions(10):
        env.step(action[0])
    other = EcosystemEnv()
    for back in (env, other):
        back.set_state(saved)
        assert [back.closing_value(rule) for rule in RULES] == worth


@pytest.mark.parametrize("rule", ["own", "Playbook", "", None, True, 1, ["none"]])
def test_an_unknown_rule_is_refused_by_name_and_changes_nothing(rule: Any, bits: Callable[[Any], Any]) -> None:
    env = played(EcosystemEnv(), 2)
    envs = EcosystemVectorEnv(2)
    envs.reset(seed=0)
    before = bits(env.get_state())
    for ask in (env.closing_value, envs.closing_values):
        with pytest.raises(ValueError, match="rule") as error:
            ask(rule)
        assert all(word in str(error.value) for word in (repr(rule), "own_levers", "playbook", "none"))
    assert bits(env.get_state()) == before


def test_without_a_month_there_is_no_price() -> None:
    env, envs = EcosystemEnv(), EcosystemVectorEnv(2)
    for ask in (env.closing_value, envs.closing_values):
        with pytest.raises(ResetNeeded, match="reset"):
            ask("own_levers")
    env.reset(seed=0)
    with pytest.raises(ResetNeeded, match="step"):
        env.closing_value("own_levers")
    env.step(STEADY)
    assert env.closing_value("own_levers") >= 0.0
    env.reset()
    with pytest.raises(ResetNeeded, match="step"):
        env.closing_value("own_levers")
