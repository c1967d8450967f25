from __future__ import annotations

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
import pytest
from tests.messages import naming

from thinmargin import MONTHLY_DISCOUNT
from thinmargin.baselines import RandomPolicy, baseline
from thinmargin.observation import FEATURE_COUNT
from thinmargin_agents.play.errors import PolicyError
from thinmargin_agents.play.outcome import YEARLY, Outcome
from thinmargin_agents.play.rollout import play_worlds
from thinmargin_agents.play.time_limit import Clock

KEYS = range(1_000_000, 1_000_006)
WEIGHTS = np.random.default_rng(0).normal(scale=0.4, size=(FEATURE_COUNT, 4))
Answer = Callable[[npt.NDArray[Any], int], Any]


@dataclass
class Scripted:
    """Answers `answer(observations, month)`; its recurrent state is the month."""

    answer: Answer
    starts: list[list[bool]] = field(default_factory=list)
    states: list[Any] = field(default_factory=list)

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = True
    ) -> tuple[Any, Any]:
        assert deterministic
        self.starts.append(episode_start.tolist())
        self.states.append(state)
        month = 0 if state is None else state
        return self.answer(observation, month), month + 1


def wiggle(observation: npt.NDArray[Any], month: int) -> npt.NDArray[Any]:
    """An action that depends on what is seen and when."""
    return np.asarray(1.2 * np.tanh(observation @ WEIGHTS + 0.1 * np.sin(month)))


def sell_below_cost(observation: npt.NDArray[Any], _: int) -> npt.NDArray[Any]:
    return np.full((*observation.shape[:-1], 4), -1.0)


def step_by_step(
    env_id: str, answer: Answer, key: int, **kwargs: Any
) -> tuple[list[float], list[dict[str, Any]], bool]:
    """Rewards and infos of one episode of the registered environment, and whether it truncated."""
    env = gymnasium.make(env_id, **kwargs)
    observation, _ = env.reset(options={"world": key})
    rewards: list[float] = []
    infos: list[dict[str, Any]] = []
    done = truncated = False
    while not done:
        observation, reward, terminated, truncated, info = env.step(answer(observation[None], len(rewards))[0])
        rewards.append(float(reward))
        infos.append(info)
        done = terminated or truncated
    env.close()
    return rewards, infos, truncated


def assert_same(a: Outcome, b: Outcome) -> None:
    for name in ("value", "profit_part", "closing_part", "bankrupt", "months", "keys"):
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=1e-9)
    for name in YEARLY:
        np.testing.assert_allclose(a.yearly[name], b.yearly[name], rtol=1e-9)
    assert a.saturation == b.saturation


def test_two_months_by_hand() -> None:
    def middle(seen: Any, _: int) -> Any:
        return np.zeros((len(seen), 4))

    rewards, infos, _ = step_by_step("ThinMargin/Ecosystem-v1", middle, KEYS[1], horizon=2)
    outcome = play_worlds(Scripted(middle), KEYS[1:2], horizon=2)
    assert outcome.value[0] == pytest.approx(10.0 * (rewards[0] + 1.10 ** (-1 / 12) * rewards[1]))
    closing = infos[1]["reward_terms"]["closing_term"]
    assert closing > 0.0
    assert outcome.closing_part[0] == pytest.approx(10.0 * 1.10 ** (-1 / 12) * closing)
    assert outcome.months.tolist() == [2]


@pytest.mark.parametrize(
    ("env_id", "arguments", "answer"),
    [
        ("ThinMargin/Ecosystem-v1", {}, wiggle),
        ("ThinMargin/Ecosystem-v1", {}, sell_below_cost),
        ("ThinMargin/EcosystemContinuing-v1", {"closing": "none"}, wiggle),
        ("ThinMargin/PriceWar-v1", {"worlds": "price_war"}, wiggle),
        (
            "ThinMargin/EcosystemDiscrete-v1",
            {"discrete": True},
            lambda seen, month: (100.0 * np.abs(seen[:, 5]) + month).astype(int) % 288,
        ),
    ],
)
def test_outcome_is_what_stepping_the_environment_gives(env_id: str, arguments: dict[str, Any], answer: Answer) -> None:
    horizon = 40
    outcome = play_worlds(Scripted(answer), KEYS, horizon=horizon, **arguments)
    for row, key in enumerate(KEYS):
        rewards, infos, truncated = step_by_step(env_id, answer, key, horizon=horizon)
        discounts = 10.0 * MONTHLY_DISCOUNT ** np.arange(len(rewards))
        parts = {
            term: discounts @ [info["reward_terms"][f"{term}_term"] for info in infos] for term in ("profit", "closing")
        }
        assert outcome.value[row] == pytest.approx(discounts @ rewards)
        assert outcome.profit_part[row] == pytest.approx(parts["profit"])
        assert outcome.closing_part[row] == pytest.approx(parts["closing"])
        assert outcome.months[row] == len(rewards)
        assert outcome.bankrupt[row] == bool(infos[-1]["books"]["bankrupt"])
        assert truncated == (arguments.get("closing") == "none" and not outcome.bankrupt[row])
        for year in range(4):
            books = infos[12 * year : 12 * year + 12]
            for name in ("users_home", "services_revenue", "cash", "share_overseas", "applied_price"):
                values = [
                    info["levers"]["applied"]["price"] if name == "applied_price" else info["books"][name]
                    for info in books
                ]
                expected = np.mean(values) if values else np.nan
                assert outcome.yearly[name][year, row] == pytest.approx(expected, nan_ok=True)
    assert outcome.keys.tolist() == list(KEYS)


def test_a_world_that_ended_is_not_counted_again() -> None:
    settled: list[int] = []
    outcome = play_worlds(Scripted(sell_below_cost), KEYS, progress=settled.append)
    assert outcome.bankrupt.all()
    assert outcome.months.max() < 60
    assert not outcome.closing_part.any()
    assert np.isnan(outcome.yearly["profit"][outcome.months.max() // 12 + 1 :]).all()
    assert sum(settled) == len(KEYS) * 180
    assert len(settled) == outcome.months.max()  # nothing is played once all have ended


def test_what_is_answered_for_an_ended_world_is_ignored() -> None:
    def answer(observation: npt.NDArray[Any], month: int) -> npt.NDArray[Any]:
        actions = np.tile(baseline("premium").predict(observation[:1])[0], (len(observation), 1))
        actions[0] = -1.0 if month < 40 else np.nan
        return actions

    together = play_worlds(Scripted(answer), KEYS[:3], horizon=60)
    alone = play_worlds(baseline("premium"), KEYS[1:3], horizon=60)
    assert together.bankrupt.tolist() == [True, False, False]
    assert together.months[0] < 40
    np.testing.assert_array_equal(together.value[1:], alone.value)
    assert together.closing_part[1] > 0.0


def test_the_last_observation_of_an_ended_world_is_kept() -> None:
    seen: list[npt.NDArray[Any]] = []

    def answer(observation: npt.NDArray[Any], _: int) -> npt.NDArray[Any]:
        seen.append(observation)
        return np.where([[True], [False]], -1.0, baseline("premium").predict(observation)[0])

    outcome = play_worlds(Scripted(answer), KEYS[:2], horizon=48)
    end = outcome.months[0]
    assert end < 40
    for later in seen[end:]:
        np.testing.assert_array_equal(later[0], seen[end][0])
    assert seen[end][0, 0] == pytest.approx(end / 48)
    assert not np.array_equal(seen[0], seen[1])  # what a policy was shown stays as it was


@pytest.mark.parametrize("batch_size", [1, 4, 6, 100])
def test_batches_change_nothing(batch_size: int) -> None:
    settled: list[int] = []
    whole = play_worlds(Scripted(wiggle), KEYS, horizon=24)
    assert_same(whole, play_worlds(Scripted(wiggle), KEYS, horizon=24, batch_size=batch_size, progress=settled.append))
    assert sum(settled) == len(KEYS) * 24


def test_state_is_handed_through_and_episodes_start_once() -> None:
    policy = Scripted(wiggle)
    play_worlds(policy, KEYS, horizon=3, batch_size=4)
    assert policy.states == [None, 1, 2, None, 1, 2]
    assert policy.starts == [[True] * 4, [False] * 4, [False] * 4, [True] * 2, [False] * 2, [False] * 2]


def test_a_policy_may_write_into_what_it_is_shown() -> None:
    def answer(observation: npt.NDArray[Any], month: int) -> npt.NDArray[Any]:
        actions = wiggle(observation, month)
        observation[:] = np.nan
        return actions

    assert_same(play_worlds(Scripted(wiggle), KEYS, horizon=6), play_worlds(Scripted(answer), KEYS, horizon=6))


def test_the_seed_is_the_policys() -> None:
    policy = RandomPolicy()
    first = play_worlds(policy, KEYS, horizon=6, seed=1)
    assert_same(first, play_worlds(policy, KEYS, horizon=6, seed=1))
    assert not np.array_equal(first.value, play_worlds(policy, KEYS, horizon=6, seed=2).value)


def test_saturation_is_of_what_was_asked() -> None:
    def answer(observation: npt.NDArray[Any], month: int) -> npt.NDArray[Any]:
        return np.tile([0.98, -0.995, 5.0 if month < 2 else 0.0, 0.99 if month == 0 else -0.2], (len(observation), 1))

    saturation = play_worlds(Scripted(answer), KEYS, horizon=8).saturation
    assert saturation == {"price": 0.0, "accessories": 1.0, "marketing": 0.25, "updates": 0.125}


def rows(action: Any) -> Answer:
    return lambda observation, month: (
        np.tile(action, (len(observation), 1)) if month == 2 else wiggle(observation, month)
    )


def choices(index: Any) -> Answer:
    return lambda observation, month: np.full(len(observation), index if month == 2 else 0)


def fails(observation: npt.NDArray[Any], month: int) -> Any:
    if month == 2:
        raise KeyError("lost")
    return wiggle(observation, month)


@pytest.mark.parametrize(
    ("answer", "discrete", "parts"),
    [
        (rows([0.0, np.nan, 0.0, 0.0]), False, ("world 1000000", "nan", "four finite numbers")),
        (rows([0.0, 0.0, 0.0, np.inf]), False, ("inf", "four finite numbers")),
        (rows([0.0, 0.0, 0.0]), False, ("shape (6, 3)", "shape (6, 4)")),
        (rows(["low", "low", "low", "low"]), False, ("type str", "real numbers")),
        (fails, False, ("predict", "KeyError")),
        (choices(288), True, ("world 1000000", "288", "whole number", "0 to 287")),
        (choices(-1), True, ("-1", "0 to 287")),
        (lambda seen, month: np.zeros(len(seen), float if month == 2 else int), True, ("float64", "whole number")),
        (lambda seen, month: [[1], [1, 2]] if month == 2 else wiggle(seen, month), False, ("real numbers",)),
    ],
)
def test_a_bad_answer_names_policy_month_and_what_is_allowed(
    answer: Answer, discrete: bool, parts: tuple[str, ...]
) -> None:
    with pytest.raises(PolicyError, match=naming("'mine'", "month 2", *parts)):
        play_worlds(Scripted(answer), KEYS, horizon=4, discrete=discrete, name="mine")


def test_an_answer_without_state_is_refused() -> None:
    bare: Any = SimpleNamespace(predict=lambda seen, **_: np.zeros((len(seen), 4)))
    with pytest.raises(PolicyError, match=naming("'mine'", "month 0", "ndarray", "(actions, state)")):
        play_worlds(bare, KEYS, horizon=1, name="mine")


def test_a_policy_that_ends_the_program_only_fails() -> None:
    def leave(*_: Any) -> Any:
        raise SystemExit(3)

    with pytest.raises(PolicyError, match="policy 'mine', month 0: predict raised SystemExit: 3"):
        play_worlds(Scripted(leave), KEYS, horizon=4, name="mine")


class Mute(BaseException):
    def __str__(self) -> str:
        raise RuntimeError("not even this")


class Leaving:
    def __array__(self, *_: Any, **__: Any) -> Any:
        raise SystemExit(3)


def test_an_error_that_cannot_say_what_it_is_and_an_answer_that_leaves_only_fail() -> None:
    def shout(*_: Any) -> Any:
        raise Mute

    with pytest.raises(PolicyError, match=naming("month 0", "Mute")):
        play_worlds(Scripted(shout), KEYS, horizon=4, name="mine")
    with pytest.raises(PolicyError, match=naming("month 0", "Leaving", "real numbers")):
        play_worlds(Scripted(lambda *_: Leaving()), KEYS, horizon=4, name="mine")


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no interval timers here")
def test_a_policy_that_never_answers_runs_out_of_time() -> None:
    def ponder(seen: Any, month: int) -> Any:
        while month == 2:
            time.sleep(0.01)
        return wiggle(seen, month)

    play_worlds(Scripted(wiggle), KEYS, horizon=1)  # the compiler's time is not the policy's
    words = naming("'mine'", "month", "time limit", "0.5 seconds")
    with pytest.raises(PolicyError, match=words), Clock(0.5) as clock:
        play_worlds(Scripted(ponder), KEYS, horizon=4, name="mine", clock=clock)


def test_a_reset_that_never_ends_runs_out_of_time() -> None:
    class Dreamer(RandomPolicy):
        def reset(self, seed: int = 0) -> None:
            time.sleep(0.01 * seed)

    words = naming("'Dreamer'", "reset(seed)", "time limit")
    with pytest.raises(PolicyError, match=words), Clock(0.01) as clock:
        play_worlds(Dreamer(), KEYS, horizon=4, seed=5, clock=clock)


def test_a_reset_that_fails_is_the_policys_failure() -> None:
    class Broken(RandomPolicy):
        def reset(self, seed: int = 0) -> None:
            if seed == 7:
                raise ValueError("not seven")
            super().reset(seed)

    with pytest.raises(PolicyError, match=r"'Broken': reset\(seed\) raised ValueError: not seven"):
        play_worlds(Broken(), KEYS, horizon=1, seed=7)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"keys": []}, "keys is empty"),
        ({"keys": [-1]}, "world key is -1"),
        ({"keys": KEYS, "batch_size": 0}, "batch_size is 0"),
        ({"keys": KEYS, "worlds": "mars"}, "worlds is 'mars'"),
        ({"keys": KEYS, "horizon": 0}, "horizon is 0"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        play_worlds(Scripted(wiggle), **arguments)
