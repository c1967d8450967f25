from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from thinmargin.baselines import BASELINES, RandomPolicy
from thinmargin_agents.policies import PolicyError, entrant_of, member_of

OUTSIDER = """
from __future__ import annotations
from dataclasses import dataclass
import numpy as np
from beside import LEVEL

@dataclass
class Steady:
    level: float = LEVEL

    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        return np.full((*observation.shape[:-1], 4), self.level), state

class Mute:
    pass

class Picky(Steady):
    def __init__(self, level):
        self.level = level

number = 3
"""


@pytest.fixture
def outsider(tmp_path: Path) -> Path:
    (tmp_path / "beside.py").write_text("LEVEL = 0.25\n")
    file = tmp_path / "mine.py"
    file.write_text(OUTSIDER)
    return file


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, str]]:
    """What was asked of the runs room, which hands out random policies and refuses folders named bad."""
    calls: list[tuple[Path, str]] = []

    def load_policy(folder: Path, which: str = "best") -> RandomPolicy:
        calls.append((folder, which))
        if folder.name == "bad":
            raise ValueError("policy.safetensors is damaged")
        return RandomPolicy()

    monkeypatch.setitem(sys.modules, "thinmargin_agents.runs", SimpleNamespace(load_policy=load_policy))
    return calls


def make_run(folder: Path, env_id: str = "ThinMargin/Ecosystem-v0", seed: int = 3, **env_kwargs: Any) -> Path:
    for which in ("best", "checkpoint"):
        (folder / which).mkdir(parents=True)
        (folder / which / "state.safetensors").touch()
    (folder / "config.json").write_text(json.dumps({"env_id": env_id, "env_kwargs": env_kwargs, "seed": seed}))
    return folder


@pytest.mark.parametrize("name", BASELINES)
def test_hand_coded_policies_go_by_their_name(name: str) -> None:
    member = member_of(name)
    assert (member.name, member.discrete, member.is_run, member.seed) == (name, False, False, None)
    assert member.policy.predict(np.zeros((3, 28), np.float32))[0].shape == (3, 4)


def test_a_class_in_a_file_with_a_module_beside_it(outsider: Path) -> None:
    before = list(sys.path)
    member = member_of(f"{outsider}:Steady")
    assert member.policy.predict(np.zeros((2, 28), np.float32))[0].tolist() == [[0.25] * 4] * 2
    assert member.discrete is None  # it answers as the environment asks
    assert sys.path == before


def test_a_run_folder(tmp_path: Path, loaded: list[tuple[Path, str]]) -> None:
    folder = make_run(tmp_path / "run_1")
    member = member_of(f"{folder}/")
    assert (member.name, member.is_run, member.seed, member.discrete) == (str(folder), True, 3, False)
    assert loaded == [(folder, "best")]


def test_a_run_without_a_best_model_is_judged_by_its_checkpoint(tmp_path: Path, loaded: list[tuple[Path, str]]) -> None:
    folder = make_run(tmp_path / "run_1")
    (folder / "best" / "state.safetensors").rename(folder / "best" / ".half-written")
    member_of(str(folder))
    assert loaded == [(folder, "checkpoint")]


@pytest.mark.usefixtures("loaded")
def test_a_run_knows_how_it_answers(tmp_path: Path) -> None:
    assert member_of(str(make_run(tmp_path / "grid", "ThinMargin/EcosystemDiscrete-v0"))).discrete is True
    assert member_of(str(make_run(tmp_path / "asked", discrete=True))).discrete is True


@pytest.mark.usefixtures("loaded")
def test_runs_joined_by_commas_are_the_seeds_of_one_policy(tmp_path: Path) -> None:
    folders = [str(make_run(tmp_path / f"run_{seed}", seed=seed)) for seed in (4, 5)]
    entrant = entrant_of(", ".join(folders))
    assert entrant.name == ",".join(folders)
    assert [member.seed for member in entrant.members] == [4, 5]
    with pytest.raises(ValueError, match="names a run twice"):
        entrant_of(f"{folders[0]},{folders[0]}/")
    with pytest.raises(ValueError, match="one by one"):
        entrant_of(f"{folders[0]},random")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("premum", "policy 'premum' is unknown: did you mean premium?"),
        ("", "policy '' is unknown"),
        ("mine.py", "write mine.py:Class"),
        ("mine.py:Nobody", "with predict are Steady, Picky"),
        ("mine.py:number", "no class 'number'"),
        ("mine.py:Mute", "has no predict"),
        ("other.py:Steady", "there is no file 'other.py'"),
        (".", "a folder without config.json"),
        ("beside.py:", "no class ''"),
        ("model.zip", "is no run folder"),
    ],
)
def test_a_name_that_is_not_allowed_is_named(
    name: str, words: str, outsider: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(outsider.parent)
    Path("model.zip").touch()
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the words are checked below, unescaped
        member_of(name)
    assert words in str(caught.value)


@pytest.mark.parametrize("name", ["nobody", ".", "model.zip"])
def test_a_refusal_lists_what_is_allowed(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("model.zip").touch()
    with pytest.raises(ValueError, match=r"allowed are low_margin_ecosystem, .*, a run folder .*, or file.py:Class"):
        member_of(name)


def test_what_exists_but_does_not_load_is_a_policy_error(
    outsider: Path, tmp_path: Path, loaded: list[tuple[Path, str]]
) -> None:
    with pytest.raises(PolicyError, match=r"Picky\(\) without arguments raised TypeError"):
        member_of(f"{outsider}:Picky")
    outsider.write_text("import no_such_thing_anywhere\n")
    with pytest.raises(PolicyError, match="importing the file raised ModuleNotFoundError"):
        member_of(f"{outsider}:Steady")
    with pytest.raises(PolicyError, match=r"cannot be loaded: ValueError: policy\.safetensors is damaged"):
        member_of(str(make_run(tmp_path / "bad")))
    broken = make_run(tmp_path / "broken")
    (broken / "config.json").write_text("[1]")
    with pytest.raises(PolicyError, match="cannot be loaded"):
        member_of(str(broken))
    assert len(loaded) == 2


def test_outsiders_of_the_same_layout_each_have_their_own_module_beside_them(tmp_path: Path) -> None:
    levels = []
    for name, level in (("one", 0.25), ("two", -0.5)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine.py").write_text(OUTSIDER)
        (tmp_path / name / "beside.py").write_text(f"LEVEL = {level}\n")
        member = member_of(f"{tmp_path / name}/mine.py:Steady")
        levels.append(float(member.policy.predict(np.zeros((1, 28), np.float32))[0][0, 0]))
    assert levels == [0.25, -0.5]
    assert "beside" not in sys.modules


def test_a_file_that_ends_the_program_is_a_policy_error(outsider: Path) -> None:
    outsider.write_text("raise SystemExit(3)\n")
    with pytest.raises(PolicyError, match="importing the file raised SystemExit: 3"):
        member_of(f"{outsider}:Steady")


def test_a_file_that_moves_the_program_elsewhere_does_not(outsider: Path, tmp_path: Path) -> None:
    here, path = Path.cwd(), list(sys.path)
    outsider.write_text(f"import os, sys\nos.chdir({str(tmp_path)!r})\nsys.path.clear()\n")
    with pytest.raises(ValueError, match="no class 'Steady'"):
        member_of(f"{outsider}:Steady")
    assert Path.cwd() == here
    assert sys.path == path


def test_a_tuned_rule_whose_file_is_damaged_is_a_policy_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thinmargin.tuned.FOLDER", tmp_path)
    (tmp_path / "plan.json").write_text("{}")
    with pytest.raises(PolicyError, match=r"policy 'plan' cannot be loaded: .*plan\.json is no tuned rule"):
        member_of("plan")
    assert member_of("premium").name == "premium"
