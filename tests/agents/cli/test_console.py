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


def test_no_text_changes_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    for make in (plain_console, console, table_console):
        make().print("a\x1b[2J\x07\x9b31m\u202eb\nc")
    assert capsys.readouterr().out == "a\\x1b[2J\\x07\\x9b31m\\u202eb\nc\n" * 3
