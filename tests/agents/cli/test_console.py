from __future__ import annotations

import io

import pytest
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from thinmargin_agents.cli.console import SafeConsole, console, plain_console, table_console

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


BAD = "a\x1b[2Jb\x07\x9b31m"
ESCAPED = "a\\x1b[2Jb\\x07\\x9b31m"


def table(cell: RenderableType, title: str = "") -> Table:
    made = Table(title=title or None)
    made.add_column("column")
    made.add_row(cell)
    return made


@pytest.mark.parametrize("make", [plain_console, console, table_console])
@pytest.mark.parametrize(
    "renderable",
    [
        Text(BAD),
        Text("is ", "red").append(BAD, "bold"),
        table(escape(BAD)),
        table(Text(BAD)),
        table("cell", title=escape(BAD)),
        table(table(Text(BAD))),
        Panel(escape(BAD), title=escape(BAD)),
    ],
    ids=["text", "styled text", "cell", "text cell", "title", "table in a table", "panel"],
)
def test_no_renderable_changes_the_terminal(
    make: type[Console], renderable: RenderableType, capsys: pytest.CaptureFixture[str]
) -> None:
    make().print(renderable)
    printed = capsys.readouterr().out
    assert all(code not in printed for code in ("\x1b", "\x07", "\x9b"))
    assert "a\\x1b[2J" in printed  # a cell may cut what is wider than Rich measured it


def test_a_cell_is_as_wide_as_what_is_shown_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    console().print(table(escape(BAD)))
    lines = capsys.readouterr().out.splitlines()
    assert any(ESCAPED in line for line in lines)
    assert len({len(line) for line in lines}) == 1


def test_a_terminal_gets_the_colours_and_the_movements_of_bars_but_none_of_a_text() -> None:
    file = io.StringIO()
    on_terminal = SafeConsole(file=file, force_terminal=True, width=80, color_system="standard", legacy_windows=False)
    on_terminal.print("red", style="red")
    with Progress(console=on_terminal, auto_refresh=False, transient=True) as bar:
        bar.add_task("x\x1b[2Jy", total=2)
        bar.refresh()
    written = file.getvalue()
    assert "\x1b[31mred\x1b[0m" in written
    assert "\x1b[?25l" in written  # Rich hides the cursor itself
    assert "x\\x1b" in written
    assert "\x1b[2J" not in written
