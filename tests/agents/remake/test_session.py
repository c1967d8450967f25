"""Stages run in order, are passed over while nothing changes, go on after any end, and never outlive their bound."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.agents.remake.tiny_stages import NOTE, STUBBORN, WAIT, order, python, stage, table_in, usual
from tests.messages import lacks, said
from tests.waiting import HANG, wait_until

from thinmargin_agents.remake import process, session
from thinmargin_agents.remake.__main__ import main
from thinmargin_agents.remake.display import Display
from thinmargin_agents.remake.stage import Output, Stage, Table, Words
from thinmargin_agents.runs.lock import locked

ALL = ["constants", "tune.one", "tune.two", "page"]
FAIL = "import sys; print('the reason'); sys.exit(7)"
PROGRAM = Path(__file__).parent / "tiny_stages.py"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The top of a checkout."""
    (tmp_path / "figures.csv").write_text("1\n", encoding="utf-8")
    return tmp_path


def make(root: Path, table: Callable[[Path], Table], *flags: str) -> int:
    return main(["--folder", str(root / "state"), *flags], table)


def records(root: Path) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = json.loads((root / "state" / "state.json").read_text("utf-8"))["stages"]
    return found


def test_stages_run_in_order_and_a_second_call_passes_over_them(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert make(root, usual(root)) == 0
    assert order(root) == ALL
    assert (root / "page.txt").read_text("utf-8") == "pagetune.oneconstantstune.twoconstantstune.oneconstants"
    assert all(float(str(record["seconds"])) > 0.0 for record in records(root).values())
    printed = capsys.readouterr()
    assert printed.out == ""
    assert not lacks(printed.err, "constants: begins (not made yet), at most 600 s", "page: made in")
    assert make(root, usual(root)) == 0
    assert order(root) == []
    assert not lacks(said(capsys), "constants: up to date", "page: up to date")


@pytest.mark.slow
def test_what_reads_a_changed_file_is_made_anew_and_what_comes_out_the_same_stops_it_there(root: Path) -> None:
    make(root, usual(root))
    order(root)
    (root / "figures.csv").write_text("2\n", encoding="utf-8")
    assert make(root, usual(root)) == 0
    assert order(root) == ["constants"], "the constants are the same as before"
    (root / "tune.one.txt").write_text("by hand", encoding="utf-8")
    assert make(root, usual(root)) == 0
    assert order(root) == ["tune.one"], "it writes what it wrote before"
    (root / "tune.two.txt").unlink()
    assert make(root, usual(root)) == 0
    assert order(root) == ["tune.two"]


@pytest.mark.slow
def test_changed_equations_or_commands_make_all_that_depends_on_them(root: Path) -> None:
    one, two = stage("one"), stage("two", "one")
    make(root, table_in(root, one, two))
    order(root)
    assert make(root, table_in(root, one, two, equations="others")) == 0
    assert order(root) == ["one", "two"]
    other = replace(one, commands=(python(NOTE, "uno", "one.txt"),))
    assert make(root, table_in(root, other, two, equations="others")) == 0
    assert order(root) == ["uno", "two"], "what needs it sees another file"


def test_a_place_of_a_page_counts_and_the_rest_of_the_page_does_not(root: Path) -> None:
    page = root / "page.md"
    page.write_text("head\n<!-- a -->\n<!-- end -->\n<!-- b -->\n<!-- end -->\n", encoding="utf-8")
    write = (
        "import pathlib; p = pathlib.Path('page.md'); p.write_text(p.read_text().replace('-- a -->', '-- a -->\\nx'))"
    )
    writes = Stage("a", "a place", (python(write),), outputs=(Output("page.md", "a"),))
    reads = replace(stage("b"), needs=("a",))
    table = table_in(root, writes, reads)
    assert make(root, table) == 0
    page.write_text(page.read_text("utf-8").replace("head", "another head").replace("-- b", "-- b"), encoding="utf-8")
    order(root)
    assert make(root, table) == 0
    assert page.read_text("utf-8").count("x\n") == 1
    assert order(root) == []
    page.write_text(page.read_text("utf-8").replace("\nx\n", "\nby hand\n"), encoding="utf-8")
    assert make(root, table) == 0
    assert page.read_text("utf-8").count("x\n") == 1
    assert order(root) == ["b"]


def test_a_stage_that_fails_is_named_with_its_last_words_and_the_next_call_goes_on_with_it(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert make(root, usual(root, FAIL)) == 1
    assert order(root) == ["constants", "tune.one"]
    log = root / "state" / "logs" / "tune.two.log"
    assert not lacks(capsys.readouterr().err, "stage tune.two failed with status 7", "the reason", str(log), "goes on")
    assert records(root)["tune.two"]["status"] == "failed"
    assert make(root, usual(root)) == 0
    assert order(root) == ["tune.two", "page"]


def test_a_stage_that_does_not_make_what_it_says_has_failed(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = table_in(root, Stage("idle", "nothing", (python("pass"),), outputs=(Output("idle.txt"),)), stage("next"))
    assert make(root, table) == 1
    assert not lacks(capsys.readouterr().err, "stage idle", "did not make idle.txt")
    assert order(root) == []


def test_a_program_that_is_not_there_is_named(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert make(root, table_in(root, Stage("odd", "x", (("no-such-program", "x"),)))) == 1
    assert not lacks(capsys.readouterr().err, "stage odd failed with status 127", "no-such-program")


def is_alive(pid: int) -> bool:
    """Whether it runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.slow
def test_a_stage_over_its_bound_is_ended_with_all_that_it_started_and_said(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "GRACE", 0.1)
    child = root / "child.txt"

    def has_begun(*_: object) -> None:
        wait_until(lambda: child.exists() and child.read_text("utf-8") != "", "the stage has begun")

    monkeypatch.setattr(Display, "ticks", has_begun)  # before the bound is looked at, so that a busy machine is no harm
    table = table_in(root, stage("slow", before=STUBBORN, bound=0.5), stage("next"))
    assert make(root, table, "--bound-factor", "2") == 1
    assert not lacks(capsys.readouterr().err, "stage slow", "bound of 1 s", "--bound-factor 4")
    assert records(root)["slow"]["status"] == "over its bound"
    assert order(root) == []
    wait_until(lambda: not is_alive(int(child.read_text("utf-8"))), "what the stage started ends")


@pytest.mark.slow
def test_the_commands_of_a_stage_share_its_bound(root: Path) -> None:
    half = python("import time; time.sleep(0.4)")
    assert make(root, table_in(root, Stage("halves", "x", (half, half), bound=0.7))) == 1
    assert make(root, table_in(root, Stage("halves", "x", (half, half), bound=HANG))) == 0


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_end_the_stage_and_the_next_call_goes_on_with_it(
    number: signal.Signals, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def press() -> None:
        wait_until((root / "began.txt").exists, "the stage begins")
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=press)
    thread.start()
    before = signal.getsignal(signal.SIGTERM)
    assert make(root, usual(root, WAIT)) == 130
    thread.join()
    assert signal.getsignal(signal.SIGTERM) is before
    assert order(root) == ["constants", "tune.one"]
    assert records(root)["tune.two"]["status"] == "interrupted"
    assert not lacks(said(capsys), "tune.two: interrupted after", "goes on")
    (root / "go.txt").touch()
    assert make(root, usual(root, WAIT)) == 0
    assert order(root) == ["tune.two", "page"]


@pytest.mark.slow
def test_a_killed_command_leaves_nothing_running_and_the_next_call_goes_on(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with subprocess.Popen([sys.executable, str(PROGRAM), str(root)], stderr=subprocess.DEVNULL) as killed:  # noqa: S603
        wait_until((root / "began.txt").exists, "the stage begins")
        assert session.is_busy(root / "state")
        make(root, usual(root, WAIT), "--list")
        assert "is being made" in capsys.readouterr().out
        killed.kill()
    assert records(root)["tune.two"]["status"] == "begun"
    wait_until(lambda: not session.is_busy(root / "state"), "the command ends")
    make(root, usual(root, WAIT), "--list")
    assert "to do: killed" in capsys.readouterr().out
    (root / "go.txt").touch()
    order(root)
    assert make(root, usual(root, WAIT)) == 0
    assert order(root) == ["tune.two", "page"]


def test_two_calls_do_not_work_in_one_folder(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "PATIENCE", 0.1)
    (root / "state").mkdir()
    with locked(root / "state"):
        assert make(root, usual(root)) == 2
    assert not lacks(capsys.readouterr().err, "--folder", str(root / "state"), "another process")
    assert order(root) == []


RESUME = "import pathlib; pathlib.Path('runs/b').write_text('')"
TRAIN = "import pathlib, sys; pathlib.Path('runs').mkdir(); pathlib.Path('runs/a').write_text(''); sys.exit(1)"


def training(*, goes_on: bool = True) -> Stage:
    """A stage whose first try fails after it has left something."""
    ship = python("import os; open('shipped.txt', 'w').write(' '.join(sorted(os.listdir('runs'))))")
    return Stage(
        "agent", "an agent", (python(TRAIN), ship), outputs=(Output("shipped.txt"),), reads=("figures.csv",),
        scratch="runs", resumed=lambda _: python(RESUME) if goes_on else None,
    )  # fmt: skip


def test_what_an_earlier_try_left_is_used_while_nothing_has_changed(root: Path) -> None:
    table = table_in(root, training())
    assert make(root, table) == 1
    first = float(str(records(root)["agent"]["seconds"]))
    assert make(root, table) == 0
    assert (root / "shipped.txt").read_text("utf-8") == "a b"
    assert float(str(records(root)["agent"]["seconds"])) > first, "seconds of both tries"


ONCE = "import pathlib, sys; sys.exit(0 if pathlib.Path('go.txt').exists() else 1)"
"""Fails until there is a file `go.txt`."""


@pytest.mark.parametrize("resumed", [None, lambda _: None], ids=["cannot go on", "nothing to go on from"])
def test_seconds_of_a_try_that_nothing_went_on_from_are_not_counted(
    resumed: Callable[[Path], Words | None] | None, root: Path
) -> None:
    table = table_in(root, replace(stage("one", before=ONCE), resumed=resumed))
    assert make(root, table) == 1
    file = root / "state" / "state.json"
    content = json.loads(file.read_text("utf-8"))
    content["stages"]["one"]["seconds"] = 1e6
    file.write_text(json.dumps(content), encoding="utf-8")
    (root / "go.txt").touch()
    assert make(root, table) == 0
    assert 0.0 < float(str(records(root)["one"]["seconds"])) < 1e6


def test_a_dry_run_prints_the_command_that_would_go_on(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = table_in(root, training())
    assert make(root, table) == 1
    capsys.readouterr()
    ship = shlex.join(training().commands[1])
    for flags, first in (((), RESUME), (("--fresh",), TRAIN)):
        assert make(root, table, "--dry-run", *flags) == 0
        assert capsys.readouterr().out.splitlines()[1:] == [shlex.join(python(first)), ship]
    assert make(root, table_in(root, training(goes_on=False)), "--dry-run") == 0
    assert capsys.readouterr().out.splitlines()[1:] == [shlex.join(python(TRAIN)), ship]
    assert [path.name for path in (root / "runs").iterdir()] == ["a"], "nothing is removed"


@pytest.mark.parametrize("why", ["nothing usable", "changed", "--fresh"])
def test_otherwise_the_folder_is_emptied_and_the_stage_begins_anew(why: str, root: Path) -> None:
    assert make(root, table_in(root, training())) == 1
    (root / "runs" / "c").touch()
    if why == "changed":
        (root / "figures.csv").write_text("2\n", encoding="utf-8")
    flags = ["--fresh"] if why == "--fresh" else []
    assert make(root, table_in(root, training(goes_on=why != "nothing usable")), *flags) == 1
    assert [path.name for path in (root / "runs").iterdir()] == ["a"]


@pytest.mark.slow
def test_fresh_makes_what_is_chosen_and_a_broken_off_one_goes_on(root: Path) -> None:
    make(root, usual(root))
    order(root)
    assert make(root, usual(root), "--fresh", "--only", "tune") == 0
    assert order(root) == ["tune.one", "tune.two"]
    assert make(root, usual(root, FAIL), "--fresh") == 1
    assert order(root) == ["constants", "tune.one"]
    assert make(root, usual(root)) == 0
    assert order(root) == ["tune.two", "page"], "the page was forgotten too"


def test_a_stage_of_every_call_is_made_in_every_call(root: Path) -> None:
    table = table_in(root, stage("one"), replace(stage("tables"), always=True))
    for expected in (["one", "tables"], ["tables"]):
        assert make(root, table) == 0
        assert order(root) == expected
