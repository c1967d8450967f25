from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path

import numpy as np
import pytest
import tyro
from tests.messages import naming

from thinmargin.baselines import BASELINES, baseline
from thinmargin.families import BENCHMARK
from thinmargin.files import DamagedFileError
from thinmargin.observation import FEATURE_COUNT
from thinmargin.settings import Settings
from thinmargin.splits import KEYS
from thinmargin_agents.cli.console import plain_console
from thinmargin_agents.foresight import improvement, plan_files
from thinmargin_agents.foresight.config import ForesightConfig
from thinmargin_agents.foresight.plan_files import (
    KnownPlans,
    check_version,
    file_of,
    known_plans,
    read_plans,
    save_plans,
)
from thinmargin_agents.foresight.search import Problem, improve
from thinmargin_agents.foresight.tables import in_actions, in_steps, value_of
from thinmargin_agents.play.rollout import play_worlds

WORLDS = KEYS["validation"][:3]


def starts() -> np.ndarray:
    return np.stack([improvement.table_of(baseline(name), WORLDS, Settings()) for name in ("constant_best",)])


@pytest.fixture(scope="module")
def found() -> KnownPlans:
    best = improve(Problem(WORLDS, starts()), Settings(), 640, seed=0)
    return KnownPlans(
        np.array(WORLDS), best.tables, best.value, {"command": "made by a test", "environment": BENCHMARK}
    )


def test_actions_survive_being_counted_in_steps() -> None:
    actions = np.linspace(-1.0, 1.0, 41)
    np.testing.assert_allclose(in_actions(in_steps(actions)), actions, atol=1e-9)
    assert in_steps([-3.0, 3.0]).tolist() == [-10000, 10000]


@pytest.mark.parametrize("name", ["plan_with_feedback", "low_margin_ecosystem"])
def test_what_a_policy_did_earns_the_same_when_it_is_done_again(name: str) -> None:
    table = improvement.table_of(baseline(name), WORLDS, Settings())
    np.testing.assert_allclose(
        value_of(WORLDS, table, Settings()), play_worlds(baseline(name), WORLDS).value, rtol=2e-4
    )


@pytest.mark.slow
def test_no_world_is_worse_than_the_best_start_and_most_are_better(found: KnownPlans) -> None:
    start = np.stack([value_of(WORLDS, table, Settings()) for table in starts()]).max(axis=0)
    assert (found.value >= start).all()
    assert (found.value > 1.01 * start).sum() >= 2


def test_a_table_earns_its_value_when_it_is_played_as_a_policy(found: KnownPlans) -> None:
    np.testing.assert_allclose(play_worlds(found.policy, WORLDS).value, found.value, rtol=1e-9)


@pytest.mark.slow
def test_what_a_world_gives_does_not_depend_on_the_worlds_searched_beside_it(found: KnownPlans) -> None:
    alone = improve(Problem(WORLDS[1:2], starts()[:, 1:2]), Settings(), 640, seed=0)
    assert alone.value[0] == found.value[1]
    np.testing.assert_array_equal(alone.tables[0], found.tables[1])


def test_plans_for_other_numbers_of_worlds_are_refused(found: KnownPlans) -> None:
    with pytest.raises(ValueError, match="2 observations for plans of 3 worlds"):
        found.policy.predict(np.zeros((2, FEATURE_COUNT), np.float32))


def test_a_file_gives_back_what_was_saved_in_any_order(found: KnownPlans, tmp_path: Path) -> None:
    path = tmp_path / "benchmark_validation.npz"
    save_plans(path, found)
    again = read_plans(path)
    np.testing.assert_array_equal(again.tables, found.tables)
    assert again.made == found.made
    turned = again.of(list(reversed(WORLDS)))
    assert turned is not None
    np.testing.assert_array_equal(turned.value, found.value[::-1])
    assert again.of([*WORLDS, WORLDS[-1] + 1]) is None


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(bytes(content))


def write_something_else(path: Path) -> None:
    path.write_text("not plans", "utf-8")


def write_a_pickle(path: Path) -> None:
    np.savez(path, keys=np.array([print], dtype=object))


@pytest.mark.parametrize("damage", [cut_short, flip_a_byte, write_something_else, write_a_pickle])
def test_a_damaged_file_is_refused_and_says_how_it_is_made_anew(
    damage: object, found: KnownPlans, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_files, "FOLDER", tmp_path)
    path = file_of("benchmark", "validation")
    save_plans(path, found)
    damage(path)  # type: ignore[operator]
    with pytest.raises(DamagedFileError, match=naming("benchmark_validation.npz", "--split validation --fresh makes")):
        read_plans(path)
    own = tmp_path / "my mine.npz"
    path.rename(own)
    remedy = f"--split SPLIT --fresh --output '{own}' makes it anew, where SPLIT is validation or test"
    with pytest.raises(DamagedFileError, match=naming("my mine.npz", remedy)):
        read_plans(own)


STRANGERS = {
    "another horizon": (
        lambda plans: dataclasses.replace(plans, tables=plans.tables[:, :7]), ["7 months", "an episode has 180"],
    ),
    "no months": (lambda plans: dataclasses.replace(plans, tables=plans.tables[:, :0]), ["0 months", "180"]),
    "worlds of the other split": (
        lambda plans: dataclasses.replace(plans, keys=plans.keys + 1_000_000),
        ["world 2000000", "--split validation", "1000000 to 1999999"],
    ),
    "a world of training": (
        lambda plans: dataclasses.replace(plans, keys=np.array([*plans.keys[:-1], 2**40])),
        [f"world {2**40}", "--split validation"],
    ),
    "a world twice": (lambda plans: dataclasses.replace(plans, keys=plans.keys * 0 + plans.keys[0]), ["each once"]),
    "a world below zero": (lambda plans: dataclasses.replace(plans, keys=-plans.keys), ["does not hold plans"]),
    "a world beyond all": (lambda plans: dataclasses.replace(plans, keys=plans.keys + 2**62), ["does not hold plans"]),
}  # fmt: skip


@pytest.mark.parametrize("stranger", list(STRANGERS))
def test_a_search_does_not_go_on_from_plans_of_something_else(
    stranger: str, found: KnownPlans, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change, words = STRANGERS[stranger]
    path = tmp_path / "mine.npz"
    save_plans(path, change(found))
    before = path.read_bytes()
    monkeypatch.setattr(improvement, "search_all", lambda *_: pytest.fail("it searched"))
    with pytest.raises(DamagedFileError, match=naming("mine.npz", *words)):
        improvement.make(ForesightConfig("validation", 1, 32, 1), path, "command", plain_console(quiet=True))
    assert path.read_bytes() == before


def test_plans_of_other_economics_are_noticed(
    found: KnownPlans, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_files, "FOLDER", tmp_path)
    save_plans(file_of("benchmark", "validation"), found)
    assert known_plans("benchmark", WORLDS) is not None
    save_plans(file_of("benchmark", "validation"), dataclasses.replace(found, value=found.value + 0.01))
    with pytest.raises(DamagedFileError, match=naming("benchmark_validation.npz", "other economics", "world 100000")):
        known_plans("benchmark", WORLDS)


@pytest.mark.parametrize("made", [{"environment": "ThinMargin/Ecosystem-v0"}, {}])
def test_plans_of_another_version_are_refused_by_name_and_not_begun_from(
    made: dict[str, str], found: KnownPlans, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_files, "FOLDER", tmp_path)
    path = file_of("benchmark", "validation")
    save_plans(path, dataclasses.replace(found, made=made))
    told = naming(
        "benchmark_validation.npz",
        "Ecosystem-v0",
        "Ecosystem-v1",
        "--split validation --n-worlds 3 --fresh makes it anew",
    )
    with pytest.raises(DamagedFileError, match=told):
        known_plans("benchmark", WORLDS)
    config = ForesightConfig("validation", 1, 32, 1)
    with pytest.raises(DamagedFileError, match=told):
        improvement.make(config, path, "command", plain_console(quiet=True))


@pytest.mark.parametrize("name", ["mine.npz", "benchmark_test.npz", "$(rm x).npz"])
def test_a_file_of_ones_own_is_made_anew_for_its_own_worlds_where_it_is(
    name: str, found: KnownPlans, tmp_path: Path
) -> None:
    path = tmp_path / name
    save_plans(path, dataclasses.replace(found, keys=found.keys[[2, 0, 1]], made={"command": "rm -rf /"}))
    with pytest.raises(DamagedFileError) as caught:
        check_version(path, read_plans(path))
    command = str(caught.value).partition("are others; ")[2].removesuffix(" makes it anew")
    words = shlex.split(command)
    assert words[:3] == ["python", "-m", "thinmargin_agents.foresight"]
    asked = tyro.cli(ForesightConfig, args=words[3:])
    assert asked == ForesightConfig("validation", 3, fresh=True, output=path)


@pytest.mark.parametrize("keys", [[], [5], [KEYS["validation"][0], KEYS["test"][0]], [KEYS["train"][0]]])
def test_worlds_of_no_split_leave_the_split_to_the_reader(keys: list[int], found: KnownPlans, tmp_path: Path) -> None:
    plans = dataclasses.replace(found, keys=np.array(keys, np.int64), made={})
    with pytest.raises(DamagedFileError, match=naming("--split SPLIT --fresh --output", "SPLIT is validation or test")):
        check_version(tmp_path / "mine.npz", plans)


def test_nothing_is_shipped_for_other_worlds() -> None:
    assert known_plans("benchmark", KEYS["test"][100_000:100_002]) is None
    assert known_plans("price_war", KEYS["test"][:2]) is None
    assert known_plans("benchmark", KEYS["test"][:2], closing="none") is None
    assert known_plans("benchmark", KEYS["test"][:2], horizon=120) is None


@pytest.mark.slow
@pytest.mark.parametrize(("split", "worlds"), [("test", 512), ("validation", 256)])
def test_shipped_plans_beat_every_rule_in_every_world_and_have_converged(split: str, worlds: int) -> None:
    keys = KEYS[split][:worlds]
    shipped = known_plans("benchmark", keys)
    assert shipped is not None
    assert shipped.made["convergence"]["doubling_adds_percent"] < 1.0
    for name in BASELINES:
        if name != "random":
            assert (shipped.value > play_worlds(baseline(name), keys).value).all(), name
