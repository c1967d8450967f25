from __future__ import annotations

import pytest

from thinmargin_agents.cli.console import console, plain_console, table_console

NAME = "runs/:A:/mine.py"


def test_a_name_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    for make in (plain_console, console, table_console):
        make().print(NAME)
    plain_console(stderr=True).print(f"[bold]{NAME} {'long ' * 40}")
    shown = capsys.readouterr()
    assert shown.out.splitlines() == [NAME] * 3
    assert shown.err == f"[bold]{NAME} {'long ' * 40}\n"
