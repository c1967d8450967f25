"""The promises of every command: quick help, refusals that name the flag before anything is done, a clean Ctrl-C."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.messages import said

HEAVY = (
    "numpy",
    "gymnasium",
    "torch",
    "stable_baselines3",
    "numba",
    "matplotlib",
    "onnx",
    "cma",
    "optuna",
    "sqlalchemy",
    "ray",
)
HELP = """
import contextlib, io, json, sys
from importlib import import_module

found = {{}}
for module in {modules}:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        try:
            status = import_module(module).main(["--help"])
        except SystemExit as end:
            status = end.code
    found[module] = [status, printed.getvalue(), [name for name in {heavy} if name in sys.modules]]
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Command:
    """A command: where its `main` is, the least that it wants, what it can be asked for, and who does its work."""

    module: str
    work: str
    """Called before anything is computed."""
    flags: str
    needed: tuple[str, ...] = ()
    ranged: tuple[str, str, str] | None = None
    """A flag, a value outside its range, and the range."""
    files: tuple[str, ...] = ()
    """Flags of files that are written."""


PACKAGE = "thinmargin_agents"
COMMANDS = {
    "audit": Command(
        f"{PACKAGE}.audit.__main__", f"{PACKAGE}.audit.findings.Scope",
        "--n-worlds --evaluations --seed --processes --only --json --markdown",
        ranged=("--n-worlds", "1", "2 to 10000"), files=("--json", "--markdown"),
    ),
    "curves": Command(f"{PACKAGE}.curves.__main__", f"{PACKAGE}.curves.picture.curves_by_picture", "--folder --check"),
    "exact": Command(
        f"{PACKAGE}.exact.__main__", f"{PACKAGE}.exact.backward_induction.checked_optimum",
        "--ppo --timesteps --seed --json", ranged=("--seed", "-1", "0 to"), files=("--json",),
    ),
    "export": Command(
        f"{PACKAGE}.export.__main__", f"{PACKAGE}.export.conversion.exported", "RUN --output --which",
        needed=("run",), files=("--output",),
    ),
    "foresight": Command(
        f"{PACKAGE}.foresight.__main__", f"{PACKAGE}.foresight.improvement.make",
        "--split --n-worlds --evaluations --n-check --also --processes --seed --fresh --output",
        ranged=("--n-worlds", "0", "1 to"), files=("--output",),
    ),
    "phase_map": Command(
        f"{PACKAGE}.phase_map.__main__", f"{PACKAGE}.phase_map.results.find",
        "--map --n-worlds --n-hidden --generations --seed --json --picture --markdown --processes",
        ranged=("--n-worlds", "65", "1 to 64"), files=("--json", "--markdown", "--picture"),
    ),
    "shipping": Command(
        f"{PACKAGE}.shipping.__main__", f"{PACKAGE}.shipping.finished_run.read_finished_run",
        "NAME RUN --meaning --folder", needed=("tiny", "run", "--meaning", "A test."),
    ),
    "tuning": Command(
        f"{PACKAGE}.tuning.__main__", f"{PACKAGE}.tuning.rules.Effort",
        "--split --n-worlds --generations --population --knots --seed --output",
        needed=("plan", "--n-worlds", "2", "--generations", "1", "--population", "4"),
        ranged=("--population", "3", "4 to"), files=("--output",),
    ),
    "years": Command(
        f"{PACKAGE}.years.__main__", f"{PACKAGE}.judging.arena.play_all",
        "POLICY --n-worlds --split --seed --json --picture --markdown",
        ranged=("--n-worlds", "0", "1 to"), files=("--json", "--markdown", "--picture"),
    ),
    "import_sb3": Command(
        f"{PACKAGE}.import_sb3", f"{PACKAGE}.config.preset.resolve",
        "MODEL.zip --output --algo --env --preset --hyperparams --env-kwargs --residual --history --seed",
        needed=("model.zip", "--output", "run"),
    ),
    "stock": Command(
        f"{PACKAGE}.stock", f"{PACKAGE}.config.preset.resolve", "MODEL.zip --output --algo",
        needed=("model.zip", "--output", "run"),
    ),
    "train.py": Command(
        f"{PACKAGE}.train", f"{PACKAGE}.training.trainer.train",
        "--algo --env --total-timesteps --n-timesteps --seed --preset --n-envs --hyperparams --env-kwargs --resume"
        " --device --log-folder --progress --residual --residual-bound --history --num-threads --eval-freq --save-freq",
        ranged=("--seed", "-1", "0 to"),
    ),
    "evaluate.py": Command(
        f"{PACKAGE}.evaluate.command", f"{PACKAGE}.evaluate.run.play_all",
        "POLICY --env --split --n-worlds --stress --no-stress --n-stress-worlds --time-limit --log-folder --json --csv"
        " --markdown --html --seed",
        ranged=("--n-worlds", "1", "2 to"), files=("--json", "--markdown", "--csv", "--html"),
    ),
}  # fmt: skip
EACH_COMMAND = pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)


def status_of(command: Command, arguments: Sequence[str]) -> object:
    """The exit status."""
    try:
        return importlib.import_module(command.module).main([*command.needed, *arguments])
    except SystemExit as end:  # refused while the command line was read
        return end.code


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def work_is(command: Command, act: object, patch: pytest.MonkeyPatch) -> None:
    module, _, name = command.work.rpartition(".")
    patch.setattr(importlib.import_module(module), name, act)


@pytest.fixture(scope="module")
def helped() -> dict[str, tuple[int, str, list[str]]]:
    """Of every command the exit status of --help, its text, and the heavy modules that are loaded by then."""
    code = HELP.format(modules=[command.module for command in COMMANDS.values()], heavy=HEAVY)
    done = subprocess.run(  # noqa: S603  # the program is written above
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, tuple[int, str, list[str]]] = json.loads(done.stdout)
    return found


@EACH_COMMAND
def test_help_says_what_it_does_and_every_flag_and_loads_nothing_heavy(
    command: Command, helped: dict[str, tuple[int, str, list[str]]]
) -> None:
    status, printed, heavy = helped[command.module]
    assert (status, heavy) == (0, [])
    for flag in command.flags.split():
        assert flag in printed
    assert any(line.strip().endswith((".", ",")) and line[:1].isupper() for line in printed.splitlines())


@EACH_COMMAND
def test_an_unknown_flag_is_named(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(command, ["--xyzzy", "3"]) == 2
    assert "--xyzzy" in said(capsys)


RANGED = {name: command for name, command in COMMANDS.items() if command.ranged}


@pytest.mark.parametrize("command", RANGED.values(), ids=RANGED)
def test_a_number_outside_its_range_is_named_with_the_range_and_nothing_is_done(
    command: Command, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    work_is(command, pytest.fail, monkeypatch)
    assert command.ranged is not None
    flag, value, allowed = command.ranged
    assert status_of(command, [flag, value]) == 2
    printed = said(capsys)
    for part in (flag, value, allowed):
        assert part in printed
    assert list(here.iterdir()) == []


WRITING = [(command, flag) for command in COMMANDS.values() for flag in command.files]
WRITING_IDS = [f"{name} {flag}" for name, command in COMMANDS.items() for flag in command.files]


@pytest.mark.parametrize(("command", "flag"), WRITING, ids=WRITING_IDS)
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_done(
    command: Command, flag: str, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    work_is(command, pytest.fail, monkeypatch)
    for file in ("none/file.svg", "."):
        assert status_of(command, [flag, file]) == 2
        printed = said(capsys)
        assert flag in printed
        assert repr(file) in printed
    assert list(here.iterdir()) == []


TWICE = {name: command for name, command in COMMANDS.items() if len(command.files) > 1}


@pytest.mark.parametrize("command", TWICE.values(), ids=TWICE)
def test_one_file_for_two_flags_is_refused(
    command: Command, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    work_is(command, pytest.fail, monkeypatch)
    one, other = command.files[:2]
    assert status_of(command, [one, "same.md", other, "./same.md"]) == 2
    printed = said(capsys)
    for part in (one, other, "same.md"):
        assert part in printed
    assert list(here.iterdir()) == []


@EACH_COMMAND
def test_ctrl_c_ends_with_130_and_writes_nothing(
    command: Command, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    work_is(command, interrupted, monkeypatch)
    if "model.zip" in command.needed:
        Path("model.zip").touch()
    if command.module.endswith("curves.__main__"):
        Path("docs/algorithms").mkdir(parents=True)
    before = sorted(here.rglob("*"))
    status = status_of(command, ["--json", "file.json"] if "--json" in command.files else [])
    told = said(capsys)
    assert status == 130, told
    if not command.module.endswith((".train", ".evaluate.command")):  # which say nothing, or how to go on
        assert "interrupted" in told
    if command.module != f"{PACKAGE}.train":  # which makes the folder of the run first
        assert sorted(here.rglob("*")) == before
