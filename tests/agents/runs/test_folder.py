"""Files of strangers: nothing in them is executed, and what cannot be used is refused with its name."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import os
import pickle
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from sb3_contrib import RecurrentPPO
from stable_baselines3 import DQN, PPO, SAC
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import DummyVecEnv

from thinmargin import baselines
from thinmargin.splits import KEYS
from thinmargin.tuned import tuned_policy
from thinmargin.wrappers import Residual, Surprises
from thinmargin_agents import import_sb3
from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.preset import resolve
from thinmargin_agents.config.run import Run
from thinmargin_agents.config.train_config import TrainConfig
from thinmargin_agents.play.rollout import play_worlds
from thinmargin_agents.runs.folder import BUILT_ON, RunError, RunFolder, latest_run, load_policy
from thinmargin_agents.runs.safetensors_tree import write_tree
from thinmargin_agents.sb3.building import build_environment, build_model
from thinmargin_agents.sb3.networks import policy_of
from thinmargin_agents.training import trainer
from thinmargin_agents.training.trainer import train

NAMES = ("policy_kwargs.net_arch=[8]", "paired_worlds=1", "n_steps=12", "batch_size=24")
FLAGS: dict[str, Any] = {"env_kwargs": ("horizon=12",), "n_envs": 4, "total_timesteps": 48, "n_eval_episodes": 2}


class Bomb:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (os.mkdir, (str(self.path),))


@pytest.fixture
def boom(tmp_path: Path) -> Path:
    """What a bomb makes; the bomb itself is live."""
    path = tmp_path / "boom"
    pickle.loads(pickle.dumps(Bomb(path)))  # noqa: S301  # the one place where it may
    assert path.is_dir()
    path.rmdir()
    return path


@pytest.fixture(autouse=True)
def small_and_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "FINAL_WORLDS", 2)
    monkeypatch.setattr(trainer, "can_draw", lambda: False)
    monkeypatch.setattr(os, "fsync", lambda _: None)  # no test pulls the plug


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run."""
    folder = RunFolder.create(tmp_path_factory.mktemp("logs"), resolve(TrainConfig(**FLAGS, hyperparams=NAMES)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer, "FINAL_WORLDS", 2)
        patch.setattr(trainer, "can_draw", lambda: False)
        train(folder.run(), folder, shown=False)
    return folder.path


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    """A copy of a finished run, to be damaged."""
    return shutil.copytree(finished, tmp_path / "run")


def refused(folder: Path, *words: str) -> None:
    """Neither played nor gone on with, and the message has these words."""
    for use in (lambda: load_policy(folder), lambda: go_on(folder)):
        with pytest.raises((RunError, ConfigError)) as caught:
            use()
        for word in words:
            assert word in str(caught.value)


def go_on(folder: Path) -> None:
    opened = RunFolder.open(folder)
    train(opened.run(), opened, shown=False, go_on=True)


def changed(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    file = folder / "config.json"
    values = json.loads(file.read_text(encoding="utf-8"))
    change(values)
    file.write_text(json.dumps(values), encoding="utf-8")


@pytest.mark.parametrize("wrapper", ["os.system", {"os.system": {"command": "touch boom"}}, "thinmargin_agents.x.Y", 7])
def test_a_run_that_names_foreign_classes_is_refused(folder: Path, wrapper: Any) -> None:
    changed(folder, lambda values: values["hyperparameters"].update(env_wrapper=[wrapper]))
    refused(folder, "env_wrapper", "thinmargin.wrappers.Residual")


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
        (lambda values: values["hyperparameters"].update(policy_kwargs={"features_extractor_class": "x"}), "unknown"),
        (lambda values: values.update(algo="dqn"), "config.json"),
        (lambda values: values.update(algo=["ppo"]), "--algo"),
        (lambda values: values.update(env_id="CartPole-v1"), "CartPole-v1"),
        (lambda values: values.update(env_id="ThinMargin/PriceWar-v0"), "held out"),
        (lambda values: values.update(env_kwargs={"split": "test"}), "split"),
        (lambda values: values.update(env_kwargs={"horizon": "x"}), "horizon"),
        (lambda values: values.update(env_kwargs={"unknown": 1}), "unknown"),
        (lambda values: values.update(extra=1), "config.json"),
        (lambda values: values.pop("seed"), "config.json"),
        (lambda values: values.update(num_threads=0), "--num-threads"),
    ],
)  # fmt: skip
def test_a_damaged_configuration_is_refused(folder: Path, change: Callable[[dict[str, Any]], Any], word: str) -> None:
    changed(folder, change)
    refused(folder, word)


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
def test_a_configuration_that_its_checkpoint_does_not_fit_is_not_gone_on_with(
    folder: Path, change: dict[str, Any], words: tuple[str, ...]
) -> None:
    def apply(values: dict[str, Any]) -> None:
        for name, value in change.items():
            values["hyperparameters"][name] = value
            if value is None:
                del values["hyperparameters"][name]

    changed(folder, apply)
    before = (folder / "checkpoint" / "state.safetensors").read_bytes()
    with pytest.raises((RunError, ConfigError)) as caught:
        go_on(folder)
    for word in words:
        assert word in str(caught.value)
    assert (folder / "checkpoint" / "state.safetensors").read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"null", b"[" * 100_000, b'{"algo": 1e999}'])
def test_a_configuration_that_is_no_configuration_is_refused(folder: Path, content: bytes) -> None:
    (folder / "config.json").write_bytes(content)
    refused(folder, "config.json")


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
    refused(folder, "state.safetensors")
    assert not boom.exists()


def spoilt(weights: dict[str, Any], name: str, how: Callable[[Any], Any]) -> dict[str, Any]:
    return {**weights, name: how(weights[name])}


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (lambda array: array.T.copy(), ("has shape (",)),
        (lambda array: array[:1], ("has shape (1,",)),
        (lambda array: array.astype(np.float64), ("has type torch.float64", "torch.float32 is wanted")),
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
    best["policy"] = spoilt(best["policy"], name, how)
    checkpoint["parameters"]["policy"] = best["policy"]
    write_tree(folder / "best" / "state.safetensors", best)
    with pytest.raises(RunError) as caught:
        load_policy(folder)
    for word in words:
        assert word in str(caught.value)
    write_tree(folder / "checkpoint" / "state.safetensors", checkpoint)
    with pytest.raises(RunError, match="does not fit"):
        go_on(folder)


def test_weights_that_are_missing_or_too_many_are_named(folder: Path) -> None:
    best = RunFolder(folder).load("best")
    best["policy"]["stranger"] = best["policy"].pop("log_std")
    write_tree(folder / "best" / "state.safetensors", best)
    with pytest.raises(RunError, match="it lacks log_std; it has beside stranger"):
        load_policy(folder)


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
        go_on(folder)


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
    refused(folder, name, "a link")
    assert before is None or outside.read_bytes() == before


def test_a_pipe_in_place_of_a_file_is_refused_and_nobody_waits_for_it(folder: Path) -> None:
    (folder / "best" / "state.safetensors").unlink()
    os.mkfifo(folder / "best" / "state.safetensors")
    with pytest.raises(RunError, match="not a file"):
        load_policy(folder)


def test_a_run_of_a_machine_with_a_gpu_plays_on_one_without_and_is_not_gone_on_with(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    keys = KEYS["validation"][:2]
    before = play_worlds(load_policy(folder), keys, horizon=12).value
    changed(folder, lambda values: values.update(device="cuda"))
    assert np.array_equal(play_worlds(load_policy(folder), keys, horizon=12).value, before)
    with pytest.raises(ConfigError, match="--device is 'cuda': PyTorch finds no GPU"):
        go_on(folder)


def test_a_run_whose_plan_was_tuned_anew_is_refused_and_not_played_as_something_else(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert set(json.loads((folder / BUILT_ON).read_text("utf-8"))) == {"Residual", "Surprises"}
    load_policy(folder)
    rule = tuned_policy("plan_with_feedback")
    monkeypatch.setattr(baselines, "tuned_policy", lambda _: dataclasses.replace(rule, knots=rule.knots * 0.99))
    refused(folder, "built_on.json", "Residual: the tuned rule is another than when the run began")


def test_the_latest_run_is_one_with_a_policy_and_a_configuration(finished: Path, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    for name in ("whole", "bare", "empty"):
        shutil.copytree(finished, logs / "ppo" / name)
    (logs / "ppo" / "bare" / "config.json").unlink()
    shutil.rmtree(logs / "ppo" / "empty" / "best")
    shutil.rmtree(logs / "ppo" / "empty" / "checkpoint")
    assert latest_run(logs) == logs / "ppo" / "whole"
    assert latest_run(tmp_path / "absent") is None


# Models of stock Stable-Baselines3


def stock_model(algo: str, **flags: Any) -> tuple[Run, BaseAlgorithm]:
    """A model as it stands after some training elsewhere: its weights are not those of a fresh one."""
    run = resolve(TrainConfig(algo=algo, **{**FLAGS, **flags}))  # type: ignore[arg-type]  # one of the names
    model = build_model(run, build_environment(run))
    torch.manual_seed(1)
    for parameter in model.policy.parameters():
        parameter.data.add_(0.1 * torch.randn_like(parameter))
    return run, model


LSTM = ("policy_kwargs.net_arch=[8]", "policy_kwargs.lstm_hidden_size=8", "paired_worlds=1", "n_steps=12")
SAMPLES: dict[str, tuple[type[BaseAlgorithm], tuple[str, ...]]] = {
    "ppo": (PPO, NAMES),
    "ppo_lstm": (RecurrentPPO, LSTM),
    "sac": (SAC, ("policy_kwargs.net_arch=[8]", "buffer_size=96")),
    "dqn": (DQN, ("policy_kwargs.net_arch=[8]", "buffer_size=96")),
}


@pytest.mark.parametrize("algo", SAMPLES)
def test_a_stock_model_plays_as_it_did_where_it_came_from(
    algo: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kind, names = SAMPLES[algo]
    run, model = stock_model(algo, hyperparams=names)
    assert type(model) is kind
    model.save(tmp_path / "model.zip")
    output = tmp_path / "runs" / "taken"
    status = import_sb3.main([
        str(tmp_path / "model.zip"), "--algo", algo, "--env-kwargs", "horizon=12", "--hyperparams", *names,
        "--seed", "7", "--output", str(output),
    ])  # fmt: skip
    assert status == 0, capsys.readouterr().err
    assert RunFolder.open(output).run().seed == 7
    keys = KEYS["validation"][:4]
    theirs = play_worlds(policy_of(model.policy, run), keys, horizon=12).value
    assert np.array_equal(play_worlds(load_policy(output), keys, horizon=12).value, theirs)
    with pytest.raises(RunError, match="a policy but no checkpoint"):
        go_on(output)


def test_a_model_that_an_outsider_trained_behind_our_wrappers_is_taken_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def make() -> Any:
        return Residual(Surprises(gymnasium.make("thinmargin:ThinMargin/Ecosystem-v0", horizon=12)), bound=0.25)

    model = PPO("MlpPolicy", DummyVecEnv([make, make]), n_steps=12, batch_size=24, policy_kwargs={"net_arch": [8]})
    model.learn(48)
    model.save(tmp_path / "model")
    preset = tmp_path / "theirs.yml"
    preset.write_text(
        "ThinMargin/Ecosystem-v0:\n  n_timesteps: 48\n  n_envs: 2\n  policy_kwargs: {net_arch: [8]}\n"
        "  env_wrapper:\n    - thinmargin.wrappers.Surprises\n    - thinmargin.wrappers.Residual: {bound: 0.25}\n"
        "  env_kwargs: {horizon: 12}\n",
        encoding="utf-8",
    )
    output = tmp_path / "run"
    assert import_sb3.main([str(tmp_path / "model.zip"), "--preset", str(preset), "--output", str(output)]) == 0
    assert f"python evaluate.py {output}" in capsys.readouterr().out
    environment, policy = make(), load_policy(output)
    seen, _ = environment.reset(seed=3)
    bare = gymnasium.make("thinmargin:ThinMargin/Ecosystem-v0", horizon=12)
    bare_seen, _ = bare.reset(seed=3)
    state = None
    for _ in range(12):
        action, _ = model.predict(seen, deterministic=True)
        seen, reward, *_ = environment.step(action)
        bare_action, state = policy.predict(bare_seen, state)
        bare_seen, bare_reward, *_ = bare.step(bare_action)
        assert bare_reward == pytest.approx(reward, abs=1e-9)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A zip of stock PPO."""
    path = tmp_path_factory.mktemp("stock") / "model.zip"
    stock_model("ppo", hyperparams=NAMES)[1].save(path)
    return path


def taken(model: Path, output: Path, *more: str) -> int:
    return import_sb3.main([
        str(model), "--env-kwargs", "horizon=12", "--hyperparams", *NAMES, *more, "--output", str(output),
    ])  # fmt: skip


def rewritten(saved: Path, path: Path, **members: bytes | None) -> Path:
    """A copy of a zip with members replaced, or left out."""
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = members.get(name.removesuffix(".pth"), old.read(name))
            if content is not None:
                new.writestr(name, content)
    return path


def pickled(item: Any) -> bytes:
    content = io.BytesIO()
    torch.save(item, content)
    return content.getvalue()


def test_the_pickle_in_a_stock_zip_is_not_touched(saved: Path, tmp_path: Path, boom: Path) -> None:
    payload = base64.b64encode(pickle.dumps(Bomb(boom))).decode()
    data = json.dumps({"policy_class": {":type:": "x", ":serialized:": payload}}).encode()
    crafted = rewritten(saved, tmp_path / "crafted.zip", data=data, pytorch_variables=pickle.dumps(Bomb(boom)))
    assert taken(crafted, tmp_path / "run") == 0
    assert load_policy(tmp_path / "run") is not None
    assert not boom.exists()


def test_a_stock_zip_whose_weights_are_a_pickle_is_refused_and_nothing_in_it_runs(
    saved: Path, tmp_path: Path, boom: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for content in (pickled({"log_std": Bomb(boom)}), pickle.dumps(Bomb(boom)), pickled(Bomb(boom))):
        crafted = rewritten(saved, tmp_path / "crafted.zip", policy=content)
        assert taken(crafted, tmp_path / "run") == 2
        told = capsys.readouterr().err
        assert "crafted.zip" in told
        assert "more than tensors" in told
    assert not boom.exists()
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"policy": None}, ("has no policy.pth",)),
        ({"policy": b""}, ("damaged",)),
        ({"policy": pickled([1, 2])}, ("something else than named tensors",)),
        ({"policy": pickled({"a": 3})}, ("something else than named tensors",)),
        ({"policy": pickled({1: torch.zeros(2)})}, ("something else than named tensors",)),
        ({"policy": pickled({"a": torch.zeros(2)})}, ("it lacks", "it has beside a")),
        ({"policy": bytes(1 << 23)}, ("8,388,608 bytes", "at most")),
        ({"policy": pickled({"log_std": torch.zeros(4).to_sparse()})}, ("something else than named tensors",)),
        ({"policy": pickled({"log_std": torch.zeros(4, device="meta")})}, ("something else than named tensors",)),
    ],
)
def test_a_damaged_stock_zip_is_refused(
    saved: Path, tmp_path: Path, members: dict[str, Any], words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert taken(rewritten(saved, tmp_path / "damaged.zip", **members), tmp_path / "run") == 2
    told = capsys.readouterr().err
    for word in ("damaged.zip", *words):
        assert word in told
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("packing", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_stock_zip_that_cannot_be_unpacked_is_refused(
    tmp_path: Path, packing: int, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "packed.zip"
    with zipfile.ZipFile(file, "w", packing) as archive:
        archive.writestr("policy.pth", bytes(range(256)) * 20)
    content = bytearray(file.read_bytes())
    content[60:120] = b"\xff" * 60
    file.write_bytes(content)
    assert taken(file, tmp_path / "run") == 2
    assert "packed.zip: not a zip that can be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--hyperparams", *NAMES[1:], "policy_kwargs.net_arch=[16]"], ("has shape (8,", "(16,", "--preset")),
        (["--history", "6"], ("has shape (8, 43)", "(8, 86) is wanted")),
        (["--algo", "sac", "--hyperparams", "policy_kwargs.net_arch=[8]"], ("it lacks actor.", "and", "more")),
        (["--algo", "a3c"], ("a3c",)),
        (["--env", "CartPole-v1"], ("CartPole-v1", "ThinMargin/Ecosystem-v0")),
        (["--env", "ThinMargin/PriceWar-v0"], ("held out",)),
        (["--preset", "nothing"], ("--preset", "nothing")),
        (["--seed", "-1"], ("--seed", "-1")),
    ],
)
def test_flags_that_describe_another_model_are_refused(
    saved: Path, tmp_path: Path, flags: list[str], words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert taken(saved, tmp_path / "run", *flags) == 2
    printed = capsys.readouterr()
    for word in words:
        assert word in printed.err + printed.out
    assert not (tmp_path / "run").exists()


def test_files_and_folders_that_cannot_be_used_are_named(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert taken(tmp_path / "absent.zip", tmp_path / "run") == 2
    assert "absent.zip" in capsys.readouterr().err
    (tmp_path / "text.zip").write_text("no zip", encoding="utf-8")
    assert taken(tmp_path / "text.zip", tmp_path / "run") == 2
    assert "text.zip" in capsys.readouterr().err
    assert taken(saved, tmp_path) == 2
    assert "--output" in capsys.readouterr().err
    assert taken(saved, tmp_path / "text.zip" / "run") == 1
    assert "text.zip" in capsys.readouterr().err


def test_help_of_the_stock_command_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom thinmargin_agents.import_sb3 import main\nassert main(['--help']) == 0\n"
        "heavy = {'torch', 'numba', 'numpy', 'gymnasium', 'stable_baselines3'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(  # noqa: S603  # the program is written above
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for word in ("MODEL.zip", "--algo", "--preset", "--hyperparams", "--output"):
        assert word in done.stdout
