"""The pages are enough: worlds, months and episodes written from them alone are those of the package.

Written from docs/model.md and docs/environment.md alone; nothing of the package's equations is imported.
"""

from collections.abc import Iterator
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from numpy.typing import NDArray
from tests.second_writing.constants import Array, table
from tests.second_writing.draws import EVENTS, beside, draw, keys_of
from tests.second_writing.episode import Ends, Episodes, Month, Numbers, levers_at, levers_of
from tests.second_writing.playing import Diary, actions_for, play_alone, play_together, side_by_side

from thinmargin.scenarios import family_of

EXACT = 1e-9  # of one, or of the number where it is larger
FLOAT32 = 1e-7  # an observation is rounded
EPISODES = 100
FEW = 20
GRID_ACTIONS = 288
PRICED_AT = (60,)


def ids() -> dict[str, tuple[str, int, str]]:
    """Worlds, horizon and closing rule of every id."""
    found = {}
    for row in table("environment", "ids"):
        given = dict(argument.split("=") for argument in row["Arguments that it sets"].split(", "))
        worlds, horizon, closing = (
            given.get(name, default).strip('"')
            for name, default in (("worlds", "benchmark"), ("horizon", "180"), ("closing", "own_levers"))
        )
        found[row["id"].removeprefix("ThinMargin/").removesuffix("-v1")] = worlds, int(horizon), closing
    return found


IDS = ids()
FAMILIES = sorted({family for family, _, _ in IDS.values()})

SETTINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "shaped": ("Ecosystem", {"reward": "shaped", "horizon": 90}),
    "shaped, truncated under a law": ("ServicesClampdown", {"reward": "shaped", "horizon": 110, "closing": "none"}),
    "ends in a war": ("PriceWar", {"closing": "playbook", "horizon": 45}),
    "ends in a slump": ("DemandSlump", {"horizon": 40}),
    "ends in a shortage": ("ComponentShortage", {"horizon": 60}),
    "shorter than a year": ("EntrantClone", {"horizon": 5, "closing": "own_levers"}),
    "one month": ("Ecosystem", {"horizon": 1}),
    "stock that is paid for": (
        "Ecosystem",
        {"horizon": 60, "parameters": {"stock_paid": 0.7, "cover_months": 3.0, "credit_floor": 20000.0}},
    ),
    "wild shocks": (
        "Ecosystem",
        {"horizon": 60, "parameters": {"demand_sd": 0.5, "component_sd": 0.5, "brand_rate": 0.3, "war_rate": 0.5}},
    ),
    "another market": (
        "Ecosystem",
        {
            "horizon": 90,
            "parameters": {"users_ceiling": [160.0, 650.0], "range_start": 10.0, "gestation": 2.0, "tax_rate": 0.4},
        },
    ),
    "a value that lasts": (
        "Ecosystem",
        {"horizon": 60, "parameters": {"discount_rate": 0.0, "closing_repurchase": 1.0}},
    ),
}


@pytest.fixture(autouse=True)
def _episodes_that_have_ended_may_overflow() -> Iterator[None]:
    with np.errstate(all="ignore"):
        yield


def apart(mine: Array, theirs: Array, compared: Ends) -> Array:
    """Difference, of one or of the number where it is larger; nan is no agreement."""
    difference = np.abs(mine - theirs) / np.maximum(1, np.abs(theirs))
    return np.where(compared & (mine != theirs), difference, 0.0)


def wrong_names(mine: Numbers, theirs: Numbers, compared: Ends) -> list[str]:
    """Names of the numbers that do not agree, each with the first episode of those in which it does not."""
    difference = apart(np.array([mine[name] for name in theirs]), np.array(list(theirs.values())), compared)
    agrees = difference <= EXACT
    return [f"{name} of {np.argmin(yes)}" for name, yes in zip(theirs, agrees, strict=True) if not yes.all()]


def agree(mine: Month, theirs: Month, running: Ends) -> None:
    assert not wrong_names(mine.numbers, theirs.numbers, running)
    difference = apart(mine.observation, theirs.observation, running)
    assert (difference <= FLOAT32).all(), np.flatnonzero((difference > FLOAT32).any(axis=1))
    assert (mine.terminated == theirs.terminated)[running].all()
    assert (mine.truncated == theirs.truncated)[running].all()


def agree_all(episodes: Episodes, diary: Diary, levers: list[Array]) -> dict[str, Ends]:
    """Play the same months, compare everything that is seen, and say in which episodes something happens."""
    first = episodes.reset()
    running = np.ones(first.observation.shape[1], np.bool_)
    agree(first, diary.first, running)
    happened = {name: np.zeros_like(running) for name in ("bankrupt", "sold out", "in debt", "worthless")}
    for run, (asked, theirs) in enumerate(zip(levers, diary.months, strict=False), start=1):
        mine = episodes.step(asked)
        agree(mine, theirs, running)
        for rule, worth in diary.worth.get(run, {}).items():
            known = running & ~np.isnan(worth)
            assert (apart(episodes.closing_value(rule) / 1000, worth, known) <= EXACT).all(), rule
        n, last = mine.numbers, running & mine.terminated
        happened["bankrupt"] |= last & (n["bankrupt"] > 0)
        happened["worthless"] |= last & (n["bankrupt"] == 0) & (n["closing_term"] == 0)
        happened["sold out"] |= running & (n["fill_rate"] < 0.9)
        happened["in debt"] |= running & (n["interest"] > 0)
        running &= ~(mine.terminated | mine.truncated)
    assert not running.any()
    return happened


def actions_of(name: str, horizon: int, count: int) -> NDArray[Any]:
    rng = np.random.default_rng(len(name))
    if name == "EcosystemDiscrete":
        return rng.integers(GRID_ACTIONS, size=(horizon, count))
    return actions_for(rng, horizon, count)


def levers_for(name: str, actions: NDArray[Any]) -> list[Array]:
    return [levers_at(action) if name == "EcosystemDiscrete" else levers_of(action) for action in actions]


@pytest.mark.parametrize("family", FAMILIES)
def test_worlds_follow_from_their_keys(family: str) -> None:
    horizon = 200
    keys = keys_of(1, EPISODES // 2) + keys_of(1, EPISODES // 2, "test")
    mine = draw(family, keys, horizon)
    theirs = [family_of(family).draw(key, horizon=horizon) for key in keys]
    for name in theirs[0].economy.dtype.names or ():
        constant = np.stack([world.economy[name] for world in theirs], axis=-1)
        known = ~np.isnan(constant)  # a rival's brand follows from its shares
        assert (apart(mine.constants.values[name], constant, known) <= EXACT).all(), name
    for name in theirs[0].shocks.dtype.names or ():
        shock = np.stack([world.shocks[name] for world in theirs], axis=-1)
        assert (apart(mine.shocks[name], shock, np.ones(EPISODES, np.bool_)) <= EXACT).all(), name
    shocks = mine.shocks
    assert (shocks["aggression"] == 2).any() == (family != "one_state")
    assert (shocks["brand"] < 0).any() == (family not in {"one_state", "calibrated"})
    for name, calm in (("attack", 0), ("services", 1), ("supply", 1), ("clone", 0)):
        assert (shocks[name] != calm).any() == (family in EVENTS and name in EVENTS[family].changes)


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_keys_follow_from_the_seed(split: str) -> None:
    env = gym.make("thinmargin:ThinMargin/Ecosystem-v1", split=split, horizon=1)
    drawn = [env.reset(seed=7)[1]["world"], env.reset()[1]["world"], env.reset()[1]["world"]]
    assert drawn == keys_of(7, 3, split)


@pytest.mark.parametrize(("horizon", "closing"), sorted({(horizon, closing) for _, horizon, closing in IDS.values()}))
def test_episodes_of_every_id(horizon: int, closing: str) -> None:
    """A hundred of each, those that last and end alike side by side."""
    names = [name for name, (_, *how) in IDS.items() if how == [horizon, closing]]
    worlds, diaries, levers = [], [], []
    for name in names:
        keys, actions = keys_of(len(name), EPISODES), actions_of(name, horizon, EPISODES)
        worlds.append(draw(IDS[name][0], keys, horizon))
        priced_at = PRICED_AT if closing == "own_levers" else ()
        diaries.append(play_together(f"ThinMargin/{name}-v1", keys, actions, priced_at))
        levers.append(levers_for(name, actions))
    asked = [np.concatenate(month, axis=-1) for month in zip(*levers, strict=True)]
    happened = agree_all(Episodes(beside(worlds), horizon, closing), side_by_side(diaries), asked)
    for k, name in enumerate(names):
        if IDS[name][0] == "one_state":  # a firm with a war chest, and factories for everybody
            continue
        count = {what: int(where[k * EPISODES : (k + 1) * EPISODES].sum()) for what, where in happened.items()}
        assert min(count[what] for what in ("bankrupt", "sold out", "in debt")) > 5, name
        assert count["bankrupt"] < 70, name


@pytest.mark.parametrize("setting", SETTINGS)
def test_other_arguments(setting: str) -> None:
    name, given = SETTINGS[setting]
    family, _, closing = IDS[name]
    horizon = given["horizon"]
    keys = keys_of(len(setting), FEW)
    actions = actions_of(name, horizon, FEW)
    diary = play_together(f"ThinMargin/{name}-v1", keys, actions, **given)
    worlds = draw(family, keys, horizon, given.get("parameters"))
    mine = Episodes(worlds, horizon, given.get("closing", closing), shaped=given.get("reward") == "shaped")
    agree_all(mine, diary, levers_for(name, actions))


@pytest.mark.parametrize("closing", ["own_levers", "none"])
def test_bankrupt_in_the_last_month(closing: str) -> None:
    horizon = 8
    keys = keys_of(5, FEW)
    actions = np.tile(np.array([-1, -1, 1, -1], np.float32), (horizon, FEW, 1))
    diary = play_together("ThinMargin/Ecosystem-v1", keys, actions, horizon=horizon, closing=closing, reward="shaped")
    mine = Episodes(draw("benchmark", keys, horizon), horizon, closing, shaped=True)
    agree_all(mine, diary, levers_for("Ecosystem", actions))
    assert diary.months[-1].numbers["bankrupt"].any()


@pytest.mark.parametrize("closing", sorted({closing for _, _, closing in IDS.values()}))
def test_episodes_one_after_the_other(closing: str) -> None:
    horizon, count = 30, 5
    keys = keys_of(3, count, "validation")
    worlds, alone, levers = [], [], []
    for name in (name for name, (*_, rule) in IDS.items() if rule == closing):
        actions = actions_of(name, horizon, count)
        alone += [play_alone(f"ThinMargin/{name}-v1", keys[i], actions[:, i], horizon=horizon) for i in range(count)]
        worlds.append(draw(IDS[name][0], keys, horizon))
        levers.append(levers_for(name, actions))
    asked = [np.concatenate(month, axis=-1) for month in zip(*levers, strict=True)]
    agree_all(Episodes(beside(worlds), horizon, closing), side_by_side(alone), asked)
