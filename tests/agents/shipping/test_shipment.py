"""Trained agents that ship: what is stored of a run, what is refused, and that what is shipped plays as it did."""

from __future__ import annotations

import dataclasses
import json
import pickle
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import tyro
from tests.finished import MONTHS, WORLDS, finished_run, small_run
from tests.messages import lacks, naming, said

from thinmargin.observation import FEATURE_COUNT
from thinmargin.settings import Settings
from thinmargin.splits import KEYS
from thinmargin_agents.config.preset import resolve
from thinmargin_agents.config.train_config import TrainConfig
from thinmargin_agents.play.rollout import play_worlds
from thinmargin_agents.policies import shipped
from thinmargin_agents.policies.manifest import ShippedError
from thinmargin_agents.policies.shipped import agent, evaluations_of, manifest_of, trained_names
from thinmargin_agents.runs.folder import load_policy
from thinmargin_agents.sb3.actor_weights import read_actor
from thinmargin_agents.sb3.building import environment_arguments
from thinmargin_agents.shipping import shipment
from thinmargin_agents.shipping.__main__ import main

MEANING = "Random numbers in a small network."


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three finished runs that differ in their seed."""
    logs = tmp_path_factory.mktemp("logs")
    return [finished_run(logs, small_run(seed)) for seed in (7, 3, 4)]


@pytest.fixture(scope="module")
def made(runs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds the agent `tiny`, made of these runs."""
    folder = tmp_path_factory.mktemp("trained")
    assert ship(runs, folder) == 0
    return folder


@pytest.fixture
def trained(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that folder which is the package's own meanwhile."""
    for path in made.rglob("*"):
        if path.is_file():
            place = tmp_path / "trained" / path.relative_to(made)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(path.read_bytes())
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "trained")
    return tmp_path / "trained"


def observations(generator: np.random.Generator, count: int) -> Any:
    """Of firms a quarter through their episodes."""
    seen = generator.normal(size=(count, FEATURE_COUNT)).astype(np.float32)
    seen[:, 0] = 0.25
    return seen


def ship(folders: list[Path], where: Path, name: str = "tiny", meaning: str = MEANING) -> int:
    return main([name, *map(str, folders), "--meaning", meaning, "--folder", str(where)])


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("place", ["file", "file/deep", "/dev/full/agents"])
def test_a_place_where_no_folder_can_be_made_is_refused_before_anything_is_played(
    place: str, runs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shipment, "shipment_of", pytest.fail)
    (tmp_path / "file").touch()
    assert ship(runs, tmp_path / place) == 2
    assert not lacks(said(capsys), "--folder is", place, "is not a folder", "can be made")


@pytest.mark.usefixtures("trained")
def test_a_shipped_agent_plays_as_its_run_does(runs: list[Path]) -> None:
    assert trained_names() == ["tiny"]
    seen = observations(np.random.default_rng(0), 5)
    for folder, seed in zip(runs, (7, 3, 4), strict=True):
        shipped, trained = agent("tiny", seed).predict(seen), load_policy(folder).predict(seen)
        assert shipped[0].shape == (5, 4)
        assert np.array_equal(shipped[0], trained[0])
    first = agent("tiny").predict(seen)[0]
    assert np.array_equal(first, agent("tiny", 3).predict(seen)[0])
    assert not np.array_equal(first, agent("tiny", 4).predict(seen)[0])


@pytest.mark.usefixtures("trained")
def test_the_manifest_says_what_the_agent_is_and_how_it_did() -> None:
    manifest, run = manifest_of("tiny"), small_run(3)
    assert (manifest.name, manifest.meaning) == ("tiny", MEANING)
    assert (manifest.algo, manifest.env_id, manifest.env_kwargs) == ("ppo", run.env_id, run.env_kwargs)
    assert manifest.hyperparameters == run.hyperparameters
    assert manifest.preset == "default"
    assert manifest.versions["numpy"] == np.__version__
    assert [one.seed for one in manifest.seeds] == [3, 4, 7]
    settings = Settings(**environment_arguments(run))
    values = []
    for one in manifest.seeds:
        value = play_worlds(agent("tiny", one.seed), KEYS["validation"][:WORLDS], horizon=settings.horizon).value
        values.append(value)
        assert pytest.approx(value.mean(), abs=1e-6) == one.J
        assert one.probe == pytest.approx(value, abs=1e-6)
        assert (one.months, one.best_at, one.seconds, one.score) == (MONTHS, MONTHS // 2, 60.0, None)
    found = manifest.validation
    assert pytest.approx(np.mean(values), abs=1e-6) == found.J
    assert found.J_ci95[0] <= found.J <= found.J_ci95[1]
    assert (found.worlds, found.score, found.score_ci95) == (WORLDS, None, None)
    assert set(found.references) == {"low_margin_tuned", "plan", "plan_with_feedback"}


@pytest.mark.usefixtures("trained")
def test_the_command_of_the_manifest_leads_to_the_runs() -> None:
    manifest = manifest_of("tiny")
    words = shlex.split(manifest.command)
    assert words[:2] == ["python", "train.py"]
    config = tyro.cli(TrainConfig, args=words[2:])
    assert config.seeds == (3, 4, 7)
    for seed in config.seeds:
        assert resolve(dataclasses.replace(config, seeds=(), seed=seed)) == small_run(seed)


def test_a_run_of_a_graphics_processor_ships_where_there_is_none(tmp_path: Path) -> None:
    folder = finished_run(tmp_path, small_run())
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, "device": "cuda"}), encoding="utf-8")
    assert ship([folder], tmp_path) == 0
    content = json.loads((tmp_path / "tiny" / "manifest.json").read_text(encoding="utf-8"))
    assert "--device cuda" in content["command"]


def test_the_command_names_what_differs_from_the_preset(tmp_path: Path) -> None:
    run = small_run(2, env="ThinMargin/EcosystemContinuing-v1", algo="sac", residual="none", eval_freq=600)
    assert ship([finished_run(tmp_path, run)], tmp_path) == 0
    content = json.loads((tmp_path / "tiny" / "manifest.json").read_text(encoding="utf-8"))
    config = tyro.cli(TrainConfig, args=shlex.split(content["command"])[2:])
    assert resolve(config) == run
    assert (config.seed, config.seeds, config.algo, config.eval_freq) == (2, (), "sac", 600)


@pytest.mark.slow
def test_scores_are_kept_where_the_best_plans_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = small_run(0, env_kwargs=(), n_eval_episodes=2)
    folder = finished_run(tmp_path, run)
    assert ship([folder], tmp_path, "scored") == 0
    text = (folder / "evaluations.csv").read_text(encoding="utf-8").splitlines()
    (folder / "evaluations.csv").write_text("\n".join(line.rpartition(",")[0] for line in text), encoding="utf-8")
    assert ship([folder], tmp_path, "unscored") == 0
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    manifests = [manifest_of(name) for name in ("scored", "unscored")]
    for manifest in manifests:
        found = manifest.validation
        none, full = found.references["low_margin_tuned"], found.references["foresight"]
        assert found.score == pytest.approx(100.0 * (found.J - none) / (full - none), abs=1e-4)
        assert found.score == pytest.approx(found.score_of(found.J), abs=1e-4)
        assert found.score_ci95 is not None
        assert found.score_ci95[0] <= found.score <= found.score_ci95[1]
        assert manifest.seeds[0].score == pytest.approx(found.score)
    written, computed = (evaluations_of(manifest) for manifest in manifests)
    assert [row.score for row in written] == pytest.approx([row.score for row in computed], abs=1e-4)
    assert [row.score for row in written] == pytest.approx([manifests[0].validation.score] * 2, abs=1e-4)


@pytest.mark.usefixtures("trained")
def test_evaluations_are_those_of_all_seeds() -> None:
    manifest = manifest_of("tiny")
    rows = evaluations_of(manifest)
    assert [(row.seed, row.timesteps) for row in rows] == [
        (seed, months) for seed in (3, 4, 7) for months in (MONTHS // 2, MONTHS)
    ]
    assert {row.J for row in rows} == {one.J for one in manifest.seeds}
    assert {row.score for row in rows} == {None}


def test_the_same_runs_give_the_same_bytes_and_replace_what_was_there(
    runs: list[Path], made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ship(runs[:1], tmp_path) == 0
    assert set(files_of(tmp_path / "tiny")) == {"manifest.json", "evaluations.csv", "seed_7.safetensors"}
    capsys.readouterr()
    assert ship(runs, tmp_path) == 0
    output = capsys.readouterr().out
    files = files_of(tmp_path / "tiny")
    assert files == files_of(made / "tiny")
    assert "tiny: training seeds 3, 4, 7" in output
    assert f"on {WORLDS} validation worlds: J " in output
    assert f"{sum(map(len, files.values())):,} bytes in all" in output
    assert f"{len(files['seed_3.safetensors']):,} bytes" in output
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_ten_seeds_of_64_64_networks_are_small(tmp_path: Path) -> None:
    run = small_run(0, hyperparams=("policy_kwargs.net_arch=[64,64]",))
    assert ship([finished_run(tmp_path, run)], tmp_path) == 0
    files = files_of(tmp_path / "tiny")
    assert 10 * len(files["seed_0.safetensors"]) + len(files["manifest.json"]) + 10 * 12 * 100 < 400_000


def test_a_name_or_seed_that_is_not_shipped_is_refused_with_those_that_are(trained: Path) -> None:
    with pytest.raises(ValueError, match=naming("'tinny'", "did you mean tiny?", "shipped agents are tiny")):
        agent("tinny")
    with pytest.raises(ValueError, match=naming("'tiny'", "seed 5", "3, 4, 7")):
        agent("tiny", 5)
    (trained / "Not A Name").mkdir()
    (trained / "Not A Name" / "manifest.json").touch()
    (trained / "empty").mkdir()
    assert trained_names() == ["tiny"]
    for path in (trained / "tiny").iterdir():
        path.unlink()
    with pytest.raises(ValueError, match="shipped agents are none"):
        agent("tiny")


def test_a_damaged_or_foreign_file_is_refused_by_its_name_with_what_helps(trained: Path) -> None:
    folder = trained / "tiny"
    file = folder / "seed_3.safetensors"
    whole = file.read_bytes()
    for content in (whole[:100], whole[:-1] + b"\0", (folder / "seed_4.safetensors").read_bytes(), b""):
        file.write_bytes(content)
        with pytest.raises(ShippedError, match=naming("seed_3.safetensors", "damaged", "shipping tiny RUN")):
            agent("tiny", 3)
    file.unlink()
    with pytest.raises(ShippedError, match=naming("seed_3.safetensors", "install thinmargin anew")):
        agent("tiny", 3)
    assert agent("tiny", 4) is not None
    (folder / "evaluations.csv").write_text("seed\n")
    with pytest.raises(ShippedError, match=r"evaluations\.csv is damaged or foreign"):
        evaluations_of(manifest_of("tiny"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace('"ppo"', '"a2c"'), "does not fit its digest: it was changed"),
        (lambda text: text.replace("thinmargin-agent-1", "another"), "its format is not thinmargin-agent-1"),
        (lambda text: text[:50], "describes no shipped agent"),
        (lambda _: "[1]", "describes no shipped agent"),
        (lambda _: "{}", "its format is not"),
        (lambda _: '{"format": "thinmargin-agent-1"}', "describes no shipped agent: KeyError"),
    ],
)
def test_a_damaged_or_foreign_manifest_is_refused(trained: Path, change: Any, words: str) -> None:
    path = trained / "tiny" / "manifest.json"
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(ShippedError, match=words) as caught:
        agent("tiny")
    assert str(path) in str(caught.value)
    assert "install thinmargin anew" in str(caught.value)


def test_an_agent_under_another_name_is_refused(trained: Path) -> None:
    (trained / "tiny").rename(trained / "other")
    with pytest.raises(ShippedError, match="is of agent 'tiny', not 'other'"):
        agent("other")


def test_weights_of_another_network_are_refused(trained: Path) -> None:
    manifest = manifest_of("tiny")
    wide = dataclasses.replace(manifest, hyperparameters={**manifest.hyperparameters, "policy_kwargs": {}})
    (trained / "tiny" / "manifest.json").write_text(json.dumps(wide.to_json()), encoding="utf-8")
    with pytest.raises(ShippedError, match=r"seed_3\.safetensors does not fit its manifest\.json"):
        agent("tiny")
    with pytest.raises(ValueError, match="no safetensors file"):
        read_actor(b"pickle")


@pytest.mark.usefixtures("trained")
def test_nothing_is_unpickled(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: Any, **__: Any) -> Any:
        raise AssertionError("something was unpickled")

    for module, name in ((pickle, "load"), (pickle, "loads"), (pickle, "Unpickler"), (torch, "load")):
        monkeypatch.setattr(module, name, forbidden)
    assert agent("tiny").predict(np.zeros((1, FEATURE_COUNT), np.float32))[0].shape == (1, 4)


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(arguments) == 2
    return " ".join(capsys.readouterr().err.split())


def test_runs_of_different_agents_are_refused_with_what_differs(
    runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = finished_run(
        tmp_path, small_run(1, hyperparams=("policy_kwargs.net_arch=[9]", "learning_rate=0.5"), env_kwargs=())
    )
    errors = refused(["tiny", str(runs[0]), str(other), "--meaning", MEANING], capsys)
    assert f"{other} is another agent than {runs[0]}" in errors
    assert "env_kwargs horizon is 'not set', not 12" in errors
    assert "policy_kwargs.net_arch is [9], not [8]" in errors
    assert "learning_rate is 0.5" in errors
    assert "seed" not in errors.replace("--seed", "")


def test_the_same_seed_twice_is_refused(runs: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert "have the same seed, 7" in refused(["tiny", str(runs[0]), str(runs[0]), "--meaning", MEANING], capsys)


def test_an_unfinished_run_is_refused_with_what_finishes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = finished_run(tmp_path, small_run())
    table = folder / "evaluations.csv"
    lines = table.read_text(encoding="utf-8").splitlines()
    table.write_text("\n".join(lines[:2]) + "\n", encoding="utf-8")
    errors = refused(["tiny", str(folder), "--meaning", MEANING], capsys)
    assert not lacks(errors, "1,200 of 2,400 months", f"python train.py --resume {folder}")
    table.write_text("timesteps,J\nsome,1\n", encoding="utf-8")
    assert f"{table}: not the evaluations of a run" in refused(["tiny", str(folder), "--meaning", MEANING], capsys)
    table.write_text("timesteps,seconds,J,bankrupt_share\n2400,nan,1,0\n", encoding="utf-8")
    assert "nan is no finite number" in refused(["tiny", str(folder), "--meaning", MEANING], capsys)
    table.unlink()
    assert f"{table}: cannot be read" in refused(["tiny", str(folder), "--meaning", MEANING], capsys)


def test_a_policy_that_earns_something_else_now_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = finished_run(tmp_path, small_run(), J=12.5)
    errors = refused(["tiny", str(folder), "--meaning", MEANING, "--folder", str(tmp_path / "trained")], capsys)
    assert "not 12.500 as when it was judged" in errors
    assert "train it anew" in errors
    assert not (tmp_path / "trained").exists()


def test_a_policy_that_does_not_fit_its_run_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = finished_run(tmp_path, small_run(), policy={"log_std": np.zeros(4)})
    assert "its best policy does not fit config.json" in refused(["tiny", str(folder), "--meaning", MEANING], capsys)


def test_versions_that_are_no_texts_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = finished_run(tmp_path, small_run())
    (folder / "versions.json").write_text('{"python": {"a": 1}}', encoding="utf-8")
    assert "versions.json has a version that is no text" in refused(["tiny", str(folder), "--meaning", MEANING], capsys)


def test_a_run_that_no_shipped_preset_leads_to_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = small_run()
    values = {name: value for name, value in run.hyperparameters.items() if name not in ("policy", "gamma", "n_steps")}
    folder = finished_run(tmp_path, dataclasses.replace(run, hyperparameters={**values, "paired_worlds": 1}))
    errors = refused(["tiny", str(folder), "--meaning", MEANING], capsys)
    assert not lacks(errors, "preset", "hyper-parameters", "ppo")


@pytest.mark.parametrize(
    ("name", "meaning", "parts"),
    [
        ("Tiny", MEANING, ("NAME is 'Tiny'", "small letter, then small letters, digits and _")),
        ("tiny:3", MEANING, ("NAME is 'tiny:3'", "small letter, then small letters, digits and _")),
        ("plan", MEANING, ("NAME is 'plan'", "built-in policy", "another name")),
        ("foresight", MEANING, ("NAME is 'foresight'", "built-in policy", "another name")),
        ("index", MEANING, ("NAME is 'index'", "page", "another name")),
        ("tiny", " ", ("--meaning is ' '", "one line of at most 300 characters")),
        ("tiny", "one\ntwo", (r"--meaning is 'one\ntwo'", "one line of at most 300 characters")),
        ("tiny", "a" * 301, ("--meaning is 'aaa", "one line of at most 300 characters")),
        ("tiny", MEANING, ("absent: no such run folder",)),
    ],
)
def test_a_flag_that_cannot_be_used_is_named_with_what_is_allowed(
    name: str, meaning: str, parts: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert not lacks(refused([name, "absent", "--meaning", meaning], capsys), *parts)


def test_a_folder_that_is_no_agent_is_not_replaced(
    runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "mine").write_text("precious")
    errors = refused(["tiny", str(runs[0]), "--meaning", MEANING, "--folder", str(tmp_path)], capsys)
    assert "is there and is no shipped agent" in errors
    assert (tmp_path / "tiny" / "mine").read_text() == "precious"
    assert not lacks(refused(["tiny", "--meaning", MEANING], capsys), "RUN is missing", "at least one run folder")


def test_a_full_disk_leaves_the_agent_that_was_there(
    runs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ship(runs[:1], tmp_path) == 0
    before = files_of(tmp_path / "tiny")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shipment, "write_json", full)
    assert ship(runs, tmp_path) == 1
    assert "No space left on device" in capsys.readouterr().err
    assert files_of(tmp_path / "tiny") == before
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]
