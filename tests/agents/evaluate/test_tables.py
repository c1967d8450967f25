"""The tables of an evaluation: one policy that all are compared with, every column explained, keys in the cells."""

from __future__ import annotations

import copy
import io
import re
from typing import Any

import pytest
from rich.console import Console
from tests.reporting import hand_coded, judged

from thinmargin.names import POLICIES, with_id
from thinmargin_agents.evaluate.tables import (
    COLUMNS,
    LIMITS,
    plain_cell,
    results_markdown,
    rules_markdown,
    show,
    stress_markdown,
    words_of,
)

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


SHARES = ("bankrupt_share", "p_improve", "saturation")


def nearly_nothing(part: Any) -> Any:
    """The same document with every number of its own -0.04, which is no share of worlds."""
    if isinstance(part, dict):
        return {name: value if name in SHARES else nearly_nothing(value) for name, value in part.items()}
    if isinstance(part, list):
        return [nearly_nothing(value) for value in part]
    return -0.04 if isinstance(part, float) else part


def test_no_table_has_a_minus_before_a_zero(report: dict[str, Any]) -> None:
    changed = copy.deepcopy(report)
    changed["policies"] = nearly_nothing(report["policies"])
    for summary in changed["policies"].values():
        summary.update(score=-0.04, score_ci95=[-0.04, -0.04], J_ci95=[-0.04, 0.04], score_iqm=-0.04)
    rules = {rule: {"J_mean": -0.04} for rule in report["closing"]["order"]}
    entry = {"J_benchmark": -0.04, "J_mean": -0.04, "bankrupt_share": 0.0, "closing_rules": rules}
    changed.update(stress={"drought": dict.fromkeys(NAMES, entry)}, stress_worlds=6)
    for table in (results_markdown(changed), rules_markdown(changed), stress_markdown(changed)):
        assert " 0.0" in table
        assert "-0.0" not in table


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("a|b", r"a\|b"), ("<img src=x>", r"\<img src=x\>"), ("`c`", r"\`c\`"), ("*e*", r"\*e\*"), ("a_b", "a_b"),
        ("[x](y)", r"\[x\](y)"), (r"x\x1b[2J", r"x\x1b\[2J"), (r"a\*", r"a\\\*"), ("one  two\n# 3", "one two # 3"),
    ],
)  # fmt: skip
def test_a_name_in_a_cell_is_text_whatever_is_in_it(name: str, cell: str) -> None:
    assert plain_cell(name) == cell


def test_what_stands_for_an_interval_of_few_worlds_is_explained_above_every_table(report: dict[str, Any]) -> None:
    assert "[-]" not in results_markdown({**report, "worlds": 512, "policies": {}})
    for table in (results_markdown(report), rules_markdown(report)):
        first, *rows = table.splitlines()
        assert "[-]" in "".join(rows)
        assert first.endswith(": 6 validation worlds; [-]: no interval of fewer than 10, it would be too narrow.")
    console = Console(width=120, file=io.StringIO(), color_system=None)
    show(report, console)
    assert "[-]: no interval" in console.file.getvalue().splitlines()[0]


def test_shares_that_are_neither_none_nor_all_are_not_rounded_to_it(report: dict[str, Any]) -> None:
    changed = copy.deepcopy(report)
    changed["policies"]["plan"]["bankrupt_share"] = 1 / 5120
    changed["policies"]["plan"]["vs"]["low_margin_tuned"]["p_improve"] = 0.998
    changed["policies"]["bang_bang"]["bankrupt_share"] = 1 - 1 / 5120
    rows = rows_of(results_markdown(changed))
    assert (rows[with_id("plan")][-1], rows[with_id("bang_bang")][-1]) == ("<0.1 %", ">99.9 %")
    assert rows[with_id("plan")][rows["policy"].index("P(better)")] == ">0.99"


def test_what_is_counted_of_several_training_seeds_is_said(report: dict[str, Any]) -> None:
    words = words_of(report)
    assert "several training seeds every world counts once for each of them in shares, percentiles and IQM" in words


def test_why_there_is_no_score_is_a_sentence(report: dict[str, Any]) -> None:
    changed = {**report, "note": "score is null: nobody knows"}
    console = Console(width=120, file=io.StringIO(), color_system=None)
    show(changed, console)
    for text in (console.file.getvalue(), results_markdown(changed)):
        assert text.rstrip().endswith("There is no score: nobody knows.")
