from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.finished import finished_run, small_run
from tests.messages import lacks, naming, said

from thinmargin.baselines import BASELINES, RandomPolicy
from thinmargin.observation import FEATURE_COUNT
from thinmargin_agents.evaluate import run
from thinmargin_agents.evaluate.command import main
from thinmargin_agents.evaluate.config import policies_help
from thinmargin_agents.export.conversion import source_of
from thinmargin_agents.play.errors import PolicyError
from thinmargin_agents.policies import shipped
from thinmargin_agents.policies.by_name import allowed_policies, entrant_of, member_of
from thinmargin_agents.policies.manifest import Manifest
from thinmargin_agents.shipping.__main__ import main as ship

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
    """Calls of a stand-in for the runs module, which returns random policies and refuses folders named bad."""
    calls: list[tuple[Path, str]] = []

    def load_policy(folder: Path, which: str = "best") -> RandomPolicy:
        calls.append((folder, which))
        if folder.name == "bad":
            raise ValueError("policy.safetensors is damaged")
        return RandomPolicy()

    monkeypatch.setitem(sys.modules, "thinmargin_agents.runs.folder", SimpleNamespace(load_policy=load_policy))
    return calls


def make_run(folder: Path, env_id: str = "ThinMargin/Ecosystem-v1", seed: int = 3, **env_kwargs: Any) -> Path:
    for which in ("best", "checkpoint"):
        (folder / which).mkdir(parents=True)
        (folder / which / "state.safetensors").touch()
    (folder / "config.json").write_text(json.dumps({"env_id": env_id, "env_kwargs": env_kwargs, "seed": seed}))
    return folder


@pytest.mark.parametrize("name", BASELINES)
def test_hand_coded_policies_go_by_their_name(name: str) -> None:
    member = member_of(name)
    assert (member.name, member.discrete, member.is_run, member.seed) == (name, False, False, None)
    assert member.policy.predict(np.zeros((3, FEATURE_COUNT), np.float32))[0].shape == (3, 4)


def test_a_class_in_a_file_with_a_module_beside_it(outsider: Path) -> None:
    before = list(sys.path)
    member = member_of(f"{outsider}:Steady")
    assert member.policy.predict(np.zeros((2, FEATURE_COUNT), np.float32))[0].tolist() == [[0.25] * 4] * 2
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
    assert member_of(str(make_run(tmp_path / "grid", "ThinMargin/EcosystemDiscrete-v1"))).discrete is True
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
    twin = make_run(tmp_path / "twin", seed=4)
    with pytest.raises(ValueError, match="have the same seed, 4"):
        entrant_of(f"{folders[0]},{twin}")
    other = make_run(tmp_path / "other", "ThinMargin/EcosystemCalibrated-v1", seed=6)
    with pytest.raises(ValueError, match=naming("env_id", folders[0], str(other))):
        entrant_of(f"{folders[0]},{other}")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("premum", "did you mean premium?"),
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
    assert not lacks(caught.value, words, *name.split(",")[:1])


@pytest.mark.parametrize("name", ["nobody", ".", "model.zip"])
def test_a_refusal_lists_what_is_allowed(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("model.zip").touch()
    with pytest.raises(
        ValueError, match=naming(repr(name), "allowed", "low_margin_ecosystem", "run folder", "file.py:Class")
    ):
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
        levels.append(float(member.policy.predict(np.zeros((1, FEATURE_COUNT), np.float32))[0][0, 0]))
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
    with pytest.raises(PolicyError, match=naming("'plan'", "plan.json", "tuned rule")):
        member_of("plan")
    assert member_of("premium").name == "premium"


GRID = "ThinMargin/EcosystemDiscrete-v1"
AS_GRID, AS_NUMBERS = "one number of a grid of levers", "a number for each lever"
"""The two forms of an action."""


@pytest.fixture(scope="module")
def agents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two shipped agents: `tiny` of three training seeds, and `grid`, which answers with grid indices."""
    logs, folder = tmp_path_factory.mktemp("logs"), tmp_path_factory.mktemp("trained")
    tiny = [str(finished_run(logs, small_run(seed))) for seed in (0, 1, 12)]
    grid = [str(finished_run(logs, small_run(0, algo="dqn", env=GRID)))]
    for name, runs in (("tiny", tiny), ("grid", grid)):
        assert ship([name, *runs, "--meaning", "Random numbers.", "--folder", str(folder)]) == 0
    return folder


@pytest.fixture
def trained(agents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The agents are those that the package ships; the working directory is empty."""
    monkeypatch.setattr(shipped, "FOLDER", agents)
    monkeypatch.chdir(tmp_path)
    return agents


@pytest.mark.usefixtures("trained")
def test_a_shipped_agent_plays_all_its_seeds_or_one() -> None:
    whole = entrant_of("tiny")
    assert whole.name == "tiny"
    assert [member.name for member in whole.members] == ["tiny:0", "tiny:1", "tiny:12"]
    assert [member.seed for member in whole.members] == [0, 1, 12]
    assert all(member.is_run and member.discrete is False for member in whole.members)
    one = entrant_of("tiny:12")
    assert (one.name, [member.seed for member in one.members]) == ("tiny:12", [12])
    two = entrant_of("tiny:0,tiny:12")
    assert (two.name, [member.seed for member in two.members]) == ("tiny:0,tiny:12", [0, 12])
    assert member_of("grid:0").discrete is True
    seen = np.zeros((2, FEATURE_COUNT), np.float32)
    assert member_of("tiny:1").policy.predict(seen)[0].shape == (2, 4)
    assert member_of("grid:0").policy.predict(seen)[0].shape == (2,)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("tinny", "is unknown: did you mean tiny?"),
        ("tiny:2", "allowed are tiny:0, tiny:1, tiny:12"),
        ("tiny:", "allowed are tiny:0, tiny:1, tiny:12"),
        ("tiny:01", "allowed are tiny:0, tiny:1, tiny:12"),
        ("tiny,tiny:0", "whole agents are named one by one"),
        ("tiny:0,tiny:0", "names a run twice"),
        ("nobody", "grid, tiny, NAME:SEED"),
    ],
)
@pytest.mark.usefixtures("trained")
def test_a_name_of_no_shipped_agent_is_refused_with_those_there_are(name: str, words: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the words are checked below, unescaped
        entrant_of(name)
    assert not lacks(caught.value, words, *name.split(",")[:1])


def test_a_folder_of_the_same_name_is_reached_by_its_path(trained: Path, loaded: list[tuple[Path, str]]) -> None:
    make_run(Path("tiny"), seed=5)
    assert member_of("./tiny").seed == 5
    assert loaded == [(Path("tiny"), "best")]
    assert entrant_of("tiny").members[0].name == "tiny:0"
    assert trained.is_dir()


def test_a_shipped_agent_that_is_damaged_is_a_policy_error(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "copy")
    (tmp_path / "copy" / "tiny").mkdir(parents=True)
    for path in (trained / "tiny").iterdir():
        (tmp_path / "copy" / "tiny" / path.name).write_bytes(path.read_bytes())
    (tmp_path / "copy" / "tiny" / "seed_1.safetensors").write_bytes(b"")
    with pytest.raises(PolicyError, match=naming("'tiny'", "seed_1.safetensors", "damaged")):
        entrant_of("tiny")
    assert entrant_of("tiny:0").members[0].seed == 0
    (tmp_path / "copy" / "tiny" / "manifest.json").write_text("{}")
    with pytest.raises(PolicyError, match=naming("'tiny'", "manifest.json")):
        entrant_of("tiny")
    with pytest.raises(PolicyError, match="cannot be loaded"):
        entrant_of("tiny:0")


def test_a_shipped_agent_of_another_version_of_its_environment_is_refused_by_name(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "copy")
    shutil.copytree(trained / "tiny", tmp_path / "copy" / "tiny")
    path = tmp_path / "copy" / "tiny" / "manifest.json"
    manifest = Manifest.from_json(json.loads(path.read_text("utf-8")))
    old = replace(manifest, env_id="ThinMargin/Ecosystem-v0", command="python train.py --env ThinMargin/Ecosystem-v0")
    path.write_text(json.dumps(old.to_json()), "utf-8")
    words = (
        *("tiny/manifest.json is of ThinMargin/Ecosystem-v0", "ThinMargin/Ecosystem-v1"),
        *("python train.py --env ThinMargin/Ecosystem-v1,", "python -m thinmargin_agents.shipping tiny RUN"),
    )
    for name in ("tiny", "tiny:1"):
        with pytest.raises(PolicyError, match=naming(*words)):
            entrant_of(name)
    with pytest.raises(shipped.ShippedError, match=naming(*words)):
        shipped.agent("tiny")
    with pytest.raises(shipped.ShippedError, match=naming(*words)):
        source_of("tiny:0", None)
    monkeypatch.setattr("thinmargin_agents.evaluate.run.BASELINES", {"premium": BASELINES["premium"]})
    assert main(["--n-worlds", "2", "--no-stress"]) == 1
    assert not lacks(capsys.readouterr().err, "'tiny' cannot be loaded", *words)


def test_help_and_refusals_list_the_shipped_agents(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not lacks(policies_help(), "grid, tiny", "NAME:SEED")
    assert "do_nothing, grid, tiny, NAME:SEED" in allowed_policies()
    monkeypatch.setattr(shipped, "FOLDER", trained / "absent")
    assert "NAME:SEED" not in policies_help()
    assert "do_nothing, a run folder" in allowed_policies()


def judged(*arguments: str) -> Any:
    assert main([*arguments, "--n-worlds", "2", "--no-stress", "--json", "all.json"]) == 0
    return json.loads(Path("all.json").read_text(encoding="utf-8"))["policies"]


@pytest.mark.usefixtures("trained")
@pytest.mark.usefixtures("intervals_of_few")
def test_all_seeds_of_a_shipped_agent_are_judged_as_one_entrant() -> None:
    policies = judged("tiny", "tiny:1")
    assert set(policies) - {"foresight"} == {"tiny", "tiny:1", "low_margin_ecosystem", "low_margin_tuned"}
    assert policies["tiny"]["seeds"] == [0, 1, 12]
    assert len(policies["tiny"]["J_by_seed"]) == 3
    assert policies["tiny"]["J_ci95_seeds"] is not None
    assert policies["tiny:1"]["J_mean"] == pytest.approx(policies["tiny"]["J_by_seed"][1])
    assert policies["tiny:1"]["J_ci95_seeds"] is None


@pytest.mark.slow
@pytest.mark.usefixtures("trained")
def test_without_policies_the_shipped_agents_of_the_environment_play_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert set(judged()) - {"foresight"} == {"tiny", *BASELINES}
    assert not lacks(said(capsys), "logs", "thinmargin-train", "hand-coded")
    assert set(judged("--env", GRID)) - {"foresight"} == {"grid", *BASELINES}
    assert set(judged("--env", "ThinMargin/EcosystemContinuing-v1")) == set(BASELINES)


@pytest.mark.slow
@pytest.mark.usefixtures("trained")
def test_a_shipped_agent_plays_where_its_actions_fit_and_is_refused_elsewhere(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for env in ("ThinMargin/EcosystemContinuing-v1", "ThinMargin/EcosystemCalibrated-v1", "ThinMargin/PriceWar-v1"):
        assert "tiny:0" in judged("tiny:0", "--env", env)
    assert "grid" in judged("grid", "--env", GRID)
    monkeypatch.setattr(run, "play_all", None)
    capsys.readouterr()
    assert main(["grid"]) == 2
    assert not lacks(
        said(capsys),
        "POLICY", "'grid'", f"trained for {GRID}", f"answers with {AS_GRID}",
        f"ThinMargin/Ecosystem-v1 takes {AS_NUMBERS}", f"--env {GRID}",
    )  # fmt: skip
    assert main(["tiny", "--env", f"thinmargin:{GRID}"]) == 2
    assert not lacks(
        said(capsys),
        "POLICY", "'tiny'", "trained for ThinMargin/Ecosystem-v1", f"answers with {AS_NUMBERS}",
        f"{GRID} takes {AS_GRID}", "--env ThinMargin/Ecosystem-v1",
    )  # fmt: skip
