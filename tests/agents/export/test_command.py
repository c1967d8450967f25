from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from tests.agents.export.cases import folder_of, network_of, run_of
from tests.messages import lacks, said

from thinmargin.settings import Settings
from thinmargin_agents.export import __main__ as command
from thinmargin_agents.export import file as files
from thinmargin_agents.export.conversion import exported
from thinmargin_agents.export.file import compare, to_onnx
from thinmargin_agents.export.graph import Graph
from thinmargin_agents.policies import shipped
from thinmargin_agents.policies.manifest import MANIFEST, Seed
from thinmargin_agents.runs.folder import RunFolder
from thinmargin_agents.sb3.networks import build_network, policy_of, weights


@pytest.mark.slow
def test_a_shipped_agent_is_exported_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = dataclasses.replace(run_of("ppo"), seed=4)
    network = network_of(run)
    one = Seed(4, "seed_4.safetensors", "", 1.0, None, 96, 96, 1.0, ())
    manifest: Any = SimpleNamespace(
        name="mine", env_id=run.env_id, command_now="python train.py", seeds=(one,), run=lambda _: run
    )
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / MANIFEST).write_text("{}", encoding="utf-8")
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    monkeypatch.setattr(shipped, "manifest_of", lambda _: manifest)
    monkeypatch.setattr(shipped, "agent", lambda *_: policy_of(network, run))
    monkeypatch.chdir(tmp_path)
    assert command.main(["mine"]) == 0
    facts = {item.key: item.value for item in onnx.load(tmp_path / "mine_4.onnx").metadata_props}
    assert (facts["policy"], facts["seed"]) == ("mine:4", "4")
    assert facts["manifest_sha256"] == hashlib.sha256(b"{}").hexdigest()
    assert command.main(["mine:4", "--output", "other.onnx"]) == 0
    capsys.readouterr()
    assert command.main(["mine:5"]) == 2
    assert "allowed are mine:4" in capsys.readouterr().err
    assert command.main(["mine", "--which", "best"]) == 2
    assert "one policy a seed" in capsys.readouterr().err


@pytest.mark.slow
def test_a_file_that_answers_otherwise_is_not_written_and_the_old_one_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = folder_of("ppo", tmp_path)
    made = to_onnx

    def altered(graph: Graph, facts: Any) -> bytes:
        model = onnx.load_from_string(made(graph, facts))
        for item in model.graph.initializer:
            if item.name.endswith("action_net.bias"):
                numbers = onnx.numpy_helper.to_array(item) + np.float32(1e-3)
                item.CopyFrom(onnx.numpy_helper.from_array(numbers, item.name))
        content: bytes = model.SerializeToString()
        return content

    monkeypatch.setattr("thinmargin_agents.export.conversion.to_onnx", altered)
    output = folder / "best.onnx"
    assert command.main([str(folder)]) == 1
    assert "was not written" in capsys.readouterr().err
    assert not output.exists()
    output.write_bytes(b"old")
    assert command.main([str(folder)]) == 1
    assert output.read_bytes() == b"old"


@pytest.mark.slow
def test_answers_that_are_no_numbers_are_never_close() -> None:
    run = run_of("ppo alone")
    network = network_of(run)
    sound = policy_of(network_of(run), run)
    with torch.no_grad():
        network.action_net.bias[0] = torch.nan
    graph = Graph(run.algo, network, [])
    agreement = compare(to_onnx(graph, {}), graph, sound, Settings(horizon=3), 2)
    assert agreement.difference == np.inf
    assert not agreement.is_close


@pytest.mark.slow
def test_a_policy_that_cannot_play_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = run_of("a2c")
    run = dataclasses.replace(
        run, hyperparameters={**run.hyperparameters, "policy_kwargs": {"net_arch": [4], "activation_fn": "relu"}}
    )
    network = network_of(run)
    with torch.no_grad():
        network.mlp_extractor.policy_net[0].weight[:] = 3e38  # finite, but what comes of it is not
    folder = RunFolder.create(tmp_path, run)
    folder.save("best", {"policy": weights(network), "timesteps": 0, "J": 0.0})
    assert command.main([str(folder.path)]) == 1
    assert "nothing was written" in capsys.readouterr().err
    assert not (folder.path / "best.onnx").exists()


@pytest.mark.slow
def test_the_check_plays_some_thousand_months_of_validation_worlds(tmp_path: Path) -> None:
    run = dataclasses.replace(run_of("a2c"), env_kwargs={})
    folder = RunFolder.create(tmp_path, run)
    folder.save("best", {"policy": weights(build_network(run)), "timesteps": 0, "J": 0.0})
    agreement = exported(str(folder.path)).agreement
    assert agreement.months == files.WORLDS * 180 + files.end_months()[..., 0].size
    assert agreement.is_close


@pytest.mark.slow
def test_best_or_checkpoint_is_what_is_asked_for_or_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = run_of("ppo alone")
    folder = RunFolder.create(tmp_path, run)
    assert command.main([str(folder.path)]) == 2
    assert "the run ended before it was written" in capsys.readouterr().err
    folder.save("checkpoint", {"parameters": {"policy": weights(network_of(run))}})
    assert command.main([str(folder.path)]) == 0
    assert (folder.path / "checkpoint.onnx").is_file()
    assert command.main([str(folder.path), "--which", "best"]) == 2
    folder.save("best", {"policy": weights(network_of(run)), "timesteps": 0, "J": 0.0})
    assert command.main([str(folder.path)]) == 0
    assert (folder.path / "best.onnx").is_file()


def test_bad_arguments_are_refused_with_their_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    absent = tmp_path / "absent"
    allowed = ("run folder", "name of a shipped agent")
    for arguments, parts in (
        ([str(absent)], (f"RUN is '{absent}'", *allowed)),
        ([str(tmp_path)], (str(tmp_path), "has no config.json")),
        ([""], ("RUN is ''", "must not be empty")),
        (
            [str(tmp_path), "--output", str(absent / "x.onnx")],
            (f"--output is '{absent / 'x.onnx'}'", "must be a file in a folder that can be written to"),
        ),
        ([str(tmp_path), "--output", str(tmp_path)], (f"--output is '{tmp_path}'", "is not a file", "must be a file")),
    ):
        assert command.main(arguments) == 2
        assert not lacks(said(capsys), *parts)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = folder_of("ppo alone", tmp_path)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("thinmargin_agents.export.conversion.write_atomically", full)
    assert command.main([str(folder)]) == 1
    assert "cannot be written: [Errno 28] No space left on device" in capsys.readouterr().err
