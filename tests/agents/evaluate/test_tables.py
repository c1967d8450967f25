"""The tables of an evaluation: one policy that all are compared with, every column explained, keys in the cells."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from rich.console import Console
from tests.reporting import hand_coded, judged

from thinmargin.names import POLICIES, with_id
from thinmargin_agents.evaluate.tables import COLUMNS, LIMITS, results_markdown, rules_markdown, show, words_of

NAMES = ("plan", "bang_bang", "low_margin_tuned", "low_margin_ecosystem")


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return judged(hand_coded(*NAMES), worlds=6, foresight=True).report


def rows_of(markdown: str) -> dict[str, list[str]]:
    lines = [line.strip("| ").split(" | ") for line in markdown.splitlines() if line.startswith("| ")]
    return {name: cells for name, *cells in lines}


def test_every_policy_is_compared_with_the_one_that_scores_nothing(report: dict[str, Any]) -> None:
    rows = rows_of(results_markdown(report))
    heads = rows["policy"]
    score, value = heads.index("score [interval]"), heads.index("J [interval]")
    less, better = heads.index("J less tuned [interval]"), heads.index("P(better)")
    assert (
        rows["tuned low margin (low_margin_tuned)"][less] == rows["tuned low margin (low_margin_tuned)"][better] == "-"
    )
    anchor = float(rows["tuned low margin (low_margin_tuned)"][value].split()[0])
    for name in ("plan", "bang_bang", "low_margin_ecosystem", "foresight"):
        cells = rows[with_id(name)]
        told = float(cells[less].split()[0])
        assert told == pytest.approx(float(cells[value].split()[0]) - anchor, abs=1e-9)
        assert (told > 0.0) == (float(cells[score].split()[0]) > 0.0)
    assert "less baseline" not in results_markdown(report)


def test_every_column_is_explained(report: dict[str, Any]) -> None:
    words = words_of(report).lower()
    for head in (column.head.removesuffix(" [interval]") for column in COLUMNS):
        parts = {"closing": "closing value", "score iqm": "iqm:", "j iqm": "iqm:", "50 %": "5 % to 95 %: percentiles"}
        assert parts.get(head.lower(), head.lower()) in words, head
    assert "p(better): share of worlds" in words
    assert "interquartile mean" in words


def test_levers_at_their_limits_are_named_in_the_cells(report: dict[str, Any]) -> None:
    cell = LIMITS.cell("bang_bang", report["policies"]["bang_bang"])
    assert cell == "price 100 %, accessories 100 %, marketing 100 %, updates 100 %"
    assert (
        LIMITS.cell("plan", {"saturation": dict.fromkeys(("price", "accessories", "marketing", "updates"), 0.0)}) == "-"
    )
    for _, part in (one.rsplit(" ", 2)[:2] for one in cell.split(", ")):
        assert part.isdigit()


@pytest.mark.parametrize("terminal", [True, False])
def test_names_stand_beside_ids_in_every_table(report: dict[str, Any], terminal: bool) -> None:
    console = Console(width=120, file=io.StringIO(), force_terminal=terminal, color_system=None)
    show(report, console)
    shown = console.file.getvalue()
    for text in (shown, results_markdown(report), rules_markdown(report)):
        for name in (*NAMES, "foresight"):
            assert POLICIES[name] in text
            assert re.search(rf"\b{name}\b", text)
