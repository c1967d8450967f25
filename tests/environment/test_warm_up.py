"""The equations are compiled beforehand by a command, and whoever waits for them at a terminal is told why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import pytest

from thinmargin import waiting
from thinmargin.waiting import NOTE, Announcer
from thinmargin.warm_up import PARTS, main

AT_A_TERMINAL = """
import io, sys
class Terminal(io.StringIO):
    def isatty(self):
        return True
sys.stderr = Terminal()
from thinmargin.warm_up import main
status = main([])
print(status, sys.stderr.getvalue().strip())
"""


@pytest.mark.slow
def test_it_compiles_once_for_all_later_processes_and_says_so(fresh_python: Any, tmp_path: Path) -> None:
    first, second = (
        fresh_python(AT_A_TERMINAL, NUMBA_CACHE_DIR=str(tmp_path), NUMBA_DISABLE_JIT="0").splitlines() for _ in range(2)
    )
    names = [f"{number} of {len(PARTS)}: {name} ..." for number, name in enumerate(PARTS, 1)]
    assert [line.split(" ... ")[0] + " ..." for line in first[:-2]] == names
    assert all(" compiled in " in line for line in first[:-2])
    assert first[-2:] == ["ready", f"0 {NOTE}"], "the note comes once, not once a function"
    assert second == [*(f"{name} there already" for name in names), "ready: nothing had to be compiled", "0"]


def test_it_takes_no_argument_but_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--fast"])
    assert ended.value.code == 2
    assert "--fast" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert "compile the equations" in " ".join(capsys.readouterr().out.split())


class Compiled:
    """An event of numba: a function of this module is compiled."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.data = {"dispatcher": self}
        self.py_func = function


def test_nothing_is_said_where_nobody_sits_at_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, foreign = Compiled(main), Compiled(pytest.raises)
    Announcer().on_start(ours)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    announcer = Announcer()
    announcer.on_start(foreign)
    assert capsys.readouterr().err == ""
    for _ in range(2):
        announcer.on_start(ours)
        announcer.on_start(ours)  # what it calls, compiled inside
        announcer.on_end(ours)
        announcer.on_end(ours)
    assert capsys.readouterr().err == f"{waiting.NOTE}\n"
    assert announcer.names == ["main", "main"]
    monkeypatch.setattr("sys.stderr", None)
    Announcer().on_start(ours)  # a process without outputs, as of pythonw


def test_code_of_others_without_a_module_compiles_as_ever() -> None:
    made: dict[str, Any] = {}
    exec("def doubled(x):\n    return 2 * x", made)  # noqa: S102  # as other libraries make functions
    made["doubled"].__module__ = None
    assert numba.njit(made["doubled"])(21) == 42
