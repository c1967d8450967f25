"""Texts inside files of strangers reach a message short and escaped, whichever entry they stand in."""

from __future__ import annotations

import copy
import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.agents.remake.tiny_stages import usual
from tests.finished import small_run
from tests.messages import said

from thinmargin_agents.config.errors import ConfigError
from thinmargin_agents.config.preset import resolve
from thinmargin_agents.config.run import Run
from thinmargin_agents.config.train_config import TrainConfig
from thinmargin_agents.play.errors import PolicyError
from thinmargin_agents.policies import shipped
from thinmargin_agents.policies.by_name import entrant_of
from thinmargin_agents.policies.manifest import MANIFEST, Manifest, ShippedError, digest, read_manifest
from thinmargin_agents.remake.__main__ import main as remake
from thinmargin_agents.runs.file_names import BUILT_ON, CONFIG, VERSIONS
from thinmargin_agents.runs.folder import RunError, RunFolder
from thinmargin_agents.sb3.building import check

LONGEST = 2000
"""Characters of a message: paths, a value, and all that is allowed."""
CODES = "\x1b]0;owned\x07\x1b[2J\u202e\n"
STRANGE: list[Any] = [
    CODES, CODES * 500, "x" * 20_000, None, True, -1, 10**400, 1.5, [], [CODES] * 300, {CODES: CODES}, [[[[[["x"]]]]]],
    {"x" * 9000: {"x" * 9000: "x" * 9000}}, ["\ud800"],
]  # fmt: skip
FIELDS = [item.name for item in dataclasses.fields(Run)]


def assert_told(message: object) -> None:
    assert str(message).isprintable(), ascii(str(message))
    assert len(str(message)) <= LONGEST


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder without a policy."""
    return RunFolder.create(tmp_path_factory.mktemp("logs"), small_run()).path


def rewritten(folder: Path, name: str, change: Any) -> None:
    path = folder / name
    path.write_text(json.dumps(change), encoding="utf-8")


@pytest.mark.parametrize("field", [*FIELDS, "another"])
def test_no_entry_of_a_configuration_is_printed_as_it_is(field: str, described: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(described, folder)
    whole = json.loads((folder / CONFIG).read_text("utf-8"))
    for strange in STRANGE:
        entries = [{**whole, field: strange}]
        if isinstance(whole.get(field), dict):
            entries += [{**whole, field: {**whole[field], name: strange}} for name in [*whole[field], CODES, "horizon"]]
        for entry in entries:
            rewritten(folder, CONFIG, entry)
            with pytest.raises((PolicyError, ValueError)) as caught:
                entrant_of(str(folder))
            assert_told(caught.value)


def test_no_version_of_a_run_is_printed_as_it_is(described: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(described, folder)
    names = list(json.loads((folder / VERSIONS).read_text("utf-8")))
    for strange in STRANGE:
        for content in (strange, dict.fromkeys(names, strange), {CODES: strange}):
            for file in (VERSIONS, BUILT_ON):
                rewritten(folder, file, content)
            for told in RunFolder.open(folder).other_versions():
                assert_told(told)
            try:
                RunFolder.open(folder).run()
            except RunError as error:
                message = str(error)
            else:
                message = ""
            assert_told(message)


MANIFESTED = [item.name for item in dataclasses.fields(Manifest)]


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of a shipped agent's folder, in a folder of its own."""
    name = shipped.trained_names()[0]
    shutil.copytree(shipped.FOLDER / name, tmp_path / "trained" / name)
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "trained")
    return tmp_path / "trained" / name


def put_in(agent: Path, content: dict[str, Any]) -> None:
    """A manifest with a digest that fits."""
    rest = {name: item for name, item in content.items() if name != "digest"}
    (agent / MANIFEST).write_text(json.dumps({**rest, "digest": digest(rest)}), encoding="utf-8")


@pytest.mark.parametrize("field", MANIFESTED)
def test_no_entry_of_a_manifest_is_printed_as_it_is(field: str, agent: Path) -> None:
    whole = json.loads((agent / MANIFEST).read_text("utf-8"))
    for strange in STRANGE:
        for more in ({}, {"env_id": "ThinMargin/Ecosystem-v0"}, {"env_kwargs": strange}):
            put_in(agent, {**whole, **more, field: strange})
            try:
                entrant_of(agent.name)
            except (PolicyError, ValueError) as error:
                message = str(error)
            else:
                message = ""  # nothing is played by this entry
            assert_told(message)


@pytest.mark.parametrize(
    "file",
    ["../outside.safetensors", "/etc/hostname", "a/b", "..", ".", "", "a\\b", "C:x", CODES, "x" * 300, None, 3, []],
)
def test_the_file_of_a_seed_lies_in_the_folder_of_its_agent(file: Any, agent: Path) -> None:
    (agent.parent / "outside.safetensors").write_bytes(b"secret")
    whole = json.loads((agent / MANIFEST).read_text("utf-8"))
    spoilt = copy.deepcopy(whole)
    spoilt["seeds"][0]["file"] = file
    put_in(agent, spoilt)
    with pytest.raises(ShippedError, match=r"describes no shipped agent: a seed's file is ") as caught:
        read_manifest(agent)
    assert_told(caught.value)
    put_in(agent, whole)
    assert read_manifest(agent).seeds[0].file == whole["seeds"][0]["file"]


LAUGHS = "\n".join(
    [
        "a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]",
        *(f"{n}: &{n} [{', '.join([f'*{m}'] * 9)}]" for m, n in zip("abcdefgh", "bcdefghi", strict=True)),
    ]
)
"""Nine to the ninth words in half a kilobyte."""
PRESETS = {
    "a learning rate": "default:\n  learning_rate: *i",
    "an unknown name": "default:\n  lerning_rate: *i",
    "arguments": "default: {env_kwargs: *i}",
    "a wrapper": "default: {n_timesteps: 9, n_envs: 1, env_wrapper: [{thinmargin.wrappers.History: *i}]}",
    "a wrapper of several": "default: {n_timesteps: 9, n_envs: 1, env_wrapper: [{x: *i, y: *i}]}",
    "a section": "default: *i",
    "a network": "default: {policy_kwargs: *i}",
    "a network's layers": "default: {policy_kwargs: {net_arch: *i}}",
}


@pytest.mark.parametrize("place", list(PRESETS))
def test_a_preset_of_nested_aliases_is_refused_in_few_words(place: str, tmp_path: Path) -> None:
    path = tmp_path / "laughs.yml"
    path.write_text(f"{LAUGHS}\n{PRESETS[place]}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        check(resolve(TrainConfig(algo="ppo", preset=str(path))))
    assert_told(caught.value)


def test_no_name_in_the_state_of_the_stages_is_printed_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "state"
    table = usual(tmp_path)
    folder.mkdir()
    for name in (CODES, "x" * 9000):
        record = {"status": "done", "parts": {name: "1"}, "outputs": {name: "1"}, "seconds": 1.0, "ended": name}
        for stages in ({"constants": record}, {name: record}, {"constants": {**record, name: 1}}, {"constants": name}):
            state = {"format": "thinmargin-remake-1", "stages": stages}
            (folder / "state.json").write_text(json.dumps(state), encoding="utf-8")
            for flag in ("--dry-run", "--list"):
                assert remake(["--folder", str(folder), flag], table) in (0, 2)
                told = said(capsys)
                assert "\x1b" not in told
                assert "x" * 400 not in told
