"""Sums of a statement and a picture say how many months they hold; J is the one that policies are judged by."""

from __future__ import annotations

import re
from collections.abc import Callable

import gymnasium as gym
import numpy as np
import pytest

from thinmargin import dashboard
from thinmargin.baselines import baseline
from thinmargin.env import EcosystemEnv
from thinmargin.levers import action_of
from thinmargin.splits import KEYS
from thinmargin.statement import last_year, month_table, value_of
from thinmargin.vector import EcosystemVectorEnv
from thinmargin_agents.play.rollout import play_worlds

STEADY = action_of(0.10, 0.012, 0.05, 3.0)
GIVING_AWAY = np.full(4, -1.0, np.float32)


def environment(months: int, action: np.ndarray = STEADY, **settings: object) -> EcosystemEnv:
    """After so many months with steady levers."""
    env = EcosystemEnv(**{"worlds": "calibrated", "render_mode": "ansi", **settings})  # type: ignore[arg-type]
    env.reset(seed=0)
    for _ in range(months):
        env.step(action)
    return env


def summed_months(text: str) -> int:
    """How many months the second column of a statement says it sums."""
    found = re.search(r"^RMB m +month +(\d+) months? ", text, re.MULTILINE)
    assert found, text
    return int(found[1])


def revenue(text: str) -> list[float]:
    """Revenue of the month and of the second column."""
    found = re.search(r"^REVENUE +([\d,.]+) +([\d,.]+)", text, re.MULTILINE)
    assert found, text
    return [float(number.replace(",", "")) for number in found.groups()]


def title(env: EcosystemEnv) -> str:
    return dashboard.value_words(month_table(env._history))


def figures(env: EcosystemEnv) -> dict[str, str]:
    table = month_table(env._history)
    return dict(dashboard.headline_figures(table[-1], last_year(table)))


@pytest.mark.parametrize("months", [0, 1, 5, 12, 13])
def test_a_statement_says_how_many_months_it_sums(months: int) -> None:
    assert summed_months(environment(months).render()) == min(months, 12)


@pytest.mark.parametrize("more", [0, 1, 11, 14])
def test_a_restored_environment_sums_the_months_since_and_says_so(more: int) -> None:
    env = environment(30)
    env.set_state(env.get_state())
    for _ in range(more):
        env.step(STEADY)
    text, known = env.render(), min(more + 1, 12)
    assert summed_months(text) == known
    earned = [report["revenue"] for report in env._history[-known:]]
    assert revenue(text) == pytest.approx([earned[-1], sum(earned)], abs=0.06)


def test_a_restored_batch_says_so_too() -> None:
    envs = EcosystemVectorEnv(2, worlds="calibrated", render_mode="ansi")
    envs.reset(seed=0)
    for _ in range(14):
        envs.step(np.stack([STEADY, GIVING_AWAY]))
    assert [summed_months(text) for text in envs.render() or ()] == [12, 12]
    envs.set_state(envs.get_state())
    assert [summed_months(text) for text in envs.render() or ()] == [1, 1]


@pytest.mark.parametrize(
    ("play", "words"),
    [
        (lambda _: None, "last 12 months"),
        (lambda env: env.set_state(env.get_state()), "one month"),
        (lambda env: [env.set_state(env.get_state()), env.step(STEADY)], "last 2 months"),
        (lambda env: env.reset(seed=1), "no month yet"),
        (lambda env: [env.reset(seed=1), *(env.step(STEADY) for _ in range(5))], "last 5 months"),
    ],
    ids=["played", "restored", "restored and played on", "reset in the middle", "reset and played on"],
)
def test_sums_of_a_picture_say_how_many_months_they_hold(play: Callable[[EcosystemEnv], object], words: str) -> None:
    env = environment(30)
    play(env)
    shown = figures(env)
    known = [report for report in env._history[-12:] if report["month"] > 0]
    for name, digits in (("revenue", 1), ("profit", 2)):
        said = f"RMB {sum(report[name] for report in known) / 1e3:,.{digits}f} bn" if known else "-"
        assert shown[f"{name}, {words}"] == said
    devices = sum(report["device_revenue"] for report in known)
    margin = sum(report["device_revenue"] * report["hardware_net_margin"] for report in known) / max(devices, 1e-9)
    assert shown[f"hardware net margin, {words}"] == (f"{100 * margin:.1f} %" if known else "-")


@pytest.mark.slow
def test_one_known_month_is_drawn_in_every_panel() -> None:
    env = environment(30, render_mode="rgb_array")
    env.set_state(env.get_state())
    picture = env.render()
    for top, left in ((205, 56), (205, 450)):  # stocks are lines, which one month alone does not make
        panel = picture[top : top + 220, left : left + 320].astype(int)
        assert ((panel.max(axis=2) - panel.min(axis=2)) > 60).any()


@pytest.mark.slow
def test_a_window_is_drawn_anew_when_a_later_state_is_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    plt = pytest.importorskip("matplotlib.pyplot")
    monkeypatch.setenv("MPLBACKEND", "agg")
    plt.switch_backend("agg")
    drawn: list[int] = []
    monkeypatch.setattr(dashboard, "draw_dashboard", lambda _, table: drawn.append(int(table["month"][-1])))
    env = environment(30)
    later = env.get_state()
    env = environment(3, render_mode="human")
    env.set_state(later)
    env.step(STEADY)
    env.close()
    assert drawn == [0, 30]


@pytest.mark.parametrize("settings", [{}, {"reward": "shaped"}, {"closing": "none"}, {"horizon": 40}])
def test_the_value_of_an_episode_is_the_one_policies_are_judged_by(settings: dict[str, object]) -> None:
    key, policy = KEYS["validation"][3], baseline("plan_with_feedback")
    env = EcosystemEnv(render_mode="ansi", **settings)  # type: ignore[arg-type]  # settings of the environment
    observation, _ = env.reset(options={"world": key})
    over = False
    while not over:
        observation, _, terminated, truncated, _ = env.step(policy.predict(observation)[0])
        over = terminated or truncated
    judged = {name: value for name, value in settings.items() if name != "reward"}  # shaping is no part of J
    outcome = play_worlds(policy, [key], **judged)  # type: ignore[arg-type]
    value = value_of(month_table(env._history))
    assert value == pytest.approx((outcome.value[0], outcome.profit_part[0], outcome.closing_part[0]), rel=1e-9)
    assert f"{outcome.value[0]:,.1f}" in title(env)
    assert "discounted" in title(env)
    assert (f"closing value {outcome.closing_part[0]:,.1f}" in title(env)) == (settings.get("closing") != "none")
    statement = env.render()
    assert re.search(rf"^J so far +{outcome.value[0]:,.1f} ", statement, re.MULTILINE)
    assert re.search(rf"^of it closing value +{outcome.closing_part[0]:,.1f} ", statement, re.MULTILINE)


def test_the_value_so_far_is_told_before_the_end() -> None:
    env = environment(30)
    value = value_of(month_table(env._history))
    assert value is not None
    assert value.closing == 0.0
    assert title(env) == f"J so far RMB {value.J:,.1f} bn, discounted"


def test_a_bankrupt_firm_has_its_value_too() -> None:
    env = environment(0)
    terminated = False
    while not terminated:
        *_, terminated, _, _ = env.step(GIVING_AWAY)
    value = value_of(month_table(env._history))
    assert value is not None
    assert title(env).startswith("bankrupt")
    assert f"J so far RMB {value.J:,.1f} bn" in title(env)


def test_after_a_state_no_value_of_the_whole_episode_is_made_up() -> None:
    env = environment(38, horizon=40)
    whole = env.get_state()
    env.step(STEADY), env.step(STEADY)
    closing = value_of(month_table(env._history)).closing  # type: ignore[union-attr]  # all of it is known
    env.set_state(whole)
    assert title(env).startswith("J is not known")
    env.step(STEADY), env.step(STEADY)
    assert "J is not known" in title(env)
    assert f"closing value RMB {closing:,.1f} bn, discounted" in title(env)
    assert re.search(r"^J so far +not known ", env.render(), re.MULTILINE)


@pytest.mark.parametrize("render_mode", ["ansi", "rgb_array"])
def test_a_restored_start_is_a_start(render_mode: str) -> None:
    env = EcosystemEnv(worlds="calibrated", render_mode=render_mode)
    env.reset(seed=0)
    env.set_state(env.get_state())
    env.step(STEADY)
    assert "not known" not in title(env)
    made = gym.make("thinmargin:ThinMargin/EcosystemCalibrated-v1", render_mode=render_mode)
    made.reset(seed=0)
    made.step(STEADY)
    assert title(env) == title(made.unwrapped)  # type: ignore[arg-type]  # it is the same class
