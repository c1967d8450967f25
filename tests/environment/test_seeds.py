"""Seeds and world keys: the same seed is the same episode, everywhere, whatever is done in it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest

from thinmargin.env import EcosystemEnv
from thinmargin.registration import ENVIRONMENTS
from thinmargin.scenarios import FAMILIES
from thinmargin.splits import KEYS, check_key, keys_of
from thinmargin.vector import EcosystemVectorEnv

IDS = [entry.id for entry in ENVIRONMENTS]

PRINT_TRAJECTORY = """
import hashlib, sys
import gymnasium, numpy
env = gymnasium.make("thinmargin:" + sys.argv[1], horizon=30)
actions = numpy.random.default_rng(5).uniform(-1, 1, (40, 4)).astype(numpy.float32)
digest = hashlib.sha256()
observation, info = env.reset(seed=11)
for action in actions:
    digest.update(observation.tobytes() + str(info["world"]).encode())
    observation, reward, terminated, truncated, info = env.step(action)
    digest.update(float(reward).hex().encode() + bytes([terminated, truncated]))
    digest.update(repr(sorted(info["books"].items())).encode())
    if terminated or truncated:
        observation, info = env.reset()
print(digest.hexdigest())
"""


def play(env: Any, months: int, seed: int = 0) -> list[Any]:
    """Random play of some months, across resets."""
    env.action_space.seed(seed)
    seen: list[Any] = []
    for _ in range(months):
        seen.append(env.step(env.action_space.sample()))
        if seen[-1][2] or seen[-1][3]:
            seen.append(env.reset())
    return seen


@pytest.mark.parametrize("name", IDS)
def test_the_same_seed_is_the_same_episode(name: str, bits: Callable[[Any], Any]) -> None:
    first, second = (gymnasium.make(name, horizon=40) for _ in range(2))
    assert bits(first.reset(seed=7)) == bits(second.reset(seed=7))
    assert bits(play(first, 60)) == bits(play(second, 60))
    again = first.reset(seed=7)
    assert bits(again) == bits(second.reset(seed=7)), "a used environment starts as a new one"


def test_other_seeds_are_other_worlds() -> None:
    env = EcosystemEnv()
    assert len({env.reset(seed=seed)[1]["world"] for seed in range(200)}) == 200


def test_without_a_seed_environments_differ() -> None:
    assert len({EcosystemEnv().reset()[1]["world"] for _ in range(5)}) == 5
    assert len(set(EcosystemVectorEnv(5).reset()[1]["world"].tolist())) == 5


def test_later_episodes_follow_from_the_seed_of_the_first() -> None:
    first, second = EcosystemEnv(), EcosystemEnv()
    keys = [[env.reset(seed=3)[1]["world"], *(env.reset()[1]["world"] for _ in range(5))] for env in (first, second)]
    assert keys[0] == keys[1]
    assert len(set(keys[0])) == 6


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ThinMargin/Ecosystem-v1", "ThinMargin/EntrantClone-v1"])
def test_two_processes_play_the_same_episode(name: str, fresh_python: Any) -> None:
    digests = {fresh_python(PRINT_TRAJECTORY, name, PYTHONHASHSEED=seed) for seed in ("1", "2")}
    assert len(digests) == 1


def episode(env: Any) -> list[Any]:
    """Random play to the end of the episode: a later reset draws a key of its own."""
    env.action_space.seed(0)
    seen: list[Any] = [env.step(env.action_space.sample())]
    while not (seen[-1][2] or seen[-1][3]):
        seen.append(env.step(env.action_space.sample()))
    return seen


@pytest.mark.parametrize("family", list(FAMILIES))
def test_an_episode_replays_from_its_key(family: str, bits: Callable[[Any], Any]) -> None:
    env = EcosystemEnv(worlds=family, horizon=30)
    first = env.reset(seed=5)
    seen = episode(env)
    assert len(seen) > 20
    key = first[1]["world"]
    for world in (key, np.int64(key), FAMILIES[family].draw(key, 30), FAMILIES[family].draw(key, 60)):
        other = EcosystemEnv(worlds=family, horizon=30, split="test")
        assert bits(other.reset(options={"world": world})) == bits(first)
        assert bits(episode(other)) == bits(seen)


@pytest.mark.parametrize("family", list(FAMILIES))
def test_a_world_handed_in_plays_bit_for_bit_like_its_key(family: str, bits: Callable[[Any], Any]) -> None:
    months, keys = 110, [2_000_000, 2_000_001, 2_000_002]  # long enough for every event to begin
    worlds = [FAMILIES[family].draw(key, months) for key in keys]
    keyed, tabled, mixed = (EcosystemVectorEnv(3, worlds=family, horizon=months) for _ in range(3))
    scalar, alone = (EcosystemEnv(worlds=family, horizon=months) for _ in range(2))
    begun = [
        bits(envs.reset(seed=0, options={"world": given}))
        for envs, given in ((keyed, keys), (tabled, worlds), (mixed, [keys[0], worlds[1], keys[2]]))
    ]
    assert begun[0] == begun[1] == begun[2]
    assert bits(scalar.reset(options={"world": keys[1]})) == bits(alone.reset(options={"world": worlds[1]}))
    for action in np.random.default_rng(0).uniform(-0.6, 0.6, (months, 4)):
        together = np.tile(action, (3, 1))
        seen = [envs.step(together) for envs in (keyed, tabled, mixed)]
        assert bits(seen[0]) == bits(seen[1]) == bits(seen[2])
        mine, other = scalar.step(action), alone.step(action)
        assert bits(mine) == bits(other)
        assert bits(mine[1]) == bits(float(seen[0][1][1]))
        if mine[2]:
            break
    else:
        pytest.fail("the episode has no end")


def test_replaying_a_key_does_not_move_the_generator() -> None:
    plain, replaying = EcosystemEnv(), EcosystemEnv()
    plain.reset(seed=4)
    replaying.reset(seed=4)
    for key in (0, 1_000_000, 2**62):
        assert replaying.reset(options={"world": key})[1]["world"] == key
    assert plain.reset()[1]["world"] == replaying.reset()[1]["world"]


def test_vector_environments_replay_keys_and_worlds() -> None:
    envs = EcosystemVectorEnv(3, horizon=2)
    world = FAMILIES["benchmark"].draw(33, 2)
    assert envs.reset(options={"world": 12})[1]["world"].tolist() == [12, 12, 12]
    for given in ([12, 34, 33], (12, 34, world), np.array([12, 34, 33])):
        observations, infos = envs.reset(seed=0, options={"world": given})
        assert infos["world"].tolist() == [12, 34, 33]
        for row, key in enumerate((12, 34, 33)):
            alone = EcosystemEnv(horizon=2).reset(options={"world": key})[0]
            np.testing.assert_array_equal(observations[row], alone)
    one = EcosystemEnv(horizon=2)
    one.reset(seed=0, options={"world": 12})
    for _ in range(2):
        worlds = envs.step(np.zeros((3, 4)))[4]["world"]
    assert worlds[0] == one.reset()[1]["world"], "after autoreset a world is drawn, as the scalar environment does"


@pytest.mark.parametrize("family", list(FAMILIES))
def test_nothing_drawn_depends_on_what_is_done(family: str, bits: Callable[[Any], Any]) -> None:
    worlds, following = [], []
    for action in (np.full(4, -1.0), np.zeros(4), np.array([0.4, -1.0, -1.0, 0.0])):
        env = EcosystemEnv(worlds=family, horizon=60)
        table = FAMILIES[family].draw(env.reset(seed=9)[1]["world"], 60).shocks
        before = bits({name: env.get_state()[name] for name in ("economies", "sources", "generator")})
        for month in range(60):
            _, _, terminated, truncated, _ = env.step(action)
            assert bits(env._batch.last_shocks[0]) == bits(table[month])
            if terminated or truncated:
                break
        worlds.append(bits({name: env.get_state()[name] for name in ("economies", "sources", "generator")}))
        assert worlds[-1] == before, "a running episode writes neither its world nor its generator"
        following.append(env.reset()[1]["world"])
    assert worlds[0] == worlds[1] == worlds[2]
    assert len(set(following)) == 1


@pytest.mark.parametrize("family", list(FAMILIES))
@pytest.mark.parametrize("months", [1, 25, 180])
def test_a_longer_horizon_begins_with_the_same_months(family: str, months: int, bits: Callable[[Any], Any]) -> None:
    for key in (1, 2_000_001, 2**40 + 3):
        short, long = (FAMILIES[family].draw(key, horizon) for horizon in (months, 600))
        assert bits(np.array(short.economy)) == bits(np.array(long.economy))
        assert bits(short.shocks) == bits(long.shocks[:months])


def test_the_horizon_changes_nothing_but_the_clock_and_the_closing_month() -> None:
    short, long = EcosystemEnv(horizon=20), EcosystemEnv(horizon=45)
    assert short.reset(seed=2)[1]["world"] == long.reset(seed=2)[1]["world"]
    for action in np.random.default_rng(2).uniform(-1, 1, (20, 4)):
        ours, theirs = short.step(action), long.step(action)
        np.testing.assert_array_equal(ours[0][1:], theirs[0][1:])
        assert ours[4]["books"] == theirs[4]["books"]
        assert ours[4]["reward_terms"]["profit_term"] == theirs[4]["reward_terms"]["profit_term"]


def test_splits_are_disjoint_ranges_of_keys() -> None:
    assert set(KEYS) == {"train", "validation", "test"}
    for first, second in itertools.combinations(KEYS.values(), 2):
        assert max(first.start, second.start) >= min(first.stop, second.stop)
    for keys in KEYS.values():
        assert keys.step == 1
        assert len(range(keys.start, min(keys.stop, keys.start + 2**32))) >= 1_000_000
        assert check_key(keys.start) == keys.start
        assert check_key(keys.stop - 1) == keys.stop - 1


@pytest.mark.parametrize("name", IDS)
def test_environments_draw_training_worlds_unless_told_otherwise(name: str) -> None:
    env = gymnasium.make(name, horizon=1)
    env.reset(seed=0)
    envs = gymnasium.make_vec(name, num_envs=64, horizon=1)
    drawn = envs.reset(seed=1)[1]["world"].tolist()
    envs.action_space.seed(0)
    drawn += [key for _ in range(5) for key in envs.step(envs.action_space.sample())[4]["world"].tolist()]
    drawn += [env.reset()[1]["world"] for _ in range(20)]
    train = keys_of("train")
    assert all(key in train for key in drawn)
    assert len(set(drawn)) == len(drawn)
    spread = np.histogram([(key - train.start) / (train.stop - train.start) for key in drawn], 4, (0, 1))[0]
    assert spread.min() > 0.15 * len(drawn), "keys come from all of the range"


@pytest.mark.parametrize("split", ["validation", "test"])
def test_other_splits_draw_from_their_own_range(split: Any) -> None:
    keys = keys_of(split)
    assert EcosystemEnv(split=split).reset(seed=0)[1]["world"] in keys
    drawn = EcosystemVectorEnv(256, split=split, horizon=1).reset(seed=0)[1]["world"]
    assert all(key in keys for key in drawn.tolist())
    assert drawn.max() - drawn.min() > 0.9 * len(keys)


def streams(seed: Any, count: int) -> set[int]:
    """World keys of the first three episodes of every environment of a batch."""
    envs = gymnasium.make_vec("thinmargin:ThinMargin/Ecosystem-v1", num_envs=count, horizon=1)
    keys = envs.reset(seed=seed)[1]["world"].tolist()
    for _ in range(2):
        keys += envs.step(np.zeros((count, 4), np.float32))[4]["world"].tolist()
    return set(keys)


def test_neighbouring_seeds_of_a_batch_share_all_streams_but_one_and_lists_of_mixed_seeds_none() -> None:
    counted = [streams(seed, 16) for seed in (0, 1)]
    assert len(counted[0] & counted[1]) == 15 * 3
    mixed = [streams(np.random.SeedSequence(seed).generate_state(16, np.uint64).tolist(), 16) for seed in range(10)]
    assert len(set().union(*mixed)) == 10 * 16 * 3
