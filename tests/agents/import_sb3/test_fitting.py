"""The flags that a refusal names fit the zip; a folder appears whole or not at all."""

from __future__ import annotations

import io
import shlex
from pathlib import Path
from typing import Any

import pytest
import sb3_contrib
import stable_baselines3
from tests.agents.import_sb3.test_agreement import make, take, trained
from tests.agents.import_sb3.test_origin import edited
from tests.messages import lacks, said

from thinmargin_agents import import_sb3
from thinmargin_agents.config.algorithms import ALGORITHMS
from thinmargin_agents.runs import safetensors_tree
from thinmargin_agents.runs.folder import load_policy


def stock(algo: str, folder: Path, **settings: Any) -> Path:
    """A zip of a library's class with its own network."""
    library, _, name = ALGORITHMS[algo].library_class.partition(":")
    kind = getattr({"stable_baselines3": stable_baselines3, "sb3_contrib": sb3_contrib}[library], name)
    more = {} if ALGORITHMS[algo].on_policy else {"buffer_size": 100}
    kind(ALGORITHMS[algo].policy, make(algo == "dqn"), **more, **settings).save(folder / "model.zip")
    return folder / "model.zip"


@pytest.mark.parametrize(
    ("algo", "settings"),
    [
        *((algo, {}) for algo in ALGORITHMS),
        ("ppo", {"use_sde": True}),
        ("sac", {"policy_kwargs": {"net_arch": {"pi": [8], "qf": [9, 8]}, "n_critics": 1}}),
        ("ppo_lstm", {"policy_kwargs": {"lstm_hidden_size": 8, "n_lstm_layers": 2}}),
        ("a2c", {"policy_kwargs": {"net_arch": [], "activation_fn": stable_baselines3.common.policies.nn.ReLU}}),
    ],
)
def test_a_refusal_names_the_flags_that_fit(
    algo: str, settings: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begin = [str(stock(algo, tmp_path, **settings)), "--algo", algo, "--output", str(tmp_path / "run")]
    assert import_sb3.main(begin) == 2
    words = shlex.split(said(capsys).partition("fitting flags are ")[2])
    assert words
    assert import_sb3.main([*begin, *words]) == 0, capsys.readouterr().err
    assert load_policy(tmp_path / "run") is not None


def test_layers_as_older_versions_wrote_them_are_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = stock("ppo", tmp_path, policy_kwargs={"net_arch": {"pi": [8], "vf": [9]}})
    older = edited(model, policy_kwargs={"net_arch": [{"pi": [8], "vf": [9]}]})
    assert import_sb3.main([str(older), "--output", str(tmp_path / "run")]) == 2
    assert shlex.quote('policy_kwargs.net_arch={"pi":[8],"vf":[9]}') in said(capsys)


def test_a_shared_memory_is_said_not_to_be_supported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = stock("ppo_lstm", tmp_path, policy_kwargs={"shared_lstm": True, "enable_critic_lstm": False})
    assert import_sb3.main([str(model), "--algo", "ppo_lstm", "--output", str(tmp_path / "run")]) == 2
    told = said(capsys)
    assert "policy_kwargs.shared_lstm true, which is not supported" in told
    assert "fitting flags" not in told


def test_a_space_of_another_kind_is_told_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = trained("ppo", tmp_path)
    for kind in ("<class 'mine.Box'>", "<class 'gymnasium.spaces.dict.Dict'>"):
        assert take(edited(model, observation_space={":type:": kind}), "ppo") == 2
        told = capsys.readouterr().err
        assert not lacks(told, kind[8:-2], "observation_space is", "the flags describe Box(")
        assert told.count("\n") == 1
        assert len(told) < 500


class KilledError(BaseException):
    """A process that ends at once."""


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KilledError()])
def test_a_folder_that_was_not_finished_is_not_there(
    error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model, seen = trained("ppo", tmp_path), []

    def write(*_: Any) -> None:
        seen.append((tmp_path / "run").exists())
        raise error

    monkeypatch.setattr("thinmargin_agents.runs.folder.write_tree", write)
    if isinstance(error, OSError):
        assert take(model, "ppo") == 1
        assert "No space left" in capsys.readouterr().err
    else:
        with pytest.raises(KilledError):
            take(model, "ppo")
    assert seen == [False]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.zip"]


class Full(io.StringIO):
    """An output on a full disk."""

    def write(self, _: str) -> int:
        raise OSError(28, "No space left on device")


def test_an_output_that_cannot_be_written_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = trained("ppo", tmp_path)
    monkeypatch.setattr("sys.stdout", Full())
    assert take(model, "ppo") == 1
    assert "the output cannot be written" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["model.zip"]


def test_what_the_reader_of_run_folders_refuses_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = trained("ppo", tmp_path)

    def refuse(*_: Any, **__: Any) -> Any:
        raise safetensors_tree.DamagedFileError("not to be read")

    monkeypatch.setattr("thinmargin_agents.runs.folder.read_tree", refuse)
    assert take(model, "ppo") == 2
    assert "cannot be played as a run folder: not to be read" in said(capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["model.zip"]
