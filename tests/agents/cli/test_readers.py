"""Files that somebody names are read by one function, which waits for nothing and has an end."""

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.import_graph import AGENTS
from tests.messages import lacks

import thinmargin
from thinmargin.data import read_figures
from thinmargin_agents.cli.markdown import read_page
from thinmargin_agents.config.preset import load_preset
from thinmargin_agents.evaluate.command import main as evaluate
from thinmargin_agents.foresight.plan_files import read_plans
from thinmargin_agents.import_sb3.command import main as import_sb3
from thinmargin_agents.policies.by_name import entrant_of
from thinmargin_agents.policies.manifest import checked_content, read_manifest
from thinmargin_agents.remake.state import State
from thinmargin_agents.runs.safetensors_tree import read_json, read_tree
from thinmargin_agents.shipping.finished_run import read_finished_run

ENVIRONMENT = Path(thinmargin.__file__).parent
OWN = {
    "thinmargin/files.py": "the function itself",
    "thinmargin/command_line.py": "the null device, for what nobody reads any more",
    "thinmargin/memory.py": "what the system says of its memory",
    "thinmargin/economics/compiled.py": "code of the package",
    "thinmargin/tuned.py": "rules of the package",
    "thinmargin/fitted.py": "constants of the package",
    "thinmargin/data/shipped.py": "figures of the package",
    "thinmargin/calibration/saved.py": "figures of the package",
    "thinmargin_agents/curves/picture.py": "pictures of a page, which it has drawn",
    "thinmargin_agents/export/conversion.py": "manifests of the package",
    "thinmargin_agents/foresight/plan_files.py": "looked at first, then read by NumPy",
    "thinmargin_agents/import_sb3/archive.py": "looked at by the command line, then read by zipfile",
    "thinmargin_agents/remake/display.py": "logs that it has begun",
    "thinmargin_agents/remake/process.py": "logs that it begins",
    "thinmargin_agents/remake/session.py": "logs that it begins",
    "thinmargin_agents/remake/stage.py": "files of the checkout",
    "thinmargin_agents/remake/table.py": "files of the checkout",
    "thinmargin_agents/report/page.py": "templates of the package",
    "thinmargin_agents/runs/foreign_files.py": "looked at first, then a few bytes",
    "thinmargin_agents/runs/lock.py": "a lock, of which nothing is read",
    "thinmargin_agents/runs/safetensors_tree.py": "looked at first, then read by safetensors",
}
"""Files that open files in another way, each with its reason."""


def opening(path: Path) -> Iterator[int]:
    """Lines that open or read a file without the function for it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        if name in ("open", "os.open", "io.open", "np.load", "safe_open", "zipfile.ZipFile", "Image.open") or (
            name.endswith((".read_text", ".read_bytes", ".open")) and not name.startswith(("RunFolder", "webbrowser"))
        ):
            yield node.lineno


@pytest.mark.parametrize("package", [ENVIRONMENT, AGENTS], ids=["environment", "agents"])
def test_every_other_reader_has_its_reason(package: Path) -> None:
    found = {
        path.relative_to(package.parent).as_posix()
        for path in sorted(package.rglob("*.py"))
        if any(True for _ in opening(path))
    }
    mine = {name for name in OWN if name.startswith(f"{package.name}/")}
    assert found - mine == set(), "read with thinmargin.files.read_text or read_bytes, or give the reason here"
    assert mine - found == set(), "a reason that nothing needs"


def run_folder(name: str) -> Callable[[Path], object]:
    """A run folder whose file of this name is the path."""

    def use(path: Path) -> object:
        folder = path.parent / "run"
        folder.mkdir()
        for file in ("config.json", "evaluations.csv"):
            (folder / file).write_text("{}", "utf-8")
        (folder / name).unlink()
        path.rename(folder / name)
        return read_finished_run(folder)

    return use


READERS: dict[str, Callable[[Path], object]] = {
    "figures": read_figures,
    "a page": lambda path: read_page(path, ["results"]),
    "a preset": lambda path: load_preset(str(path), "ppo", "ThinMargin/Ecosystem-v1"),
    "plans": read_plans,
    "JSON": read_json,
    "weights": read_tree,
    "a state of stages": State.read,
    "a shipped file": lambda path: checked_content(path, ""),
    "a manifest": lambda path: read_manifest(path.rename(path.parent / "manifest.json").parent),
    "a class": lambda path: entrant_of(f"{path.rename(path.with_suffix('.py'))}:Rule"),
    "a policy": lambda path: entrant_of(str(path)),
    "a configuration": run_folder("config.json"),
}


@pytest.mark.parametrize("reader", READERS)
def test_a_pipe_is_refused_and_nobody_waits_for_it(reader: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises((ValueError, OSError)) as caught:
        READERS[reader](tmp_path / "pipe")
    if reader not in ("a policy", "a configuration"):  # these say what must be there
        assert "it is a pipe" in str(caught.value)


def test_commands_refuse_a_pipe_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    os.mkfifo("mine.py")
    for main, flags, words in (
        (import_sb3, ["pipe", "--output", "run"], ["MODEL.zip is 'pipe'", "it is a pipe"]),
        (evaluate, ["premium", "--markdown", "pipe"], ["--markdown", "not a file"]),
        (evaluate, ["mine.py:Rule"], ["'mine.py'", "it is a pipe"]),
        (evaluate, ["pipe"], ["policy 'pipe'", "is no run folder"]),
    ):
        assert main(flags) == 2
        assert not lacks(capsys.readouterr().err, *words)
    assert not Path("run").exists()
