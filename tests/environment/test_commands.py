from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import thinmargin
import thinmargin_agents
from thinmargin import commands
from thinmargin.commands import COMMANDS, main

ALIASES = {"thinmargin_agents.stock", "thinmargin_agents.import_sb3.__main__", "thinmargin.data.__main__"}
"""Ways to run a command of the table that are not its `main`."""
WITHOUT = """
import sys
sys.modules[{library!r}] = None  # as if it were not installed
from thinmargin import commands
sys.exit(commands.main({words!r}))
"""


def without(library: str, *words: str) -> subprocess.CompletedProcess[str]:
    """What `thinmargin WORDS` says in a process that lacks a library."""
    code = WITHOUT.format(library=library, words=list(words))
    return subprocess.run(  # noqa: S603  # the program is written above
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]], ids=str)
def test_it_lists_every_command_with_a_sentence(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    for name, command in COMMANDS.items():
        (line,) = [line for line in lines if line.split()[:1] == [name]]
        assert command.sentence in line
        assert command.sentence.endswith(".")
        assert ("(In a clone.)" in line) == command.needs_clone
        assert len(line) <= 110
    assert "pip install" not in "".join(lines)  # every library is here


def test_every_module_that_can_be_run_is_a_command() -> None:
    runnable = {
        module.name
        for package in (thinmargin, thinmargin_agents)
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if module.name.endswith(".__main__")
    } - {"thinmargin.__main__"}
    assert runnable - ALIASES <= {command.module for command in COMMANDS.values()}
    scripts = {path.stem for path in Path(__file__).parents[2].glob("*.py")}
    assert scripts <= set(COMMANDS)
    for command in COMMANDS.values():
        assert callable(importlib.import_module(command.module).main)


@pytest.mark.parametrize(
    ("words", "module", "passed"),
    [
        (["data", "--series", "revenue_total_rmb_bn"], "thinmargin.data.table", ["--series", "revenue_total_rmb_bn"]),
        (["phase-map", "-h"], "thinmargin_agents.phase_map.__main__", ["-h"]),
        (["phase_map", "--seed=1"], "thinmargin_agents.phase_map.__main__", ["--seed=1"]),
        (["help", "train"], "thinmargin_agents.train", ["--help"]),
    ],
)
def test_a_command_gets_its_arguments_and_its_status_is_returned(
    words: list[str], module: str, passed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    got: list[list[str]] = []

    def act(arguments: list[str]) -> int:
        got.append(arguments)
        return 7

    monkeypatch.setattr(importlib.import_module(module), "main", act)
    assert main(words) == 7
    assert got == [passed]


@pytest.mark.parametrize("name", ["train", "evaluate"])
def test_the_two_scripts_of_the_clone_have_console_scripts(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [f"/some/bin/thinmargin-{name}", "--log-folder", ""])
    assert getattr(commands, name)() == 2
    assert capsys.readouterr().err.startswith(f"thinmargin-{name}: --log-folder is ")


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("evalute", ("COMMAND is 'evalute'", "did you mean evaluate?", "allowed are train, evaluate")),
        ("--seed", ("COMMAND is '--seed'", "allowed are train")),
        ("", ("COMMAND is ''", "allowed are train")),
        ("\x1b[2J" + 3000 * "x", (r"COMMAND is '\x1b[2Jxxx", "allowed are train")),
    ],
)
def test_an_unknown_command_is_named_with_what_there_is(
    word: str, told: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([word]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    for part in told:
        assert part in printed.err
    assert len(printed.err) < 400


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"thinmargin {thinmargin.__version__}\n"


@pytest.mark.slow
def test_without_the_libraries_of_the_agents_all_are_listed_and_the_environments_commands_run() -> None:
    listed = without("tyro")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert all(f"  {name}" in listed.stdout for name in COMMANDS)
    missing = listed.stdout.splitlines()[-1]
    assert "train, evaluate" in missing
    assert "pip install 'thinmargin[agents]'" in missing
    assert "data" not in missing.replace(",", "").split()

    printed = without("tyro", "data", "--series", "revenue_total_rmb_bn")
    assert (printed.returncode, printed.stderr) == (0, "")
    assert "revenue_total_rmb_bn" in printed.stdout

    for name in ("train", "phase-map"):
        refused = without("tyro", name, "--help")
        assert refused.returncode == 2
        assert refused.stderr == (
            f"thinmargin: {name} needs libraries that are not installed: pip install 'thinmargin[agents]'\n"
        )


@pytest.mark.slow
def test_a_module_of_the_agents_without_their_libraries_says_in_one_line_what_to_install() -> None:
    code = "import sys, runpy; sys.modules['tyro'] = None; runpy._run_module_as_main('thinmargin_agents.audit')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "thinmargin_agents needs tyro: pip install 'thinmargin[agents]'" in done.stderr
