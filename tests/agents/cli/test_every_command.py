"""The promises of every command: quick help, refusals that name the flag before anything is done, a clean Ctrl-C."""

from __future__ import annotations

import importlib
import itertools
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.messages import flat, said

HEAVY = (
    "numpy",
    "gymnasium",
    "torch",
    "stable_baselines3",
    "sb3_contrib",
    "tensorboard",
    "thinmargin",
    "numba",
    "matplotlib",
    "onnx",
    "cma",
    "optuna",
    "sqlalchemy",
    "ray",
)
OWN = ("thinmargin", "numpy", "gymnasium")
"""What the environment's package itself loads: its own commands have it by then."""
ROOT = Path(__file__).parents[3]
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
    place: str = ""
    """Name of the place that a page of --markdown must have."""
    libraries: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    """A library that may be missing, the extra that brings it, and flags that ask for it."""
    own: bool = False
    """Whether it is a command of the environment's package."""


PACKAGE = "thinmargin_agents"
COMMANDS = {
    "audit": Command(
        f"{PACKAGE}.audit.__main__", f"{PACKAGE}.audit.findings.Scope",
        "--n-worlds --evaluations --seed --processes --only --json --markdown",
        ranged=("--n-worlds", "1", "2 to 10000"), files=("--json", "--markdown"), place="audit",
        libraries=(("cma", "search", ()),),
    ),
    "curves": Command(
        f"{PACKAGE}.curves.__main__", f"{PACKAGE}.curves.picture.curves_by_picture", "--folder --check",
        libraries=(("matplotlib", "report", ()),),
    ),
    "exact": Command(
        f"{PACKAGE}.exact.__main__", f"{PACKAGE}.exact.backward_induction.checked_optimum",
        "--ppo --timesteps --seed --json --markdown", ranged=("--seed", "-1", "0 to"),
        files=("--json", "--markdown"), place="exact", libraries=(("cma", "search", ()),),
    ),
    "export": Command(
        f"{PACKAGE}.export.__main__", f"{PACKAGE}.export.conversion.exported", "RUN --output --which",
        needed=("run",), files=("--output",), libraries=(("onnx", "export", ()), ("onnxruntime", "export", ())),
    ),
    "foresight": Command(
        f"{PACKAGE}.foresight.__main__", f"{PACKAGE}.foresight.improvement.make",
        "--split --n-worlds --evaluations --n-check --also --processes --seed --fresh --output",
        ranged=("--n-worlds", "0", "1 to"), files=("--output",),
    ),
    "mechanisms": Command(
        f"{PACKAGE}.mechanisms.__main__", f"{PACKAGE}.mechanisms.results.find",
        "--n-worlds --search-worlds --rows --budget --seed --quick --json --markdown --processes",
        ranged=("--budget", "0", "1 to 1000"), files=("--json", "--markdown"), place="mechanisms",
        libraries=(("cma", "search", ()),),
    ),
    "phase_map": Command(
        f"{PACKAGE}.phase_map.__main__", f"{PACKAGE}.phase_map.results.find",
        "--map --n-worlds --n-hidden --generations --seed --json --picture --markdown --processes",
        ranged=("--n-worlds", "65", "1 to 64"), files=("--json", "--markdown", "--picture"), place="phase map",
        libraries=(("cma", "search", ()), ("matplotlib", "report", ("--picture", "map.png"))),
    ),
    "remake": Command(
        f"{PACKAGE}.remake.__main__", f"{PACKAGE}.remake.table.checkout_here",
        "--only --from --fresh --list --dry-run --bound-factor --folder",
        ranged=("--bound-factor", "0", "above 0 to 1000"),
        libraries=(("cma", "search", ()), ("matplotlib", "report", ()), ("sb3_contrib", "agents", ())),
    ),
    "shipping": Command(
        f"{PACKAGE}.shipping.__main__", f"{PACKAGE}.shipping.finished_run.read_finished_run",
        "NAME RUN --meaning --folder", needed=("tiny", "run", "--meaning", "A test."),
    ),
    "tuning": Command(
        f"{PACKAGE}.tuning.__main__", f"{PACKAGE}.tuning.rules.Effort",
        "--split --n-worlds --generations --population --knots --seed --output",
        needed=("plan", "--n-worlds", "2", "--generations", "1", "--population", "4"),
        ranged=("--population", "3", "4 to"), files=("--output",), libraries=(("cma", "search", ()),),
    ),
    "years": Command(
        f"{PACKAGE}.years.__main__", f"{PACKAGE}.judging.arena.play_all",
        "POLICY --n-worlds --split --seed --json --picture --markdown",
        ranged=("--n-worlds", "0", "1 to"), files=("--json", "--markdown", "--picture"), place="years",
        libraries=(("matplotlib", "report", ("--picture", "years.png")),),
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
        ranged=("--n-worlds", "1", "2 to"), files=("--json", "--markdown", "--csv", "--html"), place="results",
        libraries=(("matplotlib", "report", ("--html", "report.html")),),
    ),
}  # fmt: skip
OWN_COMMANDS = {
    "backtest": Command(
        "thinmargin.backtest.__main__", "thinmargin.backtest.results.backtest",
        "--json --picture --until --data --markets --draws --seed --refit",
        ranged=("--draws", "0", "1 to 10000"), files=("--json", "--picture"), own=True,
        libraries=(("matplotlib", "report", ("--picture", "figures.png")),),
    ),
    "calibration": Command(
        "thinmargin.calibration.__main__", "thinmargin.calibration.fits.calibrate",
        "--seed --starts --output --check", ranged=("--seed", "-1", "0 to"), files=("--output",), own=True,
        libraries=(("rich", "search", ()),),
    ),
    "data": Command("thinmargin.data.table", "thinmargin.data.table.figures_text", "--series", own=True),
}  # fmt: skip
ALL_COMMANDS = {**COMMANDS, **OWN_COMMANDS}  # in this order: what one has loaded, those behind it have too
EACH_COMMAND = pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
EVERY_COMMAND = pytest.mark.parametrize("command", ALL_COMMANDS.values(), ids=ALL_COMMANDS)


def status_of(command: Command, arguments: Sequence[str]) -> object:
    """The exit status; a flag of `arguments` takes the place of a needed one."""
    needed = list(command.needed)
    if arguments and arguments[0] in needed:
        place = needed.index(arguments[0])
        del needed[place : place + 2]
    try:
        return importlib.import_module(command.module).main([*needed, *arguments])
    except SystemExit as end:  # refused while the command line was read
        return end.code


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make_inputs(command: Command) -> None:
    """Files and folders that a command reads, as empty as they may be."""
    if "model.zip" in command.needed:
        Path("model.zip").touch()
    if command.module.endswith("curves.__main__"):
        Path("docs/algorithms").mkdir(parents=True)


def work_is(command: Command, act: object, patch: pytest.MonkeyPatch) -> None:
    module, _, name = command.work.rpartition(".")
    patch.setattr(importlib.import_module(module), name, act)


@pytest.fixture(scope="module")
def helped() -> dict[str, tuple[int, str, list[str]]]:
    """Of every command the exit status of --help, its text, and the heavy modules that are loaded by then."""
    code = HELP.format(modules=[command.module for command in ALL_COMMANDS.values()], heavy=HEAVY)
    done = subprocess.run(  # noqa: S603  # the program is written above
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, tuple[int, str, list[str]]] = json.loads(done.stdout)
    return found


@EVERY_COMMAND
def test_help_says_what_it_does_and_every_flag_and_loads_nothing_heavy(
    command: Command, helped: dict[str, tuple[int, str, list[str]]]
) -> None:
    status, printed, heavy = helped[command.module]
    assert status == 0
    assert [name for name in heavy if not (command.own and name in OWN)] == []
    for flag in command.flags.split():
        assert flag in printed
    parts = map(flat, printed.split("\n\n")) if command.own else printed.splitlines()
    assert any(part.strip().endswith((".", ",")) and part[:1].isupper() for part in parts)


@pytest.mark.parametrize("script", ["evaluate.py", "train.py"])
def test_scripts_at_the_top_are_these_commands(script: str, helped: dict[str, tuple[int, str, list[str]]]) -> None:
    done = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-W", "error", ROOT / script, "--help"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    module_help = helped[COMMANDS[script].module][1]
    assert re.findall(r"\w+", done.stdout) == re.findall(r"\w+", module_help)  # frames depend on who reads


@EVERY_COMMAND
def test_an_unknown_flag_is_named(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(command, ["--xyzzy", "3"]) == 2
    assert "--xyzzy" in said(capsys)


@EVERY_COMMAND
@pytest.mark.parametrize("kind", ["twice", "empty"])
def test_a_flag_given_twice_or_empty_is_refused_and_nothing_is_done(
    command: Command, kind: str, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    work_is(command, pytest.fail, monkeypatch)
    flag = (*command.files, *(word for word in command.flags.split() if word.startswith("--")))[0]
    words = [flag, "one", flag, "two"] if kind == "twice" else [flag, ""]
    assert status_of(command, words) == 2
    assert flag in said(capsys)
    assert list(here.iterdir()) == []


RANGED = {name: command for name, command in ALL_COMMANDS.items() if command.ranged}


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


WRITING = {f"{name} {flag}": (command, flag) for name, command in ALL_COMMANDS.items() for flag in command.files}


@pytest.mark.parametrize(("command", "flag"), WRITING.values(), ids=WRITING)
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_done(
    command: Command, flag: str, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    work_is(command, pytest.fail, monkeypatch)
    for file in ("none/file.svg", "."):
        assert status_of(command, [flag, file]) == 2
        assert f"{flag} is {file if command.own else repr(file)}: " in said(capsys)
    assert list(here.iterdir()) == []


TWICE = {
    f"{name} {one} {other}": (command, one, other)
    for name, command in COMMANDS.items()
    for one, other in itertools.combinations(command.files, 2)
}


@pytest.mark.parametrize(("command", "one", "other"), TWICE.values(), ids=TWICE)
def test_one_file_for_two_flags_is_refused(
    command: Command, one: str, other: str, here: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    work_is(command, pytest.fail, monkeypatch)
    assert status_of(command, [one, "same.md", other, "./same.md"]) == 2
    printed = said(capsys)
    for part in (one, other, "'same.md'", "must be two files"):
        assert part in printed
    assert list(here.iterdir()) == []


PLACES = {name: command for name, command in COMMANDS.items() if "--markdown" in command.files}
NO_PAGES = {
    "a letter": b"Dear reader\n",
    "a place without an end": b"Dear reader\n<!-- %s -->\n",
    "no text": b"\xff\xfe\x00",
}


@pytest.mark.parametrize("page", NO_PAGES)
@pytest.mark.parametrize("command", PLACES.values(), ids=PLACES)
def test_a_page_without_a_place_is_refused_and_left(
    command: Command, page: str, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    work_is(command, pytest.fail, monkeypatch)
    content = NO_PAGES[page].replace(b"%s", command.place.encode())
    Path("letter.md").write_bytes(content)
    assert status_of(command, ["--markdown", "letter.md"]) == 2
    printed = said(capsys)
    assert "--markdown is 'letter.md': " in printed
    for part in ("UTF-8",) if page == "no text" else (f"<!-- {command.place} -->", "<!-- end -->"):
        assert part in printed
    assert [path.name for path in here.iterdir()] == ["letter.md"]
    assert Path("letter.md").read_bytes() == content


PICTURES = {name: command for name, command in ALL_COMMANDS.items() if "--picture" in command.files}


@pytest.mark.parametrize("file", ["drawn.bmp", "drawn.gif", "drawn"])
@pytest.mark.parametrize("command", PICTURES.values(), ids=PICTURES)
def test_a_picture_with_another_ending_is_refused(
    command: Command, file: str, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    work_is(command, pytest.fail, monkeypatch)
    assert status_of(command, ["--picture", file]) == 2
    named = file if command.own else repr(file)
    assert f"--picture is {named}: allowed endings are .png, .svg, .pdf" in said(capsys)
    assert list(here.iterdir()) == []


NEEDING = {f"{name} {row[0]}": (command, *row) for name, command in ALL_COMMANDS.items() for row in command.libraries}


@pytest.mark.parametrize(("command", "library", "extra", "flags"), NEEDING.values(), ids=NEEDING)
def test_a_missing_library_is_named_with_what_brings_it(
    command: Command, library: str, extra: str, flags: tuple[str, ...], here: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    work_is(command, pytest.fail, monkeypatch)
    make_inputs(command)
    before = sorted(here.rglob("*"))
    place = command.module if command.own else f"{PACKAGE}.cli.command"
    monkeypatch.setattr(
        importlib.import_module(place), "find_spec", lambda name: None if name == library else find_spec(name)
    )
    assert status_of(command, flags) == 2
    printed = said(capsys)
    assert (library if command.own else f"needs {library}: pip install") in printed
    assert f"pip install 'thinmargin[{extra}]'" in printed
    assert sorted(here.rglob("*")) == before


@EACH_COMMAND
def test_ctrl_c_ends_with_130_and_writes_nothing(
    command: Command, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    work_is(command, interrupted, monkeypatch)
    make_inputs(command)
    before = sorted(here.rglob("*"))
    status = status_of(command, ["--json", "file.json"] if "--json" in command.files else [])
    printed = said(capsys)
    assert status == 130, printed
    if command.module != f"{PACKAGE}.train":  # which says how to resume
        assert "interrupted" in printed
    if command.module != f"{PACKAGE}.train":  # which makes the folder of the run first
        assert sorted(here.rglob("*")) == before
