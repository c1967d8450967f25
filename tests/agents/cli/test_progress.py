from __future__ import annotations

import io

from rich.console import Console

from thinmargin_agents.cli.progress import progress_of


def test_every_tenth_is_a_line_where_there_is_no_terminal() -> None:
    console = Console(file=io.StringIO(), force_terminal=False)
    with progress_of(25, console) as progress:
        progress.say("searches")
        for _ in range(25):
            progress.advance()
    lines = console.file.getvalue().splitlines()
    assert len(lines) == 10
    assert lines[0] == "searches: 3 of 25"
    assert lines[-1] == "searches: 25 of 25"


def test_a_terminal_gets_a_bar() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    with progress_of(2, console) as progress:
        progress.say("searches")
        progress.advance()
        progress.advance()
    assert "2/2" in console.file.getvalue()
