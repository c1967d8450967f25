"""What another version of the environments made is refused by name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.messages import lacks, naming

from thinmargin.env import EcosystemEnv
from thinmargin.parameters import ECONOMY
from thinmargin.records import SHOCKS
from thinmargin.registration import ENVIRONMENTS
from thinmargin.scenarios import FAMILIES
from thinmargin.vector import EcosystemVectorEnv
from thinmargin.versions import VERSION, check_state, current, outdated
from thinmargin.wrappers import History

HORIZON = 4


def test_every_id_ends_with_the_version() -> None:
    for entry in ENVIRONMENTS:
        assert entry.id.endswith(f"-v{VERSION}")
        assert current(entry.id) == entry.id


def test_another_version_is_told_with_what_there_is_now_and_what_helps() -> None:
    told = outdated("some/file", "ThinMargin/PriceWar-v0", "make it anew")
    assert not lacks(told, "some/file is of ThinMargin/PriceWar-v0", "ThinMargin/PriceWar-v1", "make it anew")
    assert outdated("some/file", "ThinMargin/PriceWar-v1", "make it anew") is None
    assert outdated("some/file", "CartPole-v0", "make it anew") is None


@pytest.mark.parametrize("name", [f"ThinMargin/{'x' * 50_000}-v0", f"ThinMargin/E-v{'0' * 50_000}", "ThinMargin/É-v0"])
def test_what_is_too_long_or_odd_for_an_id_is_none(name: str) -> None:
    assert current(name) == name


@pytest.mark.parametrize(
    "envs", [EcosystemEnv(horizon=HORIZON), EcosystemVectorEnv(2, horizon=HORIZON)], ids=["1", "2"]
)
def test_a_saved_state_says_its_version_and_one_of_the_first_is_refused(
    envs: EcosystemEnv | EcosystemVectorEnv,
) -> None:
    envs.reset(seed=1)
    state = envs.get_state()
    assert state["version"] == VERSION
    del state["version"]
    with pytest.raises(ValueError, match=naming("version 0", "version 1", "call get_state anew")):
        envs.set_state(state)


def test_a_state_inside_of_what_wrappers_saved_is_looked_at_too() -> None:
    env = History(EcosystemEnv(horizon=HORIZON), lags=[1])
    env.reset(seed=1)
    state = env.get_state()
    env.set_state(state)
    old = {**state, "seen": state["seen"][:, :-4], "env": {**state["env"], "version": 0}}
    with pytest.raises(ValueError, match=naming("version 0", "version 1")):
        env.set_state(old)
    check_state({"env": {"env": {"version": VERSION}}})
    with pytest.raises(ValueError, match="version 7"):
        check_state({"env": {"env": {"version": 7}}})


@pytest.mark.parametrize(("part", "kind"), [("economy", ECONOMY), ("shocks", SHOCKS)])
def test_a_world_of_another_version_is_refused_by_its_key(part: str, kind: np.dtype) -> None:  # type: ignore[type-arg]
    world = FAMILIES["benchmark"].draw(7, HORIZON)
    fewer = np.dtype((np.record, [(name, kind[name]) for name in (kind.names or ())[:-1]]))
    old = np.zeros(HORIZON, fewer) if part == "shocks" else np.zeros(1, fewer)[0]
    with pytest.raises(ValueError, match=naming("world 7", part, "another version", "{'world': 7}")):
        EcosystemEnv(horizon=HORIZON).reset(options={"world": replace(world, **{part: old})})
