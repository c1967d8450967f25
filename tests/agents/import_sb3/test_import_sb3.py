from __future__ import annotations

import base64
import io
import json
import pickle
import zipfile
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
from tests.bombs import Bomb
from tests.messages import lacks, said
from tests.tiny_training import FLAGS, NAMES, resume

from thinmargin.observation import FEATURE_COUNT
from thinmargin.splits import KEYS
from thinmargin.wrappers import Residual, Surprises
from thinmargin_agents import import_sb3
from thinmargin_agents.config.preset import resolve
from thinmargin_agents.config.run import Run
from thinmargin_agents.config.train_config import TrainConfig
from thinmargin_agents.play.rollout import play_worlds
from thinmargin_agents.runs.folder import RunError, RunFolder, load_policy
from thinmargin_agents.sb3.building import build_environment, build_model
from thinmargin_agents.sb3.networks import policy_of
from thinmargin_agents.tuning.feedback import FEATURES

pytestmark = pytest.mark.usefixtures("quick_training")


def stock_model(algo: str, **flags: Any) -> tuple[Run, BaseAlgorithm]:
    """A model as it stands after some training elsewhere: its weights are not those of a fresh one."""
    run = resolve(TrainConfig(algo=algo, **{**FLAGS, **flags}))  # type: ignore[arg-type]  # one of the names
    model = build_model(run, build_environment(run))
    model.seed = None  # as of one that nobody seeded
    torch.manual_seed(1)
    for parameter in model.policy.parameters():
        parameter.data.add_(0.1 * torch.randn_like(parameter))
    return run, model


SURPRISES = len(FEATURES)
"""Departures from the plan's expectations that the preset shows beside what is observed."""
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
    output = tmp_path / "runs" / "imported"
    status = import_sb3.main([
        str(tmp_path / "model.zip"), "--algo", algo, "--env-kwargs", "horizon=12", "--hyperparams", *names,
        "--seed", "7", "--output", str(output),
    ])  # fmt: skip
    assert status == 0, capsys.readouterr().err
    assert RunFolder.open(output).run().seed == 7
    keys = KEYS["validation"][:4]
    expected = play_worlds(policy_of(model.policy, run), keys, horizon=12).value
    assert np.array_equal(play_worlds(load_policy(output), keys, horizon=12).value, expected)
    with pytest.raises(RunError, match="a policy but no checkpoint"):
        resume(output)


def test_a_model_that_an_outsider_trained_behind_our_wrappers_is_imported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def make() -> Any:
        return Residual(Surprises(gymnasium.make("thinmargin:ThinMargin/Ecosystem-v1", horizon=12)), bound=0.25)

    model = PPO("MlpPolicy", DummyVecEnv([make, make]), n_steps=12, batch_size=24, policy_kwargs={"net_arch": [8]})
    model.learn(48)
    model.save(tmp_path / "model")
    preset = tmp_path / "theirs.yml"
    preset.write_text(
        "ThinMargin/Ecosystem-v1:\n  n_timesteps: 48\n  n_envs: 2\n  policy_kwargs: {net_arch: [8]}\n"
        "  env_wrapper:\n    - thinmargin.wrappers.Surprises\n    - thinmargin.wrappers.Residual: {bound: 0.25}\n"
        "  env_kwargs: {horizon: 12}\n",
        encoding="utf-8",
    )
    output = tmp_path / "run"
    assert import_sb3.main([str(tmp_path / "model.zip"), "--preset", str(preset), "--output", str(output)]) == 0
    assert f"python evaluate.py {output}" in capsys.readouterr().out
    environment, policy = make(), load_policy(output)
    seen, _ = environment.reset(seed=3)
    bare = gymnasium.make("thinmargin:ThinMargin/Ecosystem-v1", horizon=12)
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


def import_zip(model: Path, output: Path, *more: str) -> int:
    names = () if "--hyperparams" in more else ("--hyperparams", *NAMES)
    return import_sb3.main([str(model), "--env-kwargs", "horizon=12", *names, *more, "--output", str(output)])


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
    assert import_zip(crafted, tmp_path / "run") == 0
    assert load_policy(tmp_path / "run") is not None
    assert not boom.exists()


def test_a_stock_zip_whose_weights_are_a_pickle_is_refused_and_nothing_in_it_runs(
    saved: Path, tmp_path: Path, boom: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for content in (pickled({"log_std": Bomb(boom)}), pickle.dumps(Bomb(boom)), pickled(Bomb(boom))):
        crafted = rewritten(saved, tmp_path / "crafted.zip", policy=content)
        assert import_zip(crafted, tmp_path / "run") == 2
        printed = capsys.readouterr().err
        assert "crafted.zip" in printed
        assert "more than tensors" in printed
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
        ({"policy": pickled({"a": torch.zeros(2)})}, ("it lacks", "it also has a")),
        ({"policy": bytes(1 << 23)}, ("8,388,608 bytes", "at most")),
        ({"policy": pickled({"log_std": torch.zeros(4).to_sparse()})}, ("something else than named tensors",)),
        ({"policy": pickled({"log_std": torch.zeros(4, device="meta")})}, ("something else than named tensors",)),
    ],
)
def test_a_damaged_stock_zip_is_refused(
    saved: Path, tmp_path: Path, members: dict[str, Any], words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert import_zip(rewritten(saved, tmp_path / "damaged.zip", **members), tmp_path / "run") == 2
    printed = capsys.readouterr().err
    for word in ("damaged.zip", *words):
        assert word in printed
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("packing", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_stock_zip_that_cannot_be_unpacked_is_refused(
    tmp_path: Path, packing: int, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "packed.zip"
    with zipfile.ZipFile(file, "w", packing) as archive:
        archive.writestr("data", bytes(range(256)) * 20)
    content = bytearray(file.read_bytes())
    content[60:120] = b"\xff" * 60
    file.write_bytes(content)
    assert import_zip(file, tmp_path / "run") == 2
    assert "packed.zip: not a zip that can be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--hyperparams", *NAMES[1:], "policy_kwargs.net_arch=[16]"], ("has shape (8,", "(16,", "--preset")),
        (
            ["--history", "6"],
            ("observation_space has shape", f"[{FEATURE_COUNT + SURPRISES}]", f"({2 * (FEATURE_COUNT + SURPRISES)},)"),
        ),
        (["--algo", "sac", "--hyperparams", "policy_kwargs.net_arch=[8]"], ("--algo is sac", "of ppo")),
        (["--algo", "a3c"], ("a3c",)),
        (["--env", "CartPole-v1"], ("CartPole-v1", "ThinMargin/Ecosystem-v1")),
        (["--env", "ThinMargin/PriceWar-v1"], ("held out",)),
        (["--preset", "nothing"], ("--preset", "nothing")),
        (["--seed", "-1"], ("--seed", "-1")),
    ],
)
def test_flags_that_describe_another_model_are_refused(
    saved: Path, tmp_path: Path, flags: list[str], words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert import_zip(saved, tmp_path / "run", *flags) == 2
    printed = capsys.readouterr()
    for word in words:
        assert word in printed.err + printed.out
    assert not (tmp_path / "run").exists()


def test_files_and_folders_that_cannot_be_used_are_named(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert import_zip(tmp_path / "absent.zip", tmp_path / "run") == 2
    assert "absent.zip" in capsys.readouterr().err
    (tmp_path / "text.zip").write_text("no zip", encoding="utf-8")
    assert import_zip(tmp_path / "text.zip", tmp_path / "run") == 2
    assert "text.zip" in capsys.readouterr().err
    assert import_zip(saved, tmp_path) == 2
    assert "--output" in capsys.readouterr().err
    for place in (tmp_path / "text.zip" / "run", Path("/dev/full/run"), Path("/dev/null/deep/run")):
        assert import_zip(saved, place) == 2
        assert not lacks(said(capsys), "--output is", str(place), "is there and is not a folder", "can be made")
