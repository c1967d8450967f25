"""Infos that are filled when they are read are what the ordinary ones are, whoever asks and however."""

from __future__ import annotations

import copy
import json
import pickle
import sys
from collections.abc import Callable, Mapping
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import data_equivalence

from thinmargin.env import EcosystemEnv
from thinmargin.infos import UNREAD, FilledWhenRead
from thinmargin.vector import EcosystemVectorEnv

PARTS = ("books", "levers", "reward_terms")


def month(**settings: Any) -> dict[str, Any]:
    """The infos of a month."""
    env = EcosystemEnv(**settings)
    env.reset(seed=3)
    env.step(np.full(4, 0.2))
    info: dict[str, Any] = env.step(np.full(4, 0.1))[4]
    return info


PLAIN = month(info="plain")
READERS: dict[str, Callable[[Any], Any]] = {
    "dict": dict,
    "unpacking": lambda part: {**part},
    "named arguments": lambda part: dict(**part),
    "items": lambda part: dict(part.items()),
    "keys and get": lambda part: {name: part.get(name) for name in part.keys()},  # noqa: SIM118  # keys is what is tried
    "iteration": lambda part: {name: part[name] for name in part},
    "values": lambda part: dict(zip(list(part), part.values(), strict=True)),
    "backwards": lambda part: {name: part[name] for name in reversed(list(reversed(part)))},
    "copy": lambda part: part.copy(),
    "copy.copy": copy.copy,
    "deep copy": copy.deepcopy,
    "pickle": lambda part: pickle.loads(pickle.dumps(part)),  # noqa: S301  # our own
    "old pickle": lambda part: pickle.loads(pickle.dumps(part, 0)),  # noqa: S301  # our own
    "JSON": lambda part: json.loads(json.dumps(part)),
    "indented JSON": lambda part: json.loads(json.dumps(part, indent=1, sort_keys=True)),
    "or": lambda part: part | {},
    "or from the left": lambda part: {} | part,
    "update of another": lambda part: (empty := {}, empty.update(part))[0],
    "popping": lambda part: {name: part.pop(name) for name in list(part)},
    "repr": lambda part: eval(repr(part)),  # noqa: S307  # numbers and names only
}


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_every_way_to_read_gives_the_entries(name: str, read: Callable[[Any], Any]) -> None:
    found = read(month()[name])
    assert found == PLAIN[name]
    assert type(found) is dict
    assert set(found) == set(PLAIN[name])


@pytest.mark.parametrize("name", PARTS)
def test_they_are_dictionaries_equal_to_the_ordinary_ones(name: str) -> None:
    unread = month()[name]
    assert isinstance(unread, dict)
    assert isinstance(unread, Mapping)
    assert unread == PLAIN[name]
    assert PLAIN[name] == month()[name]
    assert month()[name] == month()[name]
    assert not month()[name] != PLAIN[name]  # noqa: SIM202  # the other operator is what is tried
    assert month()[name] != {}
    assert len(month()[name]) == len(PLAIN[name])
    assert next(iter(PLAIN[name])) in month()[name]
    assert bool(month()[name])
    assert list(month()[name]) == list(PLAIN[name]), "in the same order"
    assert str(month()[name]) == str(PLAIN[name])
    with pytest.raises(TypeError, match="unhashable"):
        hash(month()[name])
    with pytest.raises(KeyError, match="nothing of the kind"):
        month()[name]["nothing of the kind"]


def test_they_can_be_written_to() -> None:
    info = month()
    info["books"]["own"] = 1.0
    assert info["books"] == {**PLAIN["books"], "own": 1.0}
    del info["reward_terms"]["profit_term"]
    assert list(info["reward_terms"]) == ["closing_term", "shaping_term"]
    assert info["levers"].setdefault("asked", None) == PLAIN["levers"]["asked"]
    info["levers"].update(more=2)
    assert list(info["levers"]) == ["asked", "applied", "more"]
    info["levers"] |= {"more": 3}
    assert info["levers"]["more"] == 3
    cleared = month()["books"]
    cleared.clear()
    assert cleared == {}
    assert month()["books"].popitem() == ("bankrupt", 0.0)


def test_infos_of_later_months_leave_earlier_ones_as_they_are() -> None:
    env = EcosystemEnv(horizon=30)
    kept, seen = [env.reset(seed=0)[1]], [0.0]
    for _ in range(30):
        kept.append(env.step(np.zeros(4))[4])
        seen.append(kept[-1]["books"]["cash"] if len(kept) % 2 else None)
    assert [info["books"]["month"] for info in kept] == list(range(31))
    assert all(info["books"]["cash"] == cash for info, cash in zip(kept[2:], seen[2:], strict=True) if cash is not None)


def test_kinds_of_infos_are_the_same_numbers_and_change_nothing_else() -> None:
    steps = {}
    for kind in ("full", "plain", "lean"):
        env = EcosystemEnv(horizon=24, info=kind)
        first = env.reset(seed=1)
        steps[kind] = [first, *(env.step(np.zeros(4)) for _ in range(24))]
    for full, plain, lean in zip(*steps.values(), strict=True):
        assert full[-1] == plain[-1]
        assert lean[-1] == {"world": plain[-1]["world"]}
        assert full[1:-1] == plain[1:-1] == lean[1:-1]
        np.testing.assert_array_equal(full[0], lean[0])
    assert all(type(info["books"]) is dict for *_, info in steps["plain"])
    assert all(type(info) is dict for *_, info in steps["full"])


def test_gymnasiums_checker_compares_them() -> None:
    assert data_equivalence(month(), month())
    read, unread = month(), month()
    assert read["books"]["month"] == 2.0
    assert data_equivalence(read, unread)


def test_infos_of_several_environments_are_gathered_from_them() -> None:
    make = lambda: EcosystemEnv(horizon=4)  # noqa: E731
    several = gymnasium.vector.SyncVectorEnv([make, make])
    several.reset(seed=0)
    infos = several.step(np.zeros((2, 4), np.float32))[4]
    alone = EcosystemEnv(horizon=4)
    alone.reset(seed=1)
    info = alone.step(np.zeros(4))[4]
    assert {name: infos["books"][name][1] for name in info["books"]} == info["books"]
    assert infos["levers"]["applied"]["price"][1] == info["levers"]["applied"]["price"]


def test_code_that_looks_past_all_methods_is_told_what_to_do() -> None:
    (name, advice), *_ = UNREAD.items()
    assert dict.get(month()["books"], name) == advice


@pytest.mark.parametrize("library", ["jax", "minari"])
def test_libraries_that_take_only_ordinary_dictionaries_apart_get_them(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("jax", "minari"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    assert isinstance(month()["books"], FilledWhenRead)
    monkeypatch.setitem(sys.modules, library, sys)
    assert [type(part) for part in month().values()] == [dict, dict, dict, int]


def test_a_lean_batch_has_worlds_alone() -> None:
    lean, full = (EcosystemVectorEnv(3, horizon=2, info=kind) for kind in ("lean", "full"))
    first, second = lean.reset(seed=0), full.reset(seed=0)
    assert set(first[1]) == {"world", "_world"}
    assert (first[1]["world"] == second[1]["world"]).all()
    for _ in range(3):
        few, all_of_them = (envs.step(np.zeros((3, 4)))[4] for envs in (lean, full))
        assert set(few) == set(all_of_them) - {f"{mark}{name}" for mark in ("", "_") for name in PARTS}
        if "final_info" in few:
            assert set(few["final_info"]) == {"world", "_world"}
            assert (few["final_info"]["world"] == all_of_them["final_info"]["world"]).all()


@pytest.mark.parametrize("kind", ["", "FULL", "none", None, 1, ["full"]])
@pytest.mark.parametrize("make", [EcosystemEnv, EcosystemVectorEnv])
def test_other_kinds_are_refused(make: Callable[..., Any], kind: Any) -> None:
    with pytest.raises(ValueError, match=r"info is .*: allowed are full, plain, lean"):
        make(info=kind)
