"""Stages that take no time: each writes its name and what it reads into a file, and notes that it ran.

`python tiny_stages.py FOLDER FLAG ...` makes those of FOLDER, for tests that kill the command.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from thinmargin_agents.remake.__main__ import main
from thinmargin_agents.remake.stage import Output, Stage, Table, Words

NOTE = """
import pathlib, sys
name, out, *needed = sys.argv[1:]
with open("order.txt", "a") as file:
    file.write(name + "\\n")
pathlib.Path(out).write_text(name + "".join(pathlib.Path(one).read_text() for one in needed))
"""
WAIT = """
import pathlib, signal, sys, time
pathlib.Path("began.txt").write_text("")
signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
while not pathlib.Path("go.txt").exists():
    time.sleep(0.01)
"""
"""Waits for a file `go.txt`; SIGTERM and Ctrl-C end it."""
STUBBORN = """
import pathlib, signal, subprocess, sys, time
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path("child.txt").write_text(str(child.pid))
time.sleep(600)
"""
"""Ends at nothing but a kill, and has started another process."""


def python(code: str, *words: str) -> Words:
    return ("python", "-c", code, *words)


def stage(name: str, *needs: str, reads: tuple[str, ...] = (), before: str = "", bound: float = 600.0) -> Stage:
    """A stage that writes NAME.txt; `before` is run first."""
    note = python(NOTE, name, f"{name}.txt", *(f"{other}.txt" for other in needs))
    commands = (python(before), note) if before else (note,)
    return Stage(name, f"{name}.txt", commands, needs=needs, reads=reads, outputs=(Output(f"{name}.txt"),), bound=bound)


def table_in(root: Path, *stages: Stage, equations: str = "e") -> Callable[[Path], Table]:
    return lambda _: Table(root, stages, lambda: equations)


def usual(root: Path, before: str = "") -> Callable[[Path], Table]:
    """Constants, two rules of which the second is built on the first, and a page of both."""
    return table_in(
        root, stage("constants", reads=("figures.csv",)), stage("tune.one", "constants"),
        stage("tune.two", "constants", "tune.one", before=before), stage("page", "tune.one", "tune.two"),
    )  # fmt: skip


def order(root: Path) -> list[str]:
    """Names of the stages that ran, since this was asked last."""
    path = root / "order.txt"
    names = path.read_text("utf-8").split() if path.exists() else []
    path.unlink(missing_ok=True)
    return names


if __name__ == "__main__":
    top = Path(sys.argv[1])
    raise SystemExit(main(["--folder", str(top / "state"), *sys.argv[2:]], usual(top, WAIT)))
