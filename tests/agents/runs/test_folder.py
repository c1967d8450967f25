"""Files of strangers: nothing in them is executed, and what cannot be used is refused with its name."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import pickle
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
import tyro
from tests.bombs import Bomb
from tests.messages import lacks, naming, said
from tests.tiny_training import resume

from thinmargin import baselines
from thinmargin.splits import KEYS
from thinmargin.tuned import tuned_policy
from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.preset import resolve
from thinmargin_agents.config.train_config import TrainConfig
from thinmargin_agents.play.errors import PolicyError
from thinmargin_agents.play.rollout import play_worlds
from thinmargin_agents.policies.by_name import entrant_of
from thinmargin_agents.runs.file_names import BUILT_ON, CONFIG, RUN_FILES, Which
from thinmargin_agents.runs.folder import RunError, RunFolder, latest_run, load_policy
from thinmargin_agents.runs.safetensors_tree import read_tree, write_tree
from thinmargin_agents.train import main

pytestmark = pytest.mark.usefixtures("quick_training")


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    """A copy of a finished run, to be damaged."""
    return shutil.copytree(finished, tmp_path / "run")


def assert_refused(folder: Path, *words: str) -> None:
    """Neither played nor resumed, and the message has these words."""
    for use in (lambda: load_policy(folder), lambda: resume(folder)):
        with pytest.raises((RunError, ConfigError)) as caught:
            use()
        for word in words:
            assert word in str(caught.value)


def changed(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    file = folder / "config.json"
    values = json.loads(file.read_text(encoding="utf-8"))
    change(values)
    file.write_text(json.dumps(values), encoding="utf-8")


def forged(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """A folder with a changed configuration that its weights say they were saved with."""
    changed(folder, change)
    values = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    for which in ("best", "checkpoint"):
        file = folder / which / "state.safetensors"
        write_tree(file, {**read_tree(file), "settings": values})


@pytest.mark.parametrize("wrapper", ["os.system", {"os.system": {"command": "touch boom"}}, "thinmargin_agents.x.Y", 7])
def test_a_run_that_names_foreign_classes_is_refused(folder: Path, wrapper: Any) -> None:
    changed(folder, lambda values: values["hyperparameters"].update(env_wrapper=[wrapper]))
    assert_refused(folder, "env_wrapper", "thinmargin.wrappers.Residual")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda values: values["hyperparameters"].pop("n_timesteps"), "n_timesteps"),
        (lambda values: values["hyperparameters"].pop("n_envs"), "n_envs"),
        (lambda values: values["hyperparameters"].update(policy="MlpLstmPolicy"), "MlpLstmPolicy"),
        (lambda values: values["hyperparameters"].update(policy="os.system"), "policy"),
        (lambda values: values["hyperparameters"].update(env_wrapper="x"), "env_wrapper"),
        (lambda values: values["hyperparameters"].update(policy_kwargs={"net_arch": "x"}), "net_arch"),
        (lambda values: values["hyperparameters"]["policy_kwargs"].update(net_arch={"pi": [], "qf": []}), "pi and vf"),
        (lambda values: values["hyperparameters"].update(policy_kwargs={"features_extractor_class": 1}), "net_arch"),
        (lambda values: values.update(algo="dqn"), "config.json"),
        (lambda values: values.update(algo=["ppo"]), "--algo"),
        (lambda values: values.update(env_id="CartPole-v1"), "CartPole-v1"),
        (lambda values: values.update(env_id="ThinMargin/PriceWar-v1"), "held out"),
        (lambda values: values.update(env_kwargs={"split": "test"}), "split"),
        (lambda values: values.update(env_kwargs={"horizon": "x"}), "horizon"),
        (lambda values: values.update(env_kwargs={"unknown": 1}), "unknown"),
        (lambda values: values.update(extra=1), "config.json"),
        (lambda values: values.pop("seed"), "config.json"),
        (lambda values: values.update(num_threads=0), "--num-threads"),
    ],
)  # fmt: skip
def test_a_damaged_configuration_is_refused(folder: Path, change: Callable[[dict[str, Any]], Any], word: str) -> None:
    forged(folder, change)
    assert_refused(folder, word)


def told_for(folder: Path, command_file: str | None) -> str:
    """What is said of a refused run whose `command.txt` has this text, or is not there."""
    (folder / "command.txt").unlink(missing_ok=True)
    if command_file is not None:
        (folder / "command.txt").write_text(command_file, "utf-8")
    with pytest.raises(RunError) as caught:
        load_policy(folder)
    return str(caught.value)


def test_a_run_of_another_version_is_refused_by_name_with_the_command_of_its_configuration(folder: Path) -> None:
    before = RunFolder.open(folder).run()
    changed(folder, lambda values: values.update(env_id="ThinMargin/Ecosystem-v0"))
    told = told_for(folder, None)
    assert not lacks(told, "config.json is of ThinMargin/Ecosystem-v0", "ThinMargin/Ecosystem-v1", "train it anew: ")
    words = shlex.split(told.partition("train it anew: ")[2])
    assert words[:2] == ["python", "train.py"]
    assert resolve(tyro.cli(TrainConfig, args=words[2:])) == before
    assert_refused(folder, told)
    with pytest.raises(PolicyError, match=naming("config.json", "Ecosystem-v0", "train it anew: python train.py")):
        entrant_of(str(folder))


@pytest.mark.parametrize(
    "text",
    [
        "python train.py --resume logs/ppo/Ecosystem-v0_1\n",
        "\x1b[2J\x1b]0;title\x07python train.py\n",
        "rm -rf / # ThinMargin/Ecosystem-v0\n",
        50_000 * "x",
    ],
    ids=["resume", "escape codes", "another command", "long"],
)
def test_text_of_a_command_file_is_never_told_as_advice(text: str, folder: Path) -> None:
    changed(folder, lambda values: values.update(env_id="ThinMargin/Ecosystem-v0"))
    assert told_for(folder, text) == told_for(folder, None)


@pytest.mark.parametrize(
    "arguments",
    [
        {"title": "\x1b[2J"},
        {"title": "one\ntwo"},
        {"title": "\ud800"},
        {"title": 50_000 * "x"},
        {"horizon": float("nan")},
        {"a=b": 1},
        {"parameters": {"awareness_pivot": 500.0}},
        {"parameters": {"tax_rate": 0.1}},
        {"closing": "mean"},
        {"worlds": "first"},
        {"n_rivals": 3},
    ],
    ids=[
        "escape codes", "lines", "surrogate", "long", "nan", "equals sign", "a constant that is gone", "a constant",
        "no closing rule", "no family", "no argument",
    ],
)  # fmt: skip
def test_what_a_message_cannot_have_or_train_py_refuses_leaves_the_plain_command(
    arguments: dict[str, Any], folder: Path
) -> None:
    changed(folder, lambda values: values.update(env_id="ThinMargin/Ecosystem-v0"))
    changed(folder, lambda values: values["env_kwargs"].update(arguments))
    plain = "python train.py --algo ppo --env ThinMargin/Ecosystem-v1 --seed 0"
    assert told_for(folder, None).endswith(f"train it anew: {plain}")


@pytest.mark.parametrize(("before", "now"), [(False, ("horizon=12", "closing=none")), (True, ("horizon=12",))])
def test_a_closing_value_that_was_on_or_off_is_called_what_it_is_now(
    before: bool, now: tuple[str, ...], folder: Path
) -> None:
    changed(folder, lambda values: values.update(env_id="ThinMargin/Ecosystem-v0"))
    changed(folder, lambda values: values["env_kwargs"].update(closing=before))
    words = shlex.split(told_for(folder, None).partition("train it anew: ")[2])
    assert tyro.cli(TrainConfig, args=words[2:]).env_kwargs == now


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"paired_worlds": 2, "n_steps": None}, ("n_steps is missing", "12 months")),
        ({"paired_worlds": 2, "n_steps": 13}, ("n_steps is 13", "12 months")),
        ({"paired_worlds": 3}, ("n_envs is 4", "copies, 3")),
        ({"n_envs": 8}, ("does not fit config.json", "returns")),
        ({"policy_kwargs": {"net_arch": [16]}}, ("does not fit config.json", "shape (8,", "(16,")),
        ({"env_wrapper": []}, ("does not fit config.json", "shape")),
    ],
)
def test_a_configuration_that_its_checkpoint_does_not_fit_is_not_resumed(
    folder: Path, change: dict[str, Any], words: tuple[str, ...]
) -> None:
    def apply(values: dict[str, Any]) -> None:
        for name, value in change.items():
            values["hyperparameters"][name] = value
            if value is None:
                del values["hyperparameters"][name]

    forged(folder, apply)
    before = (folder / "checkpoint" / "state.safetensors").read_bytes()
    with pytest.raises((RunError, ConfigError)) as caught:
        resume(folder)
    for word in words:
        assert word in str(caught.value)
    assert (folder / "checkpoint" / "state.safetensors").read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"null", b"[" * 100_000, b'{"algo": 1e999}'])
def test_a_configuration_that_is_no_configuration_is_refused(folder: Path, content: bytes) -> None:
    (folder / "config.json").write_bytes(content)
    assert_refused(folder, "config.json")


def array_of(item: Any) -> bytes:
    content = io.BytesIO()
    np.save(content, np.array([item], dtype=object), allow_pickle=True)
    return content.getvalue()


@pytest.mark.parametrize(
    "write",
    [
        lambda file, boom: torch.save({"policy": Bomb(boom)}, file),
        lambda file, boom: file.write_bytes(pickle.dumps(Bomb(boom))),
        lambda file, boom: file.write_bytes(array_of(Bomb(boom))),
        lambda file, _: file.write_bytes((1 << 40).to_bytes(8, "little") + b"{}"),
        lambda file, _: file.write_bytes(file.read_bytes()[:-20]),
        lambda file, _: file.write_bytes(file.read_bytes().replace(b"thinmargin-tree-1", b"thinmargin-tree-9")),
    ],
)
def test_weights_in_any_other_form_are_refused_and_nothing_in_them_runs(
    folder: Path, boom: Path, write: Callable[[Path, Path], Any]
) -> None:
    for which in ("best", "checkpoint"):
        write(folder / which / "state.safetensors", boom)
    assert_refused(folder, "state.safetensors")
    assert not boom.exists()


def damaged(weights: dict[str, Any], name: str, how: Callable[[Any], Any]) -> dict[str, Any]:
    return {**weights, name: how(weights[name])}


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (lambda array: array.T.copy(), ("has shape (",)),
        (lambda array: array[:1], ("has shape (1,",)),
        (lambda array: array.astype(np.float64), ("has type torch.float64", "torch.float32")),
        (lambda array: np.full_like(array, np.nan), ("not finite",)),
        (lambda array: np.where(array == array[0, 0], np.float32(np.inf), array), ("not finite",)),
        (lambda _: 3.0, ("shape ()",)),
        (lambda _: "text", ("state.safetensors does not fit",)),
    ],
)
def test_weights_that_do_not_fit_are_refused_by_name(
    folder: Path, how: Callable[[Any], Any], words: tuple[str, ...]
) -> None:
    name = "mlp_extractor.policy_net.0.weight"
    run = RunFolder(folder)
    best, checkpoint = run.load("best"), run.load("checkpoint")
    best["policy"] = damaged(best["policy"], name, how)
    checkpoint["parameters"]["policy"] = best["policy"]
    write_tree(folder / "best" / "state.safetensors", best)
    with pytest.raises(RunError) as caught:
        load_policy(folder)
    for word in words:
        assert word in str(caught.value)
    write_tree(folder / "checkpoint" / "state.safetensors", checkpoint)
    with pytest.raises(RunError, match="does not fit"):
        resume(folder)


def test_weights_that_are_missing_or_too_many_are_named(folder: Path) -> None:
    best = RunFolder(folder).load("best")
    best["policy"]["stranger"] = best["policy"].pop("log_std")
    write_tree(folder / "best" / "state.safetensors", best)
    with pytest.raises(RunError, match=naming("log_std", "stranger")):
        load_policy(folder)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("validation", "rows"), 5), (("validation", "rows"), [[1]]), (("validation", "best"), 5),
        (("validation", "next"), "x"), (("dice", "torch"), [1]), (("dice", "numpy"), {}), (("dice",), None),
        (("environment",), {}), (("environment", "month"), None), (("last_observations",), np.zeros((1, 1))),
        (("counters",), {}), (("episodes",), 5), (("logged",), [1]), (("timesteps",), "many"), (("next_save",), None),
        (("timesteps",), float("inf")), (("environment", "generator", "uinteger"), -1),
        (("parameters", "policy.optimizer"), {}), (("parameters",), []), (("variables",), {"no_such": np.zeros(1)}),
    ],
)  # fmt: skip
def test_a_checkpoint_with_anything_wrong_in_it_is_refused(folder: Path, path: tuple[str, ...], value: Any) -> None:
    tree = RunFolder(folder).load("checkpoint")
    inner = tree
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    write_tree(folder / "checkpoint" / "state.safetensors", tree)
    with pytest.raises(RunError, match="does not fit"):
        resume(folder)


@pytest.mark.parametrize(
    "name", ["config.json", "evaluations.csv", "best", "checkpoint/state.safetensors", ".lock", "command.txt"]
)
def test_a_run_folder_with_links_is_refused_and_what_they_point_to_is_left(
    folder: Path, tmp_path: Path, name: str
) -> None:
    outside = tmp_path / "outside"
    (folder / name).rename(outside)
    (folder / name).symlink_to(outside)
    before = outside.read_bytes() if outside.is_file() else None
    assert_refused(folder, name, "a link")
    assert before is None or outside.read_bytes() == before


def test_a_pipe_in_place_of_a_file_is_refused_and_nobody_waits_for_it(folder: Path) -> None:
    (folder / "best" / "state.safetensors").unlink()
    os.mkfifo(folder / "best" / "state.safetensors")
    with pytest.raises(RunError, match="not a file"):
        load_policy(folder)


@pytest.mark.parametrize("name", [*RUN_FILES])
def test_something_of_another_kind_in_a_run_folder_is_refused_with_status_2_and_left(
    folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    odd, is_folder = folder / name, name in get_args(Which)
    if odd.is_dir():
        shutil.rmtree(odd)
    odd.unlink(missing_ok=True)
    if is_folder:
        odd.write_text("mine", encoding="utf-8")
    else:
        odd.parent.mkdir(exist_ok=True)
        odd.mkdir()
    assert main(["--resume", str(folder)]) == 2
    told = ("not a run folder",) if name == CONFIG else (f"{odd}: it is a {'file' if is_folder else 'folder'}, not a",)
    assert not lacks(said(capsys), *told)
    assert odd.exists()


def test_a_folder_with_the_name_of_a_temporary_file_stops_no_run(folder: Path) -> None:
    for place in (folder, folder / "best"):
        (place / ".config.json.1.0123abcd.tmp").mkdir()
    (folder / ".old.tmp").touch()
    with RunFolder(folder).held():
        pass
    assert (folder / "best" / ".config.json.1.0123abcd.tmp").is_dir()
    assert not (folder / ".old.tmp").exists()


def test_a_run_of_a_machine_with_a_gpu_plays_on_one_without_and_is_not_resumed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    keys = KEYS["validation"][:2]
    before = play_worlds(load_policy(folder), keys, horizon=12).value
    changed(folder, lambda values: values.update(device="cuda"))
    assert np.array_equal(play_worlds(load_policy(folder), keys, horizon=12).value, before)
    with pytest.raises(ConfigError, match="--device is 'cuda': PyTorch finds no GPU"):
        resume(folder)


def test_a_run_whose_plan_was_tuned_anew_is_refused_and_not_played_as_something_else(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert set(json.loads((folder / BUILT_ON).read_text("utf-8"))) == {"Residual", "Surprises"}
    load_policy(folder)
    rule = tuned_policy("plan_with_feedback")
    monkeypatch.setattr(baselines, "tuned_policy", lambda _: dataclasses.replace(rule, knots=rule.knots * 0.99))
    assert_refused(folder, "built_on.json", "Residual: the tuned rule is not the one the run began with")


def test_the_latest_run_is_one_with_a_policy_and_a_configuration(finished: Path, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    for name in ("whole", "bare", "empty"):
        shutil.copytree(finished, logs / "ppo" / name)
    (logs / "ppo" / "bare" / "config.json").unlink()
    shutil.rmtree(logs / "ppo" / "empty" / "best")
    shutil.rmtree(logs / "ppo" / "empty" / "checkpoint")
    assert latest_run(logs) == logs / "ppo" / "whole"
    assert latest_run(tmp_path / "absent") is None
