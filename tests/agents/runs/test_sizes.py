"""Sizes in a configuration are looked at before anything of that size is made."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.messages import lacks, naming
from tests.tiny_training import FLAGS, NAMES, resume

from thinmargin_agents.config.algorithms import ALL
from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.preset import resolve
from thinmargin_agents.config.sizes import least_weights, weights_in
from thinmargin_agents.config.train_config import TrainConfig
from thinmargin_agents.runs.folder import RunError, load_policy
from thinmargin_agents.runs.safetensors_tree import read_tree, write_tree
from thinmargin_agents.sb3 import memory, networks
from thinmargin_agents.sb3.building import check
from thinmargin_agents.sb3.networks import build_network, weights
from thinmargin_agents.train import main
from thinmargin_agents.training import trainer

pytestmark = pytest.mark.usefixtures("quick_training")


@pytest.fixture
def forged(finished: Path, tmp_path: Path) -> Callable[[dict[str, Any]], Path]:
    """A copy of a run with other hyper-parameters, which its weights say they were saved with."""

    def make(changes: dict[str, Any]) -> Path:
        path = Path(shutil.copytree(finished, tmp_path / "run"))
        settings = json.loads((path / "config.json").read_text("utf-8"))
        settings["hyperparameters"].update(changes)
        (path / "config.json").write_text(json.dumps(settings), "utf-8")
        for which in ("best", "checkpoint"):
            file = path / which / "state.safetensors"
            write_tree(file, {**read_tree(file), "settings": settings})
        return path

    return make


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        (1000 * [8], ["net_arch", "at most 32"]),
        ({"pi": 1000 * [1], "vf": [8]}, ["net_arch", "at most 32"]),
        (32 * [8192], ["state.safetensors does not fit", "net_arch", "4,161,273,856"]),
        ({"pi": [8], "vf": [4096, 4096]}, ["state.safetensors does not fit", "16,785,416"]),
    ],
    ids=["many", "many in a part", "wide", "wide in a part"],
)
def test_a_network_larger_than_its_weights_is_never_built(
    layers: Any, words: list[str], forged: Callable[[dict[str, Any]], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = forged({"policy_kwargs": {"net_arch": layers}})
    for module in (networks, trainer):
        for name in ("build_network", "build_model", "build_environment"):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, lambda *_: pytest.fail("it is built"))
    for use in (lambda: load_policy(folder), lambda: resume(folder)):
        with pytest.raises((RunError, ConfigError)) as caught:
            use()
        assert not lacks(caught.value, *words)
        assert len(str(caught.value)) < 500


@pytest.mark.parametrize("algo", ALL)
@pytest.mark.parametrize("layers", [[8, 16], [32, 32, 32], []])
def test_a_network_has_no_fewer_weights_than_that(algo: str, layers: list[int]) -> None:
    chosen = ["paired_worlds=1"] if algo in ("ppo", "ppo_lstm", "a2c") else []
    run = resolve(TrainConfig(algo=algo, hyperparams=(*chosen, f"policy_kwargs.net_arch={layers}")))
    assert least_weights(run) <= weights_in(weights(build_network(run)))


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--n-envs", "1048576", "--hyperparams", "n_steps=180", "paired_worlds=1"], ["GiB", "n_steps, n_envs"]),
        (["--hyperparams", f"policy_kwargs.net_arch={32 * [8192]}"], ["GiB", "net_arch"]),
        (["--algo", "sac", "--hyperparams", "buffer_size=10000000"], ["GiB", "buffer_size"]),
    ],
)
def test_what_would_not_fit_into_memory_is_refused_before_it_is_taken(
    flags: list[str], words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(memory, "available_memory", lambda: 1 << 31)
    assert main([*flags, "--log-folder", str(tmp_path / "logs")]) == 2
    assert not lacks(capsys.readouterr().err, "2.0 GiB are available", *words)
    assert not (tmp_path / "logs").exists()


def test_a_machine_that_does_not_tell_its_memory_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available_memory", lambda: None)
    check(resolve(TrainConfig(**FLAGS, hyperparams=NAMES)))


def test_what_a_container_leaves_decides_not_what_its_machine_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "memory.max").write_text("1000000\n", "ascii")
    (tmp_path / "memory.current").write_text("999000\n", "ascii")
    monkeypatch.setattr("thinmargin.memory.CGROUP", tmp_path)
    with pytest.raises(ConfigError, match=naming("0.0 GiB are available", "n_steps, n_envs")):
        check(resolve(TrainConfig(**FLAGS, hyperparams=NAMES)))


def test_memory_that_runs_out_is_an_error_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    def out(*_: object) -> None:
        raise MemoryError("Unable to allocate 3 TiB")

    monkeypatch.setattr("thinmargin_agents.sb3.building.build", out)
    with pytest.raises(ConfigError, match=naming("ppo", "more memory than there is", "3 TiB")):
        check(resolve(TrainConfig(**FLAGS, hyperparams=NAMES)))
