"""What wrappers refuse, and that a refusal changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import FrameStackObservation, NormalizeObservation, RescaleAction
from gymnasium.wrappers.vector import RecordEpisodeStatistics
from tests.environment.wrapping import (
    ENVS,
    WRAPPED,
    Bits,
    alone,
    go_on,
    together,
)

from thinmargin.baselines import RandomPolicy
from thinmargin.env import EcosystemEnv
from thinmargin.vector import EcosystemVectorEnv
from thinmargin.wrappers import (
    History,
    Residual,
    ScaledReward,
    Surprises,
    VectorHistory,
    VectorResidual,
    VectorSurprises,
)

BAD_ACTIONS: dict[str, tuple[Any, type[Exception]]] = {
    "nan": (np.array([0.0, np.nan, 0.0, 0.0]), ValueError),
    "infinity": (np.array([0.0, 0.0, 0.0, -np.inf]), ValueError),
    "three numbers": (np.zeros(3), ValueError),
    "a row": (np.zeros((1, 4)), ValueError),
    "one number": (0.0, ValueError),
    "text": (["a", "b", "c", "d"], TypeError),
    "nothing": (None, TypeError),
}


@pytest.mark.parametrize("bad", list(BAD_ACTIONS))
@pytest.mark.parametrize("name", [name for name in WRAPPED if name != "Residual by number"])
def test_a_bad_action_is_refused_and_changes_nothing(name: str, bad: str, bits: Bits) -> None:
    action, error = BAD_ACTIONS[bad]
    for make, given_action in ((alone, action), (together, [action] * ENVS)):
        env = make(name)
        env.reset(seed=1)
        go_on(env, 3)
        before = bits(env.get_state())
        with pytest.raises(error, match="action") as refused:
            env.step(given_action)
        if bad == "three numbers" and make is alone:
            assert "shape (3,): must be (4,)" in str(refused.value)
        assert bits(env.get_state()) == before


@pytest.mark.parametrize(("action", "error"), [(81, ValueError), (-1, ValueError), (0.5, TypeError), ([3], ValueError)])
def test_a_bad_number_of_a_correction_is_refused_and_changes_nothing(
    action: Any, error: type[Exception], bits: Bits
) -> None:
    for make, given_action in ((alone, action), (together, [action] * ENVS)):
        env = make("Residual by number")
        env.reset(seed=1)
        before = bits(env.get_state())
        with pytest.raises(error, match="action"):
            env.step(given_action)
        assert bits(env.get_state()) == before


@pytest.mark.parametrize("name", list(WRAPPED))
def test_after_the_end_an_environment_asks_for_a_reset(name: str) -> None:
    env = alone(name, horizon=1)
    env.reset(seed=0)
    assert env.step(env.action_space.sample())[2]
    with pytest.raises(ResetNeeded):
        env.step(env.action_space.sample())
    env.reset()
    env.step(env.action_space.sample())


CONSTRUCTION: dict[str, tuple[Callable[[Any], Any], type[Exception], str]] = {
    "unknown base": (lambda env: Residual(env, base="plam"), ValueError, "base is 'plam': allowed are .*plan"),
    "base with dice": (lambda env: Residual(env, base="random"), ValueError, "base is 'random': allowed"),
    "base is a number": (lambda env: Residual(env, base=3), TypeError, "base is 3: .*predict"),  # type: ignore[arg-type]  # wrong on purpose
    "base is a class": (lambda env: Residual(env, base=RandomPolicy), TypeError, "base is .*an object"),  # type: ignore[arg-type]  # as above
    "bound of nothing": (lambda env: Residual(env, bound=0.0), ValueError, "bound is 0.0: allowed .* above 0 to 2"),
    "bound beyond floats": (lambda env: Residual(env, bound=10**400), ValueError, "bound is 10+[.]+: allowed .* to 2"),
    "bound too wide": (lambda env: Residual(env, bound=2.1), ValueError, "bound is 2.1"),
    "bound is nan": (lambda env: Residual(env, bound=float("nan")), ValueError, "bound is nan"),
    "bound is text": (lambda env: Residual(env, bound="1"), ValueError, "bound is '1'"),  # type: ignore[arg-type]  # as above
    "bound is a flag": (lambda env: Residual(env, bound=True), ValueError, "bound is True"),
    "one level": (lambda env: Residual(env, levels=1), ValueError, "levels is 1: allowed are None and 2 to 9"),
    "ten levels": (lambda env: Residual(env, levels=10), ValueError, "levels is 10"),
    "half a level": (lambda env: Residual(env, levels=2.5), ValueError, "levels is 2.5"),  # type: ignore[arg-type]  # as above
    "no lag": (lambda env: History(env, lags=[]), TypeError, r"lags is \[\]"),
    "lags are text": (lambda env: History(env, lags="12"), TypeError, "lags is '12'"),  # type: ignore[arg-type]  # as above
    "lags are one number": (lambda env: History(env, lags=12), TypeError, "lags is 12"),  # type: ignore[arg-type]  # as above
    "lag of nothing": (lambda env: History(env, lags=[0]), ValueError, "lags has 0: allowed .* 1 to 180"),
    "lag too long": (lambda env: History(env, lags=[6, 181]), ValueError, "lags has 181"),
    "lag is a flag": (lambda env: History(env, lags=[True]), ValueError, "lags has True"),
    "lag twice": (lambda env: History(env, lags=[3, 3]), ValueError, "twice"),
    "factor of nothing": (lambda env: ScaledReward(env, factor=0), ValueError, "factor is 0"),
    "factor below nothing": (lambda env: ScaledReward(env, factor=-1.0), ValueError, "factor is -1.0"),
    "corrected twice": (lambda env: Residual(History(Residual(env))), ValueError, "Residual already"),
    "corrected through others": (
        lambda env: Residual(RescaleAction(Residual(env), np.float32(-1.0), np.float32(1.0))),
        ValueError,
        "Residual already",
    ),
    "surprised twice": (lambda env: Surprises(ScaledReward(Surprises(env))), ValueError, "Surprises already"),
    "other actions": (
        lambda env: Residual(RescaleAction(env, np.float32(0.0), np.float32(1.0))),
        ValueError,
        "the action space is .*Residual needs",
    ),
    "normalized observations": (lambda env: Residual(NormalizeObservation(env)), ValueError, "Residual needs"),
    "surprised by normalized ones": (lambda env: Surprises(NormalizeObservation(env)), ValueError, "Surprises needs"),
    "stacked observations": (lambda env: History(FrameStackObservation(env, 2)), ValueError, "the observation space"),
}


@pytest.mark.parametrize("case", list(CONSTRUCTION))
def test_a_wrapper_that_cannot_be_is_refused_with_its_argument(case: str) -> None:
    make, error, words = CONSTRUCTION[case]
    with pytest.raises(error, match=words):
        make(EcosystemEnv())


def test_discrete_environments_take_every_wrapper_but_residual() -> None:
    with pytest.raises(ValueError, match=r"action space is Discrete\(288\): Residual needs Box"):
        Residual(EcosystemEnv(discrete=True))
    with pytest.raises(ValueError, match=r"action space is Discrete\(288\): Residual needs Box"):
        VectorResidual(EcosystemVectorEnv(2, discrete=True))
    env = ScaledReward(History(Surprises(EcosystemEnv(discrete=True))))
    env.reset(seed=0)
    env.step(287)
    with pytest.raises(ValueError, match="action is 288"):
        env.step(288)


def test_a_batch_is_not_corrected_twice() -> None:
    with pytest.raises(ValueError, match="Residual already"):
        VectorResidual(RecordEpisodeStatistics(VectorHistory(VectorResidual(EcosystemVectorEnv(2)))))
    with pytest.raises(ValueError, match="Surprises already"):
        VectorSurprises(VectorHistory(VectorSurprises(EcosystemVectorEnv(2))))


def test_rewards_may_be_scaled_twice() -> None:
    env, bare = ScaledReward(ScaledReward(EcosystemEnv(), 0.5), 0.5), EcosystemEnv()
    for each in (env, bare):
        each.reset(seed=0)
    action = np.zeros(4, np.float32)
    assert env.step(action)[1] == pytest.approx(0.25 * float(bare.step(action)[1]))


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.DISABLED])
def test_a_batch_that_starts_anew_otherwise_is_refused(mode: AutoresetMode) -> None:
    with pytest.raises(ValueError, match=r"autoreset_mode is .*SAME_STEP"):
        VectorHistory(SyncVectorEnv([EcosystemEnv], autoreset_mode=mode))


def test_a_reset_of_some_environments_of_a_batch_is_refused() -> None:
    theirs = SyncVectorEnv([EcosystemEnv] * 2, autoreset_mode=AutoresetMode.SAME_STEP)
    envs = VectorHistory(theirs)
    envs.reset(seed=0)
    with pytest.raises(ValueError, match="reset_mask"):
        envs.reset(options={"reset_mask": np.array([True, False])})


def test_a_bad_reset_leaves_everything_as_it_was(bits: Bits) -> None:
    for make in (alone, together):
        env = make("all")
        env.reset(seed=0)
        go_on(env, 3)
        before = bits(env.get_state())
        with pytest.raises(ValueError, match="unknown"):
            env.reset(options={"word": 3})
        assert bits(env.get_state()) == before
